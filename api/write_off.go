package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/tenant"
)

func writeOffOf(w bill.WriteOff) oapi.WriteOff {
	out := oapi.WriteOff{Id: w.ID, Account: w.AccountID, OpenItem: w.OpenItemID, Amount: w.Amount, Tax: w.Tax, Reversed: w.Reversed, Reason: w.Reason, At: w.At}
	if w.BillID != uuid.Nil {
		out.Bill = &w.BillID
	}
	return out
}

// ListWriteOffs implements oapi.StrictServerInterface.
func (s *Server) ListWriteOffs(ctx context.Context, r oapi.ListWriteOffsRequestObject) (oapi.ListWriteOffsResponseObject, error) {
	var list []bill.WriteOff
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if err = accountExists(ctx, tx, r.Account); err == nil {
			list, err = bill.WriteOffsOf(ctx, tx, r.Account)
		}
		return err
	})
	return oapi.ListWriteOffs200JSONResponse{Items: mapped(list, writeOffOf)}, err
}

// CreateWriteOff implements oapi.StrictServerInterface.
func (s *Server) CreateWriteOff(ctx context.Context, r oapi.CreateWriteOffRequestObject) (oapi.CreateWriteOffResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.CreateWriteOffResponseObject.VisitCreateWriteOffResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateWriteOffResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		w, err := bill.WriteDebtOff(ctx, tx, bill.NewWriteOff{ID: id, OpenItemID: r.Body.OpenItem, Amount: r.Body.Amount, Reason: r.Body.Reason, By: c.who.Actor()})
		if err == nil && w.AccountID != r.Account {
			err = bill.ErrNoItemOpen
		}
		if err != nil {
			return nil, err
		}
		c.note("amount", w.Amount.String(), "reason", w.Reason)
		return oapi.CreateWriteOff201JSONResponse{Body: writeOffOf(w)}, nil
	})
}

// ReverseWriteOff implements oapi.StrictServerInterface.
func (s *Server) ReverseWriteOff(ctx context.Context, r oapi.ReverseWriteOffRequestObject) (oapi.ReverseWriteOffResponseObject, error) {
	return nil, once(ctx, oapi.ReverseWriteOffResponseObject.VisitReverseWriteOffResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ReverseWriteOffResponseObject, error) {
		callOf(ctx).about("write_off", r.WriteOff)
		w, err := bill.TakeBackWriteOff(ctx, tx, r.WriteOff, r.Body.Amount)
		return oapi.ReverseWriteOff200JSONResponse{Body: writeOffOf(w)}, err
	})
}

// PutNumberFormat implements oapi.StrictServerInterface.
func (s *Server) PutNumberFormat(ctx context.Context, r oapi.PutNumberFormatRequestObject) (oapi.PutNumberFormatResponseObject, error) {
	return nil, once(ctx, oapi.PutNumberFormatResponseObject.VisitPutNumberFormatResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutNumberFormatResponseObject, error) {
		c := callOf(ctx)
		c.object = "operator"
		c.note("document", string(r.Body.Document), "template", r.Body.Template)
		f := bill.NumberFormat{LegalEntity: r.Body.LegalEntity, Kind: bill.Kind(r.Body.Document), Template: r.Body.Template}
		if err := bill.PutNumberFormat(ctx, tx, f, c.who.Actor()); err != nil {
			return nil, err
		}
		next, err := bill.PrintedNumber(ctx, tx, f)
		return oapi.PutNumberFormat200JSONResponse{Body: oapi.NumberFormatShown{Template: f.Template, Next: next}}, err
	})
}

// PreviewNumber implements oapi.StrictServerInterface.
func (s *Server) PreviewNumber(ctx context.Context, r oapi.PreviewNumberRequestObject) (oapi.PreviewNumberResponseObject, error) {
	out := oapi.NumberFormatShown{Template: r.Params.Template}
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		out.Next, err = bill.PrintedNumber(ctx, tx, bill.NumberFormat{LegalEntity: r.Params.LegalEntity, Kind: bill.Kind(r.Params.Document), Template: r.Params.Template})
		return err
	})
	return oapi.PreviewNumber200JSONResponse(out), err
}

// ContinueNumberSeries implements oapi.StrictServerInterface.
func (s *Server) ContinueNumberSeries(ctx context.Context, r oapi.ContinueNumberSeriesRequestObject) (oapi.ContinueNumberSeriesResponseObject, error) {
	return nil, once(ctx, oapi.ContinueNumberSeriesResponseObject.VisitContinueNumberSeriesResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ContinueNumberSeriesResponseObject, error) {
		c := callOf(ctx)
		c.object = "operator"
		c.note("document", string(r.Body.Document))
		if err := continueSeries(ctx, tx, r.Body); err != nil {
			return nil, err
		}
		series, err := bill.Numberings(ctx, tx)
		return oapi.ContinueNumberSeries200JSONResponse{Body: oapi.NumberSeriesList{Items: mapped(series, numberSeries)}}, err
	})
}

func continueSeries(ctx context.Context, tx tenant.Tx, body *oapi.ContinueSeries) error {
	if _, err := bill.PrintedNumber(ctx, tx, bill.NumberFormat{LegalEntity: body.LegalEntity, Kind: bill.Kind(body.Document), Template: bill.DefaultTemplate}); err != nil {
		return err // no such legal entity
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	if today := profile.LocalDate(tx.At); body.LastIssue.After(today) {
		return &account.FieldError{Field: "last_issue", Want: "a day up to today, " + today.String()}
	}
	return bill.ContinueAt(ctx, tx, bill.Series{LegalEntity: body.LegalEntity, Kind: bill.Kind(body.Document), Year: body.Year}, body.Next, body.LastIssue)
}

func numberSeries(n bill.Numbering) oapi.NumberSeries {
	return oapi.NumberSeries{LegalEntity: n.LegalEntity, Seller: n.Seller, Document: string(n.Kind), Year: n.Year, Next: n.Next, LastIssue: optionalDate(n.LastIssue), Template: n.Template}
}
