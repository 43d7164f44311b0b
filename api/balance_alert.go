package api

import (
	"context"

	"tollhouse/api/oapi"
	"tollhouse/billing/alert"
	"tollhouse/billing/tenant"
)

// ListAlerts implements oapi.StrictServerInterface.
func (s *Server) ListAlerts(ctx context.Context, r oapi.ListAlertsRequestObject) (oapi.ListAlertsResponseObject, error) {
	var list []alert.Alert
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		err := accountExists(ctx, tx, r.Account)
		if err == nil {
			list, err = alert.List(ctx, tx, r.Account, pageLimit(r.Params.Limit))
		}
		return err
	})
	return oapi.ListAlerts200JSONResponse{Items: mapped(list, balanceAlert)}, err
}

func balanceAlert(a alert.Alert) oapi.BalanceAlert {
	return oapi.BalanceAlert{Id: a.ID, Rule: a.Rule, Subscription: a.SubscriptionID, Measure: oapi.BalanceAlertMeasure(a.Terms.Measure),
		Action: oapi.BalanceAlertAction(a.Action), State: oapi.BalanceAlertState(a.State), Reached: quantity(a.Reached, a.Unit),
		Threshold: quantity(a.Threshold, a.Unit), Allowance: optionalText(a.Terms.Code), Offer: optionalText(a.Terms.Offer), At: a.At, EndedAt: a.EndedAt}
}

// ConfirmAlert implements oapi.StrictServerInterface.
func (s *Server) ConfirmAlert(ctx context.Context, r oapi.ConfirmAlertRequestObject) (oapi.ConfirmAlertResponseObject, error) {
	return nil, once(ctx, oapi.ConfirmAlertResponseObject.VisitConfirmAlertResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ConfirmAlertResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("alert", r.Alert.String())
		if err := accountExists(ctx, tx, r.Account); err != nil {
			return nil, err
		}
		confirmed, err := alert.Confirm(ctx, tx, r.Account, r.Alert, c.who.Actor())
		return oapi.ConfirmAlert200JSONResponse{Body: balanceAlert(confirmed)}, err
	})
}
