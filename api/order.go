package api

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/catalog"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

// CreateOrder implements oapi.StrictServerInterface.
func (s *Server) CreateOrder(ctx context.Context, r oapi.CreateOrderRequestObject) (oapi.CreateOrderResponseObject, error) {
	return nil, once(ctx, oapi.CreateOrderResponseObject.VisitCreateOrderResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CreateOrderResponseObject, error) {
		c := callOf(ctx)
		sold, err := catalog.Current(ctx, tx, r.Body.Offering, tx.At)
		if err != nil {
			return nil, err
		}
		orders, err := c.stack.Desk().Place(ctx, tx, []onboarding.NewOrder{{OfferingID: sold.ID, AccountID: r.Body.Account,
			Facts: onboarding.Facts(value(r.Body.Facts)), CreatedBy: c.who.Actor(), PartOf: r.Body.PartOf, Parts: value(r.Body.Parts),
			NextCycle: value(r.Body.Starts) == oapi.NewOrderStartsNextCycle}})
		if err != nil {
			return nil, err
		}
		c.about("order", orders[0].ID)
		return oapi.CreateOrder201JSONResponse{Body: orderOf(orders[0])}, nil
	})
}

func orderOf(o onboarding.Order) oapi.Order {
	return oapi.Order{Id: o.ID, Offering: o.OfferingID, State: oapi.OrderState(o.State), Facts: oapi.Facts(o.Facts), Account: o.AccountID,
		Subscription: o.SubscriptionID, CreatedBy: o.CreatedBy, CreatedAt: o.CreatedAt, CompletedAt: o.CompletedAt,
		PartOf: o.PartOf, Parts: &o.Parts, StartsOn: o.StartsOn, WaitingFor: optionalText(o.WaitingFor)}
}

// ListOrders implements oapi.StrictServerInterface.
func (s *Server) ListOrders(ctx context.Context, r oapi.ListOrdersRequestObject) (oapi.ListOrdersResponseObject, error) {
	before, err := afterID(r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	stack := callOf(ctx).stack
	var orders []onboarding.Order
	err = stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		orders, err = stack.Desk().List(ctx, tx, onboarding.OrderState(value(r.Params.State)), before, pageLimit(r.Params.Limit)+1)
		return err
	})
	page, next := cut(orders, r.Params.Limit, func(o onboarding.Order) []string { return []string{o.ID.String()} })
	return oapi.ListOrders200JSONResponse{Items: mapped(page, orderOf), Next: next}, err
}

// GetOrder implements oapi.StrictServerInterface.
func (s *Server) GetOrder(ctx context.Context, r oapi.GetOrderRequestObject) (oapi.GetOrderResponseObject, error) {
	stack := callOf(ctx).stack
	var order onboarding.Order
	err := stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		order, err = stack.Desk().Get(ctx, tx, r.Order)
		return err
	})
	return oapi.GetOrder200JSONResponse(orderOf(order)), err
}

// GetOrderRequirements implements oapi.StrictServerInterface.
func (s *Server) GetOrderRequirements(ctx context.Context, r oapi.GetOrderRequirementsRequestObject) (oapi.GetOrderRequirementsResponseObject, error) {
	stack := callOf(ctx).stack
	var missing []onboarding.Finding
	err := stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		missing, err = stack.Desk().Missing(ctx, tx, r.Order)
		return err
	})
	return oapi.GetOrderRequirements200JSONResponse{Complete: len(missing) == 0, Missing: mapped(missing, func(f onboarding.Finding) oapi.Requirement {
		return oapi.Requirement{Field: f.Field, Fault: oapi.RequirementFault(f.Fault), NeededBy: optionalText(string(f.NeededBy)),
			Reason: optionalText(f.Reason), Want: f.Want}
	})}, err
}

// changeOrder carries out a command on one order and answers with what it is then.
func changeOrder[R any](ctx context.Context, id uuid.UUID, visit func(R, http.ResponseWriter) error, answer func(oapi.Order) R,
	change func(ctx context.Context, tx tenant.Tx, desk *onboarding.Desk) (onboarding.Order, error)) error {
	return once(ctx, visit, func(ctx context.Context, tx tenant.Tx) (R, error) {
		c := callOf(ctx)
		c.about("order", id)
		order, err := change(ctx, tx, c.stack.Desk())
		return answer(orderOf(order)), err
	})
}

// PatchOrderFacts implements oapi.StrictServerInterface.
func (s *Server) PatchOrderFacts(ctx context.Context, r oapi.PatchOrderFactsRequestObject) (oapi.PatchOrderFactsResponseObject, error) {
	answer := func(o oapi.Order) oapi.PatchOrderFactsResponseObject {
		return oapi.PatchOrderFacts200JSONResponse{Body: o}
	}
	return nil, changeOrder(ctx, r.Order, oapi.PatchOrderFactsResponseObject.VisitPatchOrderFactsResponse, answer,
		func(ctx context.Context, tx tenant.Tx, desk *onboarding.Desk) (onboarding.Order, error) {
			return desk.Supply(ctx, tx, r.Order, onboarding.Facts(*r.Body))
		})
}

// ActivateOrder implements oapi.StrictServerInterface.
func (s *Server) ActivateOrder(ctx context.Context, r oapi.ActivateOrderRequestObject) (oapi.ActivateOrderResponseObject, error) {
	answer := func(o oapi.Order) oapi.ActivateOrderResponseObject { return oapi.ActivateOrder200JSONResponse{Body: o} }
	return nil, changeOrder(ctx, r.Order, oapi.ActivateOrderResponseObject.VisitActivateOrderResponse, answer,
		func(ctx context.Context, tx tenant.Tx, desk *onboarding.Desk) (onboarding.Order, error) {
			orders, err := desk.Activate(ctx, tx, r.Order)
			if err != nil {
				return onboarding.Order{}, err
			}
			return orders[0], nil
		})
}

// CancelOrder implements oapi.StrictServerInterface.
func (s *Server) CancelOrder(ctx context.Context, r oapi.CancelOrderRequestObject) (oapi.CancelOrderResponseObject, error) {
	answer := func(o oapi.Order) oapi.CancelOrderResponseObject { return oapi.CancelOrder200JSONResponse{Body: o} }
	return nil, changeOrder(ctx, r.Order, oapi.CancelOrderResponseObject.VisitCancelOrderResponse, answer,
		func(ctx context.Context, tx tenant.Tx, desk *onboarding.Desk) (onboarding.Order, error) {
			return desk.Cancel(ctx, tx, r.Order)
		})
}
