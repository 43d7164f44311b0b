package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/desk"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

// GetSubscription implements oapi.StrictServerInterface.
func (s *Server) GetSubscription(ctx context.Context, r oapi.GetSubscriptionRequestObject) (oapi.GetSubscriptionResponseObject, error) {
	c := callOf(ctx)
	var found account.Subscription
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if found, err = account.GetSubscription(ctx, tx, r.Subscription); err != nil {
			return err
		}
		return c.sees(found.AccountID)
	})
	return oapi.GetSubscription200JSONResponse(subscriptionOf(found)), err
}

// moved takes a subscription a step further, with the reason in the audit row,
// and gives it as it stands then.
func moved(ctx context.Context, tx tenant.Tx, id uuid.UUID, reason string, move func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error) (oapi.Subscription, error) {
	c := callOf(ctx)
	c.about("subscription", id)
	c.note("reason", reason)
	if err := move(ctx, tx, id); err != nil {
		return oapi.Subscription{}, err
	}
	after, err := account.GetSubscription(ctx, tx, id)
	return subscriptionOf(after), err
}

// SuspendSubscription implements oapi.StrictServerInterface.
func (s *Server) SuspendSubscription(ctx context.Context, r oapi.SuspendSubscriptionRequestObject) (oapi.SuspendSubscriptionResponseObject, error) {
	return nil, once(ctx, oapi.SuspendSubscriptionResponseObject.VisitSuspendSubscriptionResponse, func(ctx context.Context, tx tenant.Tx) (oapi.SuspendSubscriptionResponseObject, error) {
		after, err := moved(ctx, tx, r.Subscription, r.Body.Reason, func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
			return desk.Suspend(ctx, tx, id, desk.Word{Reason: r.Body.Reason, By: callOf(ctx).who.Actor()})
		})
		return oapi.SuspendSubscription200JSONResponse{Body: after}, err
	})
}

// ResumeSubscription implements oapi.StrictServerInterface.
func (s *Server) ResumeSubscription(ctx context.Context, r oapi.ResumeSubscriptionRequestObject) (oapi.ResumeSubscriptionResponseObject, error) {
	return nil, once(ctx, oapi.ResumeSubscriptionResponseObject.VisitResumeSubscriptionResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ResumeSubscriptionResponseObject, error) {
		after, err := moved(ctx, tx, r.Subscription, r.Body.Reason, func(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
			return callOf(ctx).stack.Resume(ctx, tx, desk.NewPause{SubscriptionID: id, Reason: r.Body.Reason, By: callOf(ctx).who.Actor()})
		})
		return oapi.ResumeSubscription200JSONResponse{Body: after}, err
	})
}

// TerminateSubscription implements oapi.StrictServerInterface.
func (s *Server) TerminateSubscription(ctx context.Context, r oapi.TerminateSubscriptionRequestObject) (oapi.TerminateSubscriptionResponseObject, error) {
	return nil, once(ctx, oapi.TerminateSubscriptionResponseObject.VisitTerminateSubscriptionResponse, func(ctx context.Context, tx tenant.Tx) (oapi.TerminateSubscriptionResponseObject, error) {
		after, err := moved(ctx, tx, r.Subscription, r.Body.Reason, callOf(ctx).stack.Terminate)
		return oapi.TerminateSubscription200JSONResponse{Body: after}, err
	})
}

// ListAlternatives implements oapi.StrictServerInterface.
func (s *Server) ListAlternatives(ctx context.Context, r oapi.ListAlternativesRequestObject) (oapi.ListAlternativesResponseObject, error) {
	var offered []catalog.Stored
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		now, err := account.GetSubscription(ctx, tx, r.Subscription)
		if err == nil {
			offered, err = desk.Alternatives(ctx, tx, now)
		}
		return err
	})
	return oapi.ListAlternatives200JSONResponse{Items: mapped(offered, func(o catalog.Stored) oapi.OfferingSummary { return offeringSummary(o.Version) })}, err
}

