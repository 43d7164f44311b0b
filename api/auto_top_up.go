package api

import (
	"context"

	"tollhouse/api/oapi"
	"tollhouse/billing/recharge"
	"tollhouse/billing/tenant"
)

// GetAutoTopUp implements oapi.StrictServerInterface.
func (s *Server) GetAutoTopUp(ctx context.Context, r oapi.GetAutoTopUpRequestObject) (oapi.GetAutoTopUpResponseObject, error) {
	var o recharge.Order
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		err := accountExists(ctx, tx, r.Account)
		if err == nil {
			o, err = recharge.Get(ctx, tx, r.Account)
		}
		return err
	})
	return oapi.GetAutoTopUp200JSONResponse(autoTopUp(o)), err
}

func autoTopUp(o recharge.Order) oapi.AutoTopUp {
	return oapi.AutoTopUp{State: oapi.AutoTopUpState(o.State), Amount: o.Amount, Below: o.Below, MonthDay: o.MonthDay, DayLimit: o.DayLimit,
		Method: optionalID(o.MethodID), Failures: o.Failures, Failure: optionalText(o.Failure), ChangedAt: o.ChangedAt}
}

// PutAutoTopUp implements oapi.StrictServerInterface.
func (s *Server) PutAutoTopUp(ctx context.Context, r oapi.PutAutoTopUpRequestObject) (oapi.PutAutoTopUpResponseObject, error) {
	return nil, once(ctx, oapi.PutAutoTopUpResponseObject.VisitPutAutoTopUpResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutAutoTopUpResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("amount", r.Body.Amount.String())
		o, err := recharge.Set(ctx, tx, recharge.Order{AccountID: r.Account, MethodID: value(r.Body.Method), Amount: r.Body.Amount, Below: r.Body.Below,
			MonthDay: r.Body.MonthDay, DayLimit: r.Body.DayLimit, By: c.who.Actor()})
		return oapi.PutAutoTopUp200JSONResponse{Body: autoTopUp(o)}, err
	})
}

// DeleteAutoTopUp implements oapi.StrictServerInterface.
func (s *Server) DeleteAutoTopUp(ctx context.Context, r oapi.DeleteAutoTopUpRequestObject) (oapi.DeleteAutoTopUpResponseObject, error) {
	return nil, once(ctx, oapi.DeleteAutoTopUpResponseObject.VisitDeleteAutoTopUpResponse, func(ctx context.Context, tx tenant.Tx) (oapi.DeleteAutoTopUpResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		if err := accountExists(ctx, tx, r.Account); err != nil {
			return nil, err
		}
		o, err := recharge.TurnOff(ctx, tx, r.Account, c.who.Actor())
		return oapi.DeleteAutoTopUp200JSONResponse{Body: autoTopUp(o)}, err
	})
}
