package api

import (
	"cmp"
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/bank/pain"
	"tollhouse/billing/cashdesk"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// ReassignPayment implements oapi.StrictServerInterface.
func (s *Server) ReassignPayment(ctx context.Context, r oapi.ReassignPaymentRequestObject) (oapi.ReassignPaymentResponseObject, error) {
	id := newID()
	return nil, once(ctx, oapi.ReassignPaymentResponseObject.VisitReassignPaymentResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ReassignPaymentResponseObject, error) {
		c := callOf(ctx)
		c.about("payment", r.Payment)
		m := payment.Movement{ID: id, PaymentID: r.Payment, To: r.Body.Account, Bills: value(r.Body.Bills), Amount: value(r.Body.Amount), Reason: r.Body.Reason, By: c.who.Actor()}
		move := payment.Reassign
		if value(r.Body.Unapplied) {
			move = payment.MoveUnapplied
		}
		made, err := move(ctx, tx, m)
		if err != nil {
			return nil, err
		}
		out, err := paid(ctx, tx, made)
		return oapi.ReassignPayment201JSONResponse{Body: out}, err
	})
}

func methodOf(m payment.StoredMethod) oapi.PaymentMethodInfo {
	out := oapi.PaymentMethodInfo{Id: m.ID, Kind: oapi.PaymentMethodInfoKind(m.Kind), State: oapi.PaymentMethodInfoState(m.State), AutoPay: m.AutoPay, Name: m.Name(),
		Mandate: optionalText(m.MandateReference), CreatedAt: m.CreatedAt}
	if m.Kind == payment.SEPADebit {
		scheme := cmp.Or(m.Details.Scheme, pain.Core)
		out.Scheme = &scheme
	}
	return out
}

// ListPaymentMethods implements oapi.StrictServerInterface.
func (s *Server) ListPaymentMethods(ctx context.Context, r oapi.ListPaymentMethodsRequestObject) (oapi.ListPaymentMethodsResponseObject, error) {
	c := callOf(ctx)
	if err := c.sees(r.Account); err != nil {
		return nil, err
	}
	var list []payment.StoredMethod
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if err = accountExists(ctx, tx, r.Account); err == nil {
			list, err = payment.Methods(ctx, tx, r.Account)
		}
		return err
	})
	return oapi.ListPaymentMethods200JSONResponse{Items: mapped(list, methodOf)}, err
}

// StoreCard implements oapi.StrictServerInterface. The provider is called
// between transactions, so the card's id follows from the command's key.
func (s *Server) StoreCard(ctx context.Context, r oapi.StoreCardRequestObject) (oapi.StoreCardResponseObject, error) {
	c := callOf(ctx)
	if err := c.sees(r.Account); err != nil {
		return nil, err
	}
	id := uuid.NewSHA1(r.Account, []byte(c.commandKey()))
	return nil, repeatable(ctx, oapi.StoreCardResponseObject.VisitStoreCardResponse, func(ctx context.Context) (oapi.StoreCardResponseObject, error) {
		url, err := c.stack.StoreCard(ctx, payment.SetupOrder{ID: id, AccountID: r.Account, AutoPay: value(r.Body.AutoPay)}, value(r.Body.ReturnUrl))
		c.about("payment_method", id)
		return oapi.StoreCard201JSONResponse{Body: oapi.CardPage{Id: id, Url: url}}, err
	})
}

// ChangePaymentMethod implements oapi.StrictServerInterface.
func (s *Server) ChangePaymentMethod(ctx context.Context, r oapi.ChangePaymentMethodRequestObject) (oapi.ChangePaymentMethodResponseObject, error) {
	c := callOf(ctx)
	if err := c.sees(r.Account); err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.ChangePaymentMethodResponseObject.VisitChangePaymentMethodResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ChangePaymentMethodResponseObject, error) {
		c.about("payment_method", r.Method)
		return oapi.ChangePaymentMethod204Response{}, payment.SetAutoPay(ctx, tx, r.Account, r.Method, r.Body.AutoPay)
	})
}

// EndPaymentMethod implements oapi.StrictServerInterface.
func (s *Server) EndPaymentMethod(ctx context.Context, r oapi.EndPaymentMethodRequestObject) (oapi.EndPaymentMethodResponseObject, error) {
	c := callOf(ctx)
	if err := c.sees(r.Account); err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.EndPaymentMethodResponseObject.VisitEndPaymentMethodResponse, func(ctx context.Context, tx tenant.Tx) (oapi.EndPaymentMethodResponseObject, error) {
		c.about("payment_method", r.Method)
		return oapi.EndPaymentMethod204Response{}, payment.EndMethod(ctx, tx, r.Account, r.Method)
	})
}