// newChange is a change of plan as somebody asks for it by the offering's code.
func (c *call) newChange(ctx context.Context, tx tenant.Tx, subscription uuid.UUID, n *oapi.NewPlanChange) (desk.NewChange, error) {
	sold, err := catalog.Current(ctx, tx, n.Offering, tx.At)
	wanted := desk.NewChange{ID: uuid.Must(uuid.NewV7()), SubscriptionID: subscription, OfferingID: sold.ID, Reason: value(n.Reason), By: c.who.Actor(), Role: string(c.who.Role), When: desk.Timing(value(n.When))}
	if n.Day != nil {
		wanted.Day = *n.Day
	}
	return wanted, err
}

// SchedulePlanChange implements oapi.StrictServerInterface.
func (s *Server) SchedulePlanChange(ctx context.Context, r oapi.SchedulePlanChangeRequestObject) (oapi.SchedulePlanChangeResponseObject, error) {
	return nil, once(ctx, oapi.SchedulePlanChangeResponseObject.VisitSchedulePlanChangeResponse, func(ctx context.Context, tx tenant.Tx) (oapi.SchedulePlanChangeResponseObject, error) {
		c := callOf(ctx)
		c.about("subscription", r.Subscription)
		c.note("offering", r.Body.Offering, "reason", value(r.Body.Reason))
		wanted, err := c.newChange(ctx, tx, r.Subscription, r.Body)
		if err != nil {
			return nil, err
		}
		change, err := c.stack.ChangePlan(ctx, tx, wanted)
		return oapi.SchedulePlanChange201JSONResponse{Body: planChangeOf(change)}, err
	})
}

func planChangeOf(p account.PlanChange) oapi.PlanChange {
	return oapi.PlanChange{Id: p.ID, Account: p.AccountID, Subscription: p.SubscriptionID, From: p.From, To: p.To, TakesEffect: p.TakesEffect,
		State: oapi.PlanChangeState(p.State), Successor: p.Successor, Reason: optionalText(p.Reason), By: p.By, CreatedAt: p.CreatedAt}
}

// PreviewPlanChange implements oapi.StrictServerInterface.
func (s *Server) PreviewPlanChange(ctx context.Context, r oapi.PreviewPlanChangeRequestObject) (oapi.PreviewPlanChangeResponseObject, error) {
	c := callOf(ctx)
	var would desk.Change
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		wanted, err := c.newChange(ctx, tx, r.Subscription, r.Body)
		if err == nil {
			would, err = desk.Preview(ctx, tx, c.stack.Desk(), wanted)
		}
		return err
	})
	return oapi.PreviewPlanChange200JSONResponse{From: would.From.Code, To: would.To.Code, Day: would.Day,
		Ends:        mapped(would.Ends, func(k account.ServiceKind) string { return string(k) }),
		EndsOptions: mapped(would.Options, func(o onboarding.Held) string { return o.Offering.Code }),
		Lines:       mapped(would.Money.Lines, quoteLine), Net: would.Money.Net, Then: mapped(would.Money.Then, quoteLine), PricedAnew: would.PricedAnew}, err
}

// CancelPlanChange implements oapi.StrictServerInterface.
func (s *Server) CancelPlanChange(ctx context.Context, r oapi.CancelPlanChangeRequestObject) (oapi.CancelPlanChangeResponseObject, error) {
	return nil, once(ctx, oapi.CancelPlanChangeResponseObject.VisitCancelPlanChangeResponse, func(ctx context.Context, tx tenant.Tx) (oapi.CancelPlanChangeResponseObject, error) {
		change, err := account.CancelPlanChange(ctx, tx, r.Change)
		callOf(ctx).about("subscription", change.SubscriptionID)
		return oapi.CancelPlanChange200JSONResponse{Body: planChangeOf(change)}, err
	})
}

// ListPlanChanges implements oapi.StrictServerInterface.
func (s *Server) ListPlanChanges(ctx context.Context, r oapi.ListPlanChangesRequestObject) (oapi.ListPlanChangesResponseObject, error) {
	var changes []account.PlanChange
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		err := accountExists(ctx, tx, r.Account)
		if err == nil {
			changes, err = account.ScheduledChanges(ctx, tx, r.Account)
		}
		return err
	})
	return oapi.ListPlanChanges200JSONResponse{Items: mapped(changes, planChangeOf)}, err
}
