package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/bill"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

func billNote(n bill.Note, refunds ...payment.Refund) oapi.BillNote {
	out := oapi.BillNote{Bill: billSummary(n.Bill), Corrects: n.Corrects, Reason: n.Reason, Applied: n.Applied, Credit: n.Credit}
	if len(refunds) > 0 {
		list := mapped(refunds, refundOf)
		out.Refunds = &list
	}
	return out
}

// ofOwnBill refuses a bill that is not of the account that a subscriber sees.
func (c *call) ofOwnBill(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	head, err := bill.Get(ctx, tx, id)
	if err != nil {
		return err
	}
	return c.sees(head.AccountID)
}

// ListBillNotes implements oapi.StrictServerInterface.
func (s *Server) ListBillNotes(ctx context.Context, r oapi.ListBillNotesRequestObject) (oapi.ListBillNotesResponseObject, error) {
	c := callOf(ctx)
	var notes []bill.Note
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if err = c.ofOwnBill(ctx, tx, r.Bill); err == nil {
			notes, err = bill.NotesOf(ctx, tx, r.Bill)
		}
		return err
	})
	return oapi.ListBillNotes200JSONResponse{Items: mapped(notes, func(n bill.Note) oapi.BillNote { return billNote(n) })}, err
}

// GetCreditable implements oapi.StrictServerInterface.
func (s *Server) GetCreditable(ctx context.Context, r oapi.GetCreditableRequestObject) (oapi.GetCreditableResponseObject, error) {
	var left bill.Creditable
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		left, err = bill.GetCreditable(ctx, tx, r.Bill)
		return err
	})
	return oapi.GetCreditable200JSONResponse{Left: left.Left, Lines: mapped(left.Lines, func(l bill.LeftLine) oapi.CreditableLine {
		return oapi.CreditableLine{No: l.No, Description: l.Description, NetLeft: l.NetLeft, TaxLeft: l.TaxLeft}
	})}, err
}

// CreateCreditNote implements oapi.StrictServerInterface.
func (s *Server) CreateCreditNote(ctx context.Context, r oapi.CreateCreditNoteRequestObject) (oapi.CreateCreditNoteResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.CreateCreditNoteResponseObject.VisitCreateCreditNoteResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateCreditNoteResponseObject, error) {
		c := callOf(ctx)
		c.about("bill", r.Bill)
		c.note("reason", r.Body.Reason)
		order := bill.NewCredit{ID: id, BillID: r.Bill, Gross: value(r.Body.Amount), Reason: r.Body.Reason, By: c.who.Actor()}
		for _, l := range value(r.Body.Lines) {
			order.Lines = append(order.Lines, bill.CreditLine{No: l.No, Amount: l.Amount})
		}
		note, refunds, err := payment.CreditBill(ctx, tx, order, payment.Rest(value(r.Body.Rest)))
		if err != nil {
			return nil, err
		}
		c.note("note", note.Number, "total", note.Total.String())
		return oapi.CreateCreditNote201JSONResponse{Body: billNote(note, refunds...)}, nil
	})
}

// CreateDebitNote implements oapi.StrictServerInterface.
func (s *Server) CreateDebitNote(ctx context.Context, r oapi.CreateDebitNoteRequestObject) (oapi.CreateDebitNoteResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.CreateDebitNoteResponseObject.VisitCreateDebitNoteResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateDebitNoteResponseObject, error) {
		c := callOf(ctx)
		c.about("bill", r.Bill)
		c.note("reason", r.Body.Reason)
		order := bill.NewDebit{ID: id, BillID: r.Bill, Reason: r.Body.Reason, By: c.who.Actor()}
		for _, l := range r.Body.Lines {
			order.Lines = append(order.Lines, bill.DebitLine{No: value(l.No), Description: value(l.Description), Amount: l.Amount, Category: value(l.Category)})
		}
		note, err := bill.Debit(ctx, tx, order)
		if err != nil {
			return nil, err
		}
		c.note("note", note.Number, "total", note.Total.String())
		return oapi.CreateDebitNote201JSONResponse{Body: billNote(note)}, nil
	})
}

