package api

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// paid is a payment with what it paid and what was sent back.
func paid(ctx context.Context, tx tenant.Tx, p payment.Payment) (oapi.Payment, error) {
	list, err := allPaid(ctx, tx, []payment.Payment{p})
	if err != nil {
		return oapi.Payment{}, err
	}
	return list[0], nil
}

func allPaid(ctx context.Context, tx tenant.Tx, payments []payment.Payment) ([]oapi.Payment, error) {
	ids := mapped(payments, func(p payment.Payment) uuid.UUID { return p.ID })
	allocations, err := payment.Allocations(ctx, tx, ids...)
	if err != nil {
		return nil, err
	}
	byPayment := map[uuid.UUID][]payment.Allocation{}
	for _, a := range allocations {
		byPayment[a.PaymentID] = append(byPayment[a.PaymentID], a)
	}
	out := make([]oapi.Payment, len(payments))
	for i, p := range payments {
		var refunds []payment.Refund
		if !p.Refunded.IsZero() {
			if refunds, err = payment.Refunds(ctx, tx, p.ID); err != nil {
				return nil, err
			}
		}
		out[i] = paymentOf(p, byPayment[p.ID], refunds)
	}
	return out, nil
}

func paymentOf(p payment.Payment, allocations []payment.Allocation, refunds []payment.Refund) oapi.Payment {
	return oapi.Payment{Id: p.ID, Account: p.AccountID, Intent: p.IntentID, Purpose: oapi.PaymentPurpose(p.Purpose), Method: oapi.PaymentMethod(p.Method),
		Amount: p.Amount, Unapplied: p.Unapplied, Refunded: p.Refunded, Reference: p.Reference, ReceivedAt: p.ReceivedAt,
		Allocations: mapped(allocations, func(a payment.Allocation) oapi.Allocation {
			return oapi.Allocation{Bill: a.BillID, Amount: a.Amount, At: a.At}
		}),
		Refunds: mapped(refunds, refundOf)}
}

func refundOf(r payment.Refund) oapi.Refund {
	return oapi.Refund{Id: r.ID, Payment: r.PaymentID, Amount: r.Amount, Reason: r.Reason, State: oapi.RefundState(r.State), CreatedAt: r.CreatedAt}
}

// record books money that was taken in cash or at the bank.
func (c *call) record(ctx context.Context, tx tenant.Tx, n payment.NewPayment) (oapi.Payment, error) {
	n.By = c.who.Actor()
	c.about("payment", n.ID)
	p, err := c.stack.RecordPayment(ctx, tx, n)
	if err != nil {
		return oapi.Payment{}, err
	}
	return paid(ctx, tx, p)
}

// CreateTopUp implements oapi.StrictServerInterface.
func (s *Server) CreateTopUp(ctx context.Context, r oapi.CreateTopUpRequestObject) (oapi.CreateTopUpResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.CreateTopUpResponseObject.VisitCreateTopUpResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateTopUpResponseObject, error) {
		p, err := callOf(ctx).record(ctx, tx, payment.NewPayment{ID: id, AccountID: r.Account, Purpose: payment.PurposeTopUp,
			Method: payment.Method(r.Body.Method), Amount: r.Body.Amount, Reference: value(r.Body.Reference)})
		return oapi.CreateTopUp201JSONResponse{Body: p}, err
	})
}

// CreatePayment implements oapi.StrictServerInterface.
func (s *Server) CreatePayment(ctx context.Context, r oapi.CreatePaymentRequestObject) (oapi.CreatePaymentResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.CreatePaymentResponseObject.VisitCreatePaymentResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreatePaymentResponseObject, error) {
		p, err := callOf(ctx).record(ctx, tx, payment.NewPayment{ID: id, AccountID: r.Body.Account, Purpose: payment.PurposeBill,
			Method: payment.Method(r.Body.Method), Amount: r.Body.Amount, BillID: value(r.Body.Bill), Reference: value(r.Body.Reference)})
		return oapi.CreatePayment201JSONResponse{Body: p}, err
	})
}

// GetPayment implements oapi.StrictServerInterface.
func (s *Server) GetPayment(ctx context.Context, r oapi.GetPaymentRequestObject) (oapi.GetPaymentResponseObject, error) {
	c := callOf(ctx)
	var out oapi.Payment
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		p, err := payment.Get(ctx, tx, r.Payment)
		if err != nil {
			return err
		}
		if err := c.sees(p.AccountID); err != nil {
			return err
		}
		out, err = paid(ctx, tx, p)
		return err
	})
	return oapi.GetPayment200JSONResponse(out), err
}

