package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/api/problem"
	"tollhouse/billing/charging"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// DebitEvent implements oapi.StrictServerInterface.
func (s *Server) DebitEvent(ctx context.Context, r oapi.DebitEventRequestObject) (oapi.DebitEventResponseObject, error) {
	c := callOf(ctx)
	feed, record, err := c.chargeEvent(ctx, *r.Body)
	if err != nil {
		return nil, err
	}
	d, err := c.stack.Online().Debit(ctx, c.stack.Ref, feed.ID, record)
	if err != nil {
		return nil, err
	}
	return oapi.DebitEvent200JSONResponse(debitAnswer(d)), nil
}

func debitAnswer(d charging.Debited) oapi.Debit {
	return oapi.Debit{Charge: d.ChargeID, Repeat: d.Repeat, Price: d.Price, Net: d.Net, Tax: d.Tax, Paid: d.Paid,
		Currency: d.Currency, Covered: d.Covered, At: d.At}
}

// AuthorizeEvent implements oapi.StrictServerInterface.
func (s *Server) AuthorizeEvent(ctx context.Context, r oapi.AuthorizeEventRequestObject) (oapi.AuthorizeEventResponseObject, error) {
	c := callOf(ctx)
	feed, record, err := c.chargeEvent(ctx, *r.Body)
	if err != nil {
		return nil, err
	}
	a, err := c.stack.Online().Authorize(ctx, c.stack.Ref, feed.ID, record)
	if err != nil {
		return nil, err
	}
	return oapi.AuthorizeEvent200JSONResponse{Enough: a.Enough, Granted: a.Granted, Price: a.Price, Net: a.Net, Tax: a.Tax,
		Currency: a.Currency, Covered: a.Covered}, nil
}

// chargeEvent reads the event that is to be charged, and its source.
func (c *call) chargeEvent(ctx context.Context, body oapi.ChargeEvent) (usage.Feed, usage.Record, error) {
	event, fault := usage.DecodeEvent(body.Event)
	if fault != nil {
		return usage.Feed{}, usage.Record{}, eventFault(fault)
	}
	return c.recordOf(ctx, body.Source, event)
}

// recordOf is an event as its source's mapping makes it.
func (c *call) recordOf(ctx context.Context, source string, event usage.Event) (usage.Feed, usage.Record, error) {
	feed, err := c.stack.Online().Source(ctx, c.stack.Ref, source)
	if err != nil {
		return usage.Feed{}, usage.Record{}, err
	}
	at, err := c.stack.Now(ctx)
	if err != nil {
		return usage.Feed{}, usage.Record{}, err
	}
	record, fault := feed.Mapping.FromEvent(event, at)
	if fault != nil {
		return usage.Feed{}, usage.Record{}, eventFault(fault)
	}
	if record.Counter != nil {
		return usage.Feed{}, usage.Record{}, eventFault(&usage.Problem{Field: "kind", Reason: "is a counter", Want: "one whole event"})
	}
	return feed, record, nil
}

func eventFault(p *usage.Problem) error {
	field := "event"
	if p.Field != "" {
		field += "." + p.Field
	}
	return problem.InvalidRequest.New("", problem.Fault{Field: field, Reason: p.Reason, Want: p.Want})
}

// RefundEvent implements oapi.StrictServerInterface.
func (s *Server) RefundEvent(ctx context.Context, r oapi.RefundEventRequestObject) (oapi.RefundEventResponseObject, error) {
	engine := callOf(ctx).stack.Charging()
	return nil, once(ctx, oapi.RefundEventResponseObject.VisitRefundEventResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RefundEventResponseObject, error) {
		callOf(ctx).about("charge", r.Charge)
		back, err := engine.RefundDebit(ctx, tx, uuid.Must(uuid.NewV7()), r.Charge, r.Body.Amount, r.Body.Reason)
		if err != nil {
			return nil, err
		}
		if back.ChargeID == uuid.Nil {
			return nil, charging.ErrBeyondCharge // nothing is left
		}
		return oapi.RefundEvent200JSONResponse{Body: oapi.DebitRefund{Charge: back.ChargeID, Refunded: r.Charge, Price: back.Price.Neg(),
			Net: back.Net.Neg(), Tax: back.Tax.Neg(), Currency: back.Currency, Left: back.LeftPrice}}, nil
	})
}