// VoidBill implements oapi.StrictServerInterface.
func (s *Server) VoidBill(ctx context.Context, r oapi.VoidBillRequestObject) (oapi.VoidBillResponseObject, error) {
	return nil, once(ctx, oapi.VoidBillResponseObject.VisitVoidBillResponse, func(ctx context.Context, tx tenant.Tx) (oapi.VoidBillResponseObject, error) {
		c := callOf(ctx)
		c.about("bill", r.Bill)
		c.note("reason", r.Body.Reason)
		err := bill.Cancel(ctx, tx, bill.Voiding{BillID: r.Bill, Again: value(r.Body.BillAgain), Reason: r.Body.Reason, By: c.who.Actor()})
		if err != nil {
			return nil, err
		}
		head, err := bill.Get(ctx, tx, r.Bill)
		return oapi.VoidBill200JSONResponse{Body: billSummary(head)}, err
	})
}

// RefundNote implements oapi.StrictServerInterface.
func (s *Server) RefundNote(ctx context.Context, r oapi.RefundNoteRequestObject) (oapi.RefundNoteResponseObject, error) {
	return nil, once(ctx, oapi.RefundNoteResponseObject.VisitRefundNoteResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RefundNoteResponseObject, error) {
		c := callOf(ctx)
		c.about("bill", r.Bill)
		refunds, err := payment.RefundNote(ctx, tx, payment.NoteRefund{Key: c.commandKey(), ID: r.Bill, Amount: r.Body.Amount, Reason: r.Body.Reason, By: c.who.Actor()})
		return oapi.RefundNote201JSONResponse{Body: oapi.NoteRefundList{Items: mapped(refunds, refundOf)}}, err
	})
}

func instalments(list []bill.Instalment) oapi.InstalmentList {
	return oapi.InstalmentList{Items: mapped(list, func(i bill.Instalment) oapi.Instalment {
		return oapi.Instalment{OpenItem: i.OpenItemID, No: i.No, Amount: i.Amount, Open: i.Open, Due: i.DueDate}
	})}
}

// ListInstalments implements oapi.StrictServerInterface.
func (s *Server) ListInstalments(ctx context.Context, r oapi.ListInstalmentsRequestObject) (oapi.ListInstalmentsResponseObject, error) {
	c := callOf(ctx)
	var list []bill.Instalment
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if err = c.ofOwnBill(ctx, tx, r.Bill); err == nil {
			list, err = bill.InstalmentsOf(ctx, tx, r.Bill)
		}
		return err
	})
	return oapi.ListInstalments200JSONResponse(instalments(list)), err
}

// CreateInstalments implements oapi.StrictServerInterface.
func (s *Server) CreateInstalments(ctx context.Context, r oapi.CreateInstalmentsRequestObject) (oapi.CreateInstalmentsResponseObject, error) {
	return nil, once(ctx, oapi.CreateInstalmentsResponseObject.VisitCreateInstalmentsResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateInstalmentsResponseObject, error) {
		c := callOf(ctx)
		c.about("bill", r.Bill)
		list, err := bill.Instal(ctx, tx, bill.NewInstalments{BillID: r.Bill, Due: r.Body.Due, Fee: r.Body.Fee, By: c.who.Actor()})
		return oapi.CreateInstalments201JSONResponse{Body: instalments(list)}, err
	})
}

// CallInInstalments implements oapi.StrictServerInterface.
func (s *Server) CallInInstalments(ctx context.Context, r oapi.CallInInstalmentsRequestObject) (oapi.CallInInstalmentsResponseObject, error) {
	return nil, once(ctx, oapi.CallInInstalmentsResponseObject.VisitCallInInstalmentsResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CallInInstalmentsResponseObject, error) {
		callOf(ctx).about("bill", r.Bill)
		list, err := bill.CallIn(ctx, tx, r.Bill)
		return oapi.CallInInstalments200JSONResponse{Body: instalments(list)}, err
	})
}
