package api

import (
	"context"

	"tollhouse/api/oapi"
	rights "tollhouse/billing/access"
	"tollhouse/billing/tenant"
)

// GetAccess implements oapi.StrictServerInterface.
func (s *Server) GetAccess(ctx context.Context, r oapi.GetAccessRequestObject) (oapi.GetAccessResponseObject, error) {
	var out oapi.AccessState
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if err := accountExists(ctx, tx, r.Account); err != nil {
			return err
		}
		found, err := rights.OfAccounts(ctx, tx, r.Account)
		if err != nil {
			return err
		}
		history, err := rights.History(ctx, tx, r.Account, 100)
		out = oapi.AccessState{Services: mapped(found, serviceAccess), History: mapped(history, accessIntent)}
		return err
	})
	return oapi.GetAccess200JSONResponse(out), err
}

func serviceAccess(r rights.Right) oapi.ServiceAccess {
	out := oapi.ServiceAccess{Service: r.ServiceID, Subscription: r.SubscriptionID, Kind: r.Kind, Level: oapi.AccessLevel(r.Level),
		Reasons: mapped(r.Reasons, func(one rights.Reason) oapi.AccessReason {
			return oapi.AccessReason{Level: oapi.AccessLevel(one.Level), Cause: oapi.AccessReasonCause(one.Cause), Words: optionalText(one.Words), Since: one.Since, Until: one.Until}
		})}
	if pending := oapi.AccessLevel(r.PendingLevel()); pending != "" {
		out.Pending = &pending
	}
	return out
}

func accessIntent(i rights.Intent) oapi.AccessIntent {
	return oapi.AccessIntent{Service: i.ServiceID, Generation: i.Generation, Level: oapi.AccessLevel(i.Level), State: oapi.AccessIntentState(i.State),
		Attempts: i.Attempts, Failure: optionalText(i.Failure), ConfirmedBy: optionalText(i.ConfirmedBy), At: i.At}
}

// RetryAccess implements oapi.StrictServerInterface.
func (s *Server) RetryAccess(ctx context.Context, r oapi.RetryAccessRequestObject) (oapi.RetryAccessResponseObject, error) {
	return nil, once(ctx, oapi.RetryAccessResponseObject.VisitRetryAccessResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RetryAccessResponseObject, error) {
		callOf(ctx).about("account", r.Account)
		if err := accountExists(ctx, tx, r.Account); err != nil {
			return nil, err
		}
		n, err := rights.Retry(ctx, tx, r.Account)
		return oapi.RetryAccess200JSONResponse{Body: oapi.AccessRetried{Count: n}}, err
	})
}

// GetAccessTerms implements oapi.StrictServerInterface.
func (s *Server) GetAccessTerms(ctx context.Context, _ oapi.GetAccessTermsRequestObject) (oapi.GetAccessTermsResponseObject, error) {
	var terms rights.Terms
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		terms, err = rights.GetTerms(ctx, tx)
		return err
	})
	return oapi.GetAccessTerms200JSONResponse{PrepaidEmpty: oapi.AccessLevel(terms.PrepaidEmpty)}, err
}

// PutAccessTerms implements oapi.StrictServerInterface.
func (s *Server) PutAccessTerms(ctx context.Context, r oapi.PutAccessTermsRequestObject) (oapi.PutAccessTermsResponseObject, error) {
	return nil, once(ctx, oapi.PutAccessTermsResponseObject.VisitPutAccessTermsResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutAccessTermsResponseObject, error) {
		c := callOf(ctx)
		c.object = "operator"
		c.note("prepaid_empty", string(r.Body.PrepaidEmpty))
		err := rights.PutTerms(ctx, tx, rights.Terms{PrepaidEmpty: rights.Level(r.Body.PrepaidEmpty)})
		return oapi.PutAccessTerms200JSONResponse{Body: *r.Body}, err
	})
}