// ListDisputes implements oapi.StrictServerInterface.
func (s *Server) ListDisputes(ctx context.Context, _ oapi.ListDisputesRequestObject) (oapi.ListDisputesResponseObject, error) {
	var list []payment.Dispute
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = payment.ListDisputes(ctx, tx, mostListed)
		return err
	})
	return oapi.ListDisputes200JSONResponse{Items: mapped(list, func(d payment.Dispute) oapi.Dispute {
		return oapi.Dispute{Id: d.ID, Payment: d.PaymentID, Kind: oapi.DisputeKind(d.Kind), Provider: d.Provider, Reference: d.Ref, Amount: d.Amount, Fee: d.Fee, Reason: d.Reason,
			State: oapi.DisputeState(d.State), EvidenceDue: d.EvidenceDue, EvidenceSent: d.EvidenceSent, OpenedAt: d.OpenedAt}
	})}, err
}

// NoteDisputeEvidence implements oapi.StrictServerInterface.
func (s *Server) NoteDisputeEvidence(ctx context.Context, r oapi.NoteDisputeEvidenceRequestObject) (oapi.NoteDisputeEvidenceResponseObject, error) {
	return nil, once(ctx, oapi.NoteDisputeEvidenceResponseObject.VisitNoteDisputeEvidenceResponse, func(ctx context.Context, tx tenant.Tx) (oapi.NoteDisputeEvidenceResponseObject, error) {
		callOf(ctx).about("dispute", r.Dispute)
		return oapi.NoteDisputeEvidence204Response{}, payment.NoteEvidence(ctx, tx, r.Dispute)
	})
}

func shiftOf(s cashdesk.Shift) oapi.CashShift {
	return oapi.CashShift{Id: s.ID, No: s.No, Branch: s.Branch, Cashier: s.Cashier, State: oapi.CashShiftState(s.State), Float: s.Float, Expected: s.Expected, Counted: s.Counted,
		Difference: s.Difference(), OpenedAt: s.OpenedAt}
}

func moveOf(m cashdesk.Move) oapi.CashMove {
	return oapi.CashMove{Id: m.ID, Receipt: m.Receipt(), Kind: oapi.CashMoveKind(m.Kind), Amount: m.Amount, Account: m.AccountID, Payment: m.PaymentID, Note: m.Note, At: m.At}
}

// ListCashShifts implements oapi.StrictServerInterface.
func (s *Server) ListCashShifts(ctx context.Context, _ oapi.ListCashShiftsRequestObject) (oapi.ListCashShiftsResponseObject, error) {
	var list []cashdesk.Shift
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		list, err = cashdesk.List(ctx, tx, mostListed)
		return err
	})
	return oapi.ListCashShifts200JSONResponse{Items: mapped(list, shiftOf)}, err
}

// OpenCashShift implements oapi.StrictServerInterface.
func (s *Server) OpenCashShift(ctx context.Context, r oapi.OpenCashShiftRequestObject) (oapi.OpenCashShiftResponseObject, error) {
	id := newID()
	return nil, once(ctx, oapi.OpenCashShiftResponseObject.VisitOpenCashShiftResponse, func(ctx context.Context, tx tenant.Tx) (oapi.OpenCashShiftResponseObject, error) {
		c := callOf(ctx)
		c.about("cash_shift", id)
		shift, err := cashdesk.Begin(ctx, tx, cashdesk.NewShift{ID: id, Branch: value(r.Body.Branch), Cashier: c.who.Actor(), Float: r.Body.Float})
		return oapi.OpenCashShift201JSONResponse{Body: shiftOf(shift)}, err
	})
}

// GetCashShift implements oapi.StrictServerInterface.
func (s *Server) GetCashShift(ctx context.Context, r oapi.GetCashShiftRequestObject) (oapi.GetCashShiftResponseObject, error) {
	var report cashdesk.Report
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		report, err = cashdesk.ReportOf(ctx, tx, r.Shift)
		return err
	})
	return oapi.GetCashShift200JSONResponse{Shift: shiftOf(report.Shift), Final: report.Final(), First: report.First, Last: report.Last, Moves: mapped(report.Moves, moveOf)}, err
}

// CountCashShift implements oapi.StrictServerInterface.
func (s *Server) CountCashShift(ctx context.Context, r oapi.CountCashShiftRequestObject) (oapi.CountCashShiftResponseObject, error) {
	return nil, once(ctx, oapi.CountCashShiftResponseObject.VisitCountCashShiftResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CountCashShiftResponseObject, error) {
		c := callOf(ctx)
		c.about("cash_shift", r.Shift)
		shift, err := cashdesk.Count(ctx, tx, r.Shift, r.Body.Counted, value(r.Body.Note), c.who.Actor())
		return oapi.CountCashShift200JSONResponse{Body: shiftOf(shift)}, err
	})
}

// ApproveCashShift implements oapi.StrictServerInterface.
func (s *Server) ApproveCashShift(ctx context.Context, r oapi.ApproveCashShiftRequestObject) (oapi.ApproveCashShiftResponseObject, error) {
	return nil, once(ctx, oapi.ApproveCashShiftResponseObject.VisitApproveCashShiftResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ApproveCashShiftResponseObject, error) {
		c := callOf(ctx)
		c.about("cash_shift", r.Shift)
		shift, err := cashdesk.Approve(ctx, tx, r.Shift, c.who.Actor())
		return oapi.ApproveCashShift200JSONResponse{Body: shiftOf(shift)}, err
	})
}

