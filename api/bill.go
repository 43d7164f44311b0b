package api

import (
	"bytes"
	"context"
	"errors"

	"tollhouse/api/oapi"
	"tollhouse/api/problem"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// ListAccountBills implements oapi.StrictServerInterface.
func (s *Server) ListAccountBills(ctx context.Context, r oapi.ListAccountBillsRequestObject) (oapi.ListAccountBillsResponseObject, error) {
	var after bill.Cursor
	parts, err := cursorParts(r.Params.Cursor, 1)
	if err == nil && parts != nil {
		after, err = bill.ParseCursor(parts[0])
	}
	if err != nil {
		return nil, errCursor()
	}
	var page bill.Page
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		err := accountExists(ctx, tx, r.Account)
		if err == nil {
			page, err = bill.List(ctx, tx, r.Account, after, pageLimit(r.Params.Limit))
		}
		return err
	})
	out := oapi.ListAccountBills200JSONResponse{Items: mapped(page.Bills, billSummary)}
	if page.Next != nil {
		out.Next = newCursor(page.Next.String())
	}
	return out, err
}

func billSummary(b bill.Bill) oapi.BillSummary {
	return oapi.BillSummary{Id: b.ID, Account: b.AccountID, Kind: oapi.BillSummaryKind(b.Kind), State: oapi.BillSummaryState(b.State),
		Number: optionalText(b.Number), Period: oapi.Period(b.Cycle), IssueDate: optionalDate(b.Issued), DueDate: optionalDate(b.DueDate),
		Total: b.Total, PaidBefore: b.PaidBefore, Due: b.Due, Open: b.Open}
}

// FindBills implements oapi.StrictServerInterface.
func (s *Server) FindBills(ctx context.Context, r oapi.FindBillsRequestObject) (oapi.FindBillsResponseObject, error) {
	var found bill.Bill
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		found, err = bill.ByNumber(ctx, tx, r.Params.Number)
		return err
	})
	return oapi.FindBills200JSONResponse{Items: []oapi.BillSummary{billSummary(found)}}, err
}

// GetBill implements oapi.StrictServerInterface.
func (s *Server) GetBill(ctx context.Context, r oapi.GetBillRequestObject) (oapi.GetBillResponseObject, error) {
	c := callOf(ctx)
	var head bill.Bill
	var d bill.Document
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if head, err = bill.Get(ctx, tx, r.Bill); err != nil {
			return err
		}
		if err := c.sees(head.AccountID); err != nil {
			return err
		}
		d, err = bill.GetDocument(ctx, tx, r.Bill)
		return err
	})
	out := oapi.GetBill200JSONResponse{Summary: billSummary(head), Net: d.Net, Tax: d.Tax, Lines: mapped(d.Lines, billLine), Taxes: mapped(d.Taxes, billTax)}
	if d.Rounding.Sign() != 0 {
		out.Rounding = &d.Rounding
	}
	if d.Withheld != nil {
		out.Withheld = &d.Withheld.Amount
	}
	return out, err
}

func billTax(t bill.TaxLine) oapi.BillTax {
	code := oapi.TaxCode(t.CodeOr())
	out := oapi.BillTax{Category: t.Category, Name: t.Name, Percent: t.Percent, Base: t.Base, Tax: t.Tax, Code: &code, Reason: optionalText(t.Reason.Text), Levy: optionalText(t.Levy)}
	if !t.Factor.IsZero() && t.Factor.Den != 0 {
		out.BasePart = optionalText(t.Factor.String())
	}
	return out
}

func billLine(l bill.Line) oapi.BillLine {
	out := oapi.BillLine{No: l.No, Kind: oapi.BillLineKind(l.Kind), Code: l.Code, Description: l.Description,
		Quantity: quantity(l.Quantity, l.Unit), Price: l.Price, Net: l.Net, Tax: l.Tax, TaxPercent: l.Percent}
	if l.Events != 0 {
		out.Events = &l.Events
	}
	if !l.Period.From.IsZero() {
		period := oapi.Period(l.Period)
		out.Period = &period
	}
	return out
}