// ListAccountPayments implements oapi.StrictServerInterface.
func (s *Server) ListAccountPayments(ctx context.Context, r oapi.ListAccountPaymentsRequestObject) (oapi.ListAccountPaymentsResponseObject, error) {
	at, id, err := placeInTime(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	var out oapi.ListAccountPayments200JSONResponse
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if err := accountExists(ctx, tx, r.Account); err != nil {
			return err
		}
		payments, err := payment.List(ctx, tx, r.Account, payment.Cursor{At: at, ID: id}, pageLimit(r.Params.Limit)+1)
		if err != nil {
			return err
		}
		page, next := cut(payments, r.Params.Limit, func(p payment.Payment) []string { return timeKey(p.ReceivedAt, p.ID) })
		out.Next = next
		out.Items, err = allPaid(ctx, tx, page)
		return err
	})
	return out, err
}

// CreateRefund implements oapi.StrictServerInterface.
func (s *Server) CreateRefund(ctx context.Context, r oapi.CreateRefundRequestObject) (oapi.CreateRefundResponseObject, error) {
	return nil, once(ctx, oapi.CreateRefundResponseObject.VisitCreateRefundResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateRefundResponseObject, error) {
		c := callOf(ctx)
		c.about("payment", r.Payment)
		refund, err := payment.RequestRefund(ctx, tx, payment.NewRefund{Key: c.commandKey(), PaymentID: r.Payment, Amount: r.Body.Amount,
			Reason: r.Body.Reason, By: c.who.Actor()})
		return oapi.CreateRefund201JSONResponse{Body: refundOf(refund)}, err
	})
}

// CreatePaymentIntent implements oapi.StrictServerInterface. The provider is
// called between transactions, so the intent carries the command's key.
func (s *Server) CreatePaymentIntent(ctx context.Context, r oapi.CreatePaymentIntentRequestObject) (oapi.CreatePaymentIntentResponseObject, error) {
	c := callOf(ctx)
	if err := c.sees(r.Body.Account); err != nil {
		return nil, err
	}
	return nil, repeatable(ctx, oapi.CreatePaymentIntentResponseObject.VisitCreatePaymentIntentResponse, func(ctx context.Context) (oapi.CreatePaymentIntentResponseObject, error) {
		intent, err := c.stack.Checkout(ctx, payment.NewIntent{Key: c.commandKey(), AccountID: r.Body.Account, Purpose: payment.Purpose(r.Body.Purpose),
			BillID: value(r.Body.Bill), Amount: value(r.Body.Amount)}, value(r.Body.ReturnUrl))
		c.about("payment_intent", intent.ID)
		return oapi.CreatePaymentIntent201JSONResponse{Body: intentOf(intent)}, err
	})
}

func intentOf(i payment.Intent) oapi.PaymentIntent {
	return oapi.PaymentIntent{Id: i.ID, Account: i.AccountID, Purpose: oapi.PaymentIntentPurpose(i.Purpose), Amount: i.Amount,
		State: oapi.PaymentIntentState(i.State), Failure: optionalText(i.Failure), CheckoutUrl: i.CheckoutURL, CreatedAt: i.CreatedAt}
}

// GetPaymentIntent implements oapi.StrictServerInterface.
func (s *Server) GetPaymentIntent(ctx context.Context, r oapi.GetPaymentIntentRequestObject) (oapi.GetPaymentIntentResponseObject, error) {
	c := callOf(ctx)
	var intent payment.Intent
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if intent, err = payment.GetIntent(ctx, tx, r.Intent); err != nil {
			return err
		}
		return c.sees(intent.AccountID)
	})
	return oapi.GetPaymentIntent200JSONResponse(intentOf(intent)), err
}

// StripeWebhook implements oapi.StrictServerInterface. The signature is over
// the bytes as sent, not over what was parsed from them.
func (s *Server) StripeWebhook(ctx context.Context, _ oapi.StripeWebhookRequestObject) (oapi.StripeWebhookResponseObject, error) {
	c := callOf(ctx)
	err := c.stack.ReceiveWebhook(ctx, c.signature, c.body)
	return oapi.StripeWebhook204Response{}, err
}

// timeKey is the cursor of lists in the order of time.
func timeKey(at time.Time, id uuid.UUID) []string {
	return []string{at.Format(time.RFC3339Nano), id.String()}
}

func placeInTime(cursor *oapi.Cursor) (at time.Time, id uuid.UUID, err error) {
	parts, err := cursorParts(cursor, 2)
	if err != nil || parts == nil {
		return time.Time{}, uuid.Nil, err
	}
	at, timeErr := time.Parse(time.RFC3339Nano, parts[0])
	id, idErr := uuid.Parse(parts[1])
	if timeErr != nil || idErr != nil {
		return time.Time{}, uuid.Nil, errCursor()
	}
	return at, id, nil
}