// MoveCash implements oapi.StrictServerInterface.
func (s *Server) MoveCash(ctx context.Context, r oapi.MoveCashRequestObject) (oapi.MoveCashResponseObject, error) {
	id := newID()
	return nil, once(ctx, oapi.MoveCashResponseObject.VisitMoveCashResponse, func(ctx context.Context, tx tenant.Tx) (oapi.MoveCashResponseObject, error) {
		c := callOf(ctx)
		c.about("cash_move", id)
		by := c.who.Actor()
		var m cashdesk.Move
		var err error
		switch kind := cashdesk.Kind(r.Body.Kind); kind {
		case cashdesk.Paid:
			m, err = c.stack.TakeCashFor(ctx, tx, payment.NewPayment{ID: id, AccountID: value(r.Body.Account), Amount: r.Body.Amount, BillID: value(r.Body.Bill), Reference: value(r.Body.Note), By: by})
		case cashdesk.Refunded:
			if err := c.who.Require("refund.write"); err != nil {
				return nil, err
			}
			m, err = cashdesk.Give(ctx, tx, id, payment.NewRefund{Key: "cash:" + id.String(), PaymentID: value(r.Body.Payment), Amount: r.Body.Amount, Reason: value(r.Body.Note), By: by})
		default:
			m, err = cashdesk.Carry(ctx, tx, id, kind, r.Body.Amount, value(r.Body.Note), by)
		}
		return oapi.MoveCash201JSONResponse{Body: moveOf(m)}, err
	})
}

// PutStripeKeys implements oapi.StrictServerInterface. The key is tried before
// it is kept.
func (s *Server) PutStripeKeys(ctx context.Context, r oapi.PutStripeKeysRequestObject) (oapi.PutStripeKeysResponseObject, error) {
	c := callOf(ctx)
	keys := payment.StripeKeys{Secret: r.Body.Secret, WebhookSecrets: r.Body.WebhookSecrets}
	if err := keys.Check(c.stack.Ref.Sandbox); err != nil {
		return nil, err
	}
	check, err := c.stack.CheckStripeKey(ctx, keys.Secret)
	if err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.PutStripeKeysResponseObject.VisitPutStripeKeysResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutStripeKeysResponseObject, error) {
		c.object = "operator"
		c.note("key", payment.Masked(keys.Secret))
		return oapi.PutStripeKeys200JSONResponse{Body: oapi.KeyCheck{Live: check.Live, Missing: append([]string{}, check.Missing...)}}, c.stack.PutStripeKeys(ctx, tx, &keys)
	})
}

// RemoveStripeKeys implements oapi.StrictServerInterface.
func (s *Server) RemoveStripeKeys(ctx context.Context, _ oapi.RemoveStripeKeysRequestObject) (oapi.RemoveStripeKeysResponseObject, error) {
	return nil, once(ctx, oapi.RemoveStripeKeysResponseObject.VisitRemoveStripeKeysResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RemoveStripeKeysResponseObject, error) {
		c := callOf(ctx)
		c.object = "operator"
		return oapi.RemoveStripeKeys204Response{}, c.stack.PutStripeKeys(ctx, tx, nil)
	})
}

// PutRedirectProvider implements oapi.StrictServerInterface.
func (s *Server) PutRedirectProvider(ctx context.Context, r oapi.PutRedirectProviderRequestObject) (oapi.PutRedirectProviderResponseObject, error) {
	return nil, once(ctx, oapi.PutRedirectProviderResponseObject.VisitPutRedirectProviderResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutRedirectProviderResponseObject, error) {
		c, b := callOf(ctx), r.Body
		c.object = "operator"
		c.note("base_url", b.BaseUrl)
		return oapi.PutRedirectProvider204Response{}, c.stack.PutRedirect(ctx, tx, &payment.RedirectSettings{Title: b.Title, BaseURL: b.BaseUrl, Merchant: b.Merchant, Secret: b.Secret,
			Channels: b.Channels, Minutes: b.Minutes, Refunds: value(b.Refunds)})
	})
}

// RemoveRedirectProvider implements oapi.StrictServerInterface.
func (s *Server) RemoveRedirectProvider(ctx context.Context, _ oapi.RemoveRedirectProviderRequestObject) (oapi.RemoveRedirectProviderResponseObject, error) {
	return nil, once(ctx, oapi.RemoveRedirectProviderResponseObject.VisitRemoveRedirectProviderResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RemoveRedirectProviderResponseObject, error) {
		c := callOf(ctx)
		c.object = "operator"
		return oapi.RemoveRedirectProvider204Response{}, c.stack.PutRedirect(ctx, tx, nil)
	})
}

// ProviderCallback implements oapi.StrictServerInterface. The signature is over
// the bytes as sent, not over what was parsed from them.
func (s *Server) ProviderCallback(ctx context.Context, r oapi.ProviderCallbackRequestObject) (oapi.ProviderCallbackResponseObject, error) {
	c := callOf(ctx)
	return oapi.ProviderCallback204Response{}, c.stack.ReceiveCallback(ctx, r.Params.Signature, c.body)
}
