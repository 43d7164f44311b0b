package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/tenant"
)

// AskAdjustment implements oapi.StrictServerInterface.
func (s *Server) AskAdjustment(ctx context.Context, r oapi.AskAdjustmentRequestObject) (oapi.AskAdjustmentResponseObject, error) {
	id := uuid.Must(uuid.NewV7())
	return nil, once(ctx, oapi.AskAdjustmentResponseObject.VisitAskAdjustmentResponse, func(ctx context.Context, tx tenant.Tx) (oapi.AskAdjustmentResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.note("amount", r.Body.Amount.String(), "reason", r.Body.Reason)
		a, err := account.Get(ctx, tx, r.Account)
		if err != nil {
			return nil, err
		}
		asked := balance.Request{ID: id, AccountID: a.ID, Amount: r.Body.Amount, Unit: a.Currency.Unit(), Reason: value(r.Body.ReasonCode), Note: r.Body.Reason, AskedBy: c.who.Actor()}
		if r.Body.Bucket != nil {
			bucket, err := balance.Get(ctx, tx, *r.Body.Bucket)
			if err != nil {
				return nil, err
			}
			if bucket.AccountID != a.ID {
				return nil, balance.ErrNotFound
			}
			asked.BucketID = bucket.ID
		}
		done, err := balance.Ask(ctx, tx, asked)
		return oapi.AskAdjustment201JSONResponse{Body: adjustmentRequest(done)}, err
	})
}

func adjustmentRequest(r balance.Request) oapi.AdjustmentRequest {
	out := oapi.AdjustmentRequest{Id: r.ID, Account: r.AccountID, Amount: quantity(r.Amount, r.Unit), Reason: r.Note, ReasonCode: optionalText(r.Reason),
		State: oapi.AdjustmentRequestState(r.State), AskedBy: r.AskedBy, AskedAt: r.AskedAt, DecidedBy: optionalText(r.DecidedBy), DecidedAt: r.DecidedAt, Decision: optionalText(r.Decision)}
	if r.BucketID != uuid.Nil {
		out.Bucket = &r.BucketID
	}
	return out
}

// ListAdjustmentRequests implements oapi.StrictServerInterface.
func (s *Server) ListAdjustmentRequests(ctx context.Context, r oapi.ListAdjustmentRequestsRequestObject) (oapi.ListAdjustmentRequestsResponseObject, error) {
	var list []balance.Request
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		state := balance.RequestState("")
		if r.Params.State != nil {
			state = balance.RequestState(*r.Params.State)
		}
		list, err = balance.Requests(ctx, tx, state, pageLimit(r.Params.Limit))
		return err
	})
	return oapi.ListAdjustmentRequests200JSONResponse{Items: mapped(list, adjustmentRequest)}, err
}

// ApproveAdjustment implements oapi.StrictServerInterface.
func (s *Server) ApproveAdjustment(ctx context.Context, r oapi.ApproveAdjustmentRequestObject) (oapi.ApproveAdjustmentResponseObject, error) {
	return nil, once(ctx, oapi.ApproveAdjustmentResponseObject.VisitApproveAdjustmentResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ApproveAdjustmentResponseObject, error) {
		c := callOf(ctx)
		c.about("adjustment_request", r.Asked)
		done, err := c.stack.ApproveAdjustment(ctx, tx, c.who, r.Asked)
		return oapi.ApproveAdjustment200JSONResponse{Body: adjustmentRequest(done)}, err
	})
}

// RefuseAdjustment implements oapi.StrictServerInterface.
func (s *Server) RefuseAdjustment(ctx context.Context, r oapi.RefuseAdjustmentRequestObject) (oapi.RefuseAdjustmentResponseObject, error) {
	return nil, once(ctx, oapi.RefuseAdjustmentResponseObject.VisitRefuseAdjustmentResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RefuseAdjustmentResponseObject, error) {
		c := callOf(ctx)
		c.about("adjustment_request", r.Asked)
		c.note("reason", r.Body.Reason)
		done, err := balance.Decide(ctx, tx, r.Asked, balance.Refused, c.who.Actor(), r.Body.Reason)
		return oapi.RefuseAdjustment200JSONResponse{Body: adjustmentRequest(done)}, err
	})
}

// WithdrawAdjustment implements oapi.StrictServerInterface.
func (s *Server) WithdrawAdjustment(ctx context.Context, r oapi.WithdrawAdjustmentRequestObject) (oapi.WithdrawAdjustmentResponseObject, error) {
	return nil, once(ctx, oapi.WithdrawAdjustmentResponseObject.VisitWithdrawAdjustmentResponse, func(ctx context.Context, tx tenant.Tx) (oapi.WithdrawAdjustmentResponseObject, error) {
		c := callOf(ctx)
		c.about("adjustment_request", r.Asked)
		done, err := balance.Decide(ctx, tx, r.Asked, balance.Withdrawn, c.who.Actor(), "")
		return oapi.WithdrawAdjustment200JSONResponse{Body: adjustmentRequest(done)}, err
	})
}