// GetBillPdf implements oapi.StrictServerInterface.
func (s *Server) GetBillPdf(ctx context.Context, r oapi.GetBillPdfRequestObject) (oapi.GetBillPdfResponseObject, error) {
	c := callOf(ctx)
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		head, err := bill.Get(ctx, tx, r.Bill)
		if err != nil {
			return err
		}
		return c.sees(head.AccountID)
	})
	if err != nil {
		return nil, err
	}
	text, err := c.stack.BillPDF(ctx, r.Bill)
	return oapi.GetBillPdf200ApplicationpdfResponse{Body: bytes.NewReader(text), ContentLength: int64(len(text))}, err
}

// CreateBillRun implements oapi.StrictServerInterface.
func (s *Server) CreateBillRun(ctx context.Context, r oapi.CreateBillRunRequestObject) (oapi.CreateBillRunResponseObject, error) {
	return nil, once(ctx, oapi.CreateBillRunResponseObject.VisitCreateBillRunResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateBillRunResponseObject, error) {
		run, err := startRun(ctx, tx, r.Body.CycleEnd)
		callOf(ctx).about("bill_run", run.ID)
		return oapi.CreateBillRun202JSONResponse{Body: billRun(run)}, err
	})
}

// startRun begins a day's run or goes on with it.
func startRun(ctx context.Context, tx tenant.Tx, day calendar.Date) (bill.Run, error) {
	refused := func(reason, want string) (bill.Run, error) {
		return bill.Run{}, problem.Unprocessable.New("", problem.Fault{Field: "cycle_end", Reason: reason, Want: want})
	}
	runs, err := bill.StartDue(ctx, tx, day, callOf(ctx).who.Actor())
	switch {
	case errors.Is(err, bill.ErrCycleOpen):
		return refused("has not come", "today or a day before, in the operator's zone")
	case errors.Is(err, bill.ErrNothingEnds):
		return refused("is no day on which a cycle ends", "the day after a cycle's last, as an account's cycle.to shows it")
	case err != nil:
		return bill.Run{}, err
	}
	return runs[0], nil
}

func billRun(r bill.Run) oapi.BillRun {
	return oapi.BillRun{Id: r.ID, CycleEnd: r.CycleEnd, State: oapi.BillRunState(r.State), Total: r.Total, Done: r.Done, Failed: r.Failed,
		StartedAt: r.StartedAt, FinishedAt: r.FinishedAt, PreparedBy: optionalText(r.PreparedBy), ApprovedBy: optionalText(r.ApprovedBy)}
}

// ListBillRuns implements oapi.StrictServerInterface.
func (s *Server) ListBillRuns(ctx context.Context, r oapi.ListBillRunsRequestObject) (oapi.ListBillRunsResponseObject, error) {
	var runs []bill.Run
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		runs, err = bill.Runs(ctx, tx, pageLimit(r.Params.Limit))
		return err
	})
	return oapi.ListBillRuns200JSONResponse{Items: mapped(runs, billRun)}, err
}

// maxFailures bounds the accounts a run's answer names.
const maxFailures = 500

// GetBillRun implements oapi.StrictServerInterface.
func (s *Server) GetBillRun(ctx context.Context, r oapi.GetBillRunRequestObject) (oapi.GetBillRunResponseObject, error) {
	var run bill.Run
	var failures []bill.Failure
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if run, err = bill.GetRun(ctx, tx, r.Run); err == nil {
			failures, err = bill.Failures(ctx, tx, r.Run, maxFailures)
		}
		return err
	})
	out := billRun(run)
	list := mapped(failures, func(f bill.Failure) oapi.BillRunFailure {
		return oapi.BillRunFailure{Account: f.AccountID, Number: f.Number, Reason: f.Reason, At: f.At}
	})
	out.Failures = &list
	return oapi.GetBillRun200JSONResponse(out), err
}
