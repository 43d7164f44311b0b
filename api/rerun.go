package api

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/charging"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// rerunAtOnce is how many items one transaction runs; rerunMost how many one
// request does. What is left over can be asked for again.
const (
	rerunAtOnce = 200
	rerunMost   = 100_000
)

// RerunSuspense implements oapi.StrictServerInterface. Each portion is
// committed by itself; items that went through do not wait any more, so the
// command may be run again.
func (s *Server) RerunSuspense(ctx context.Context, r oapi.RerunSuspenseRequestObject) (oapi.RerunSuspenseResponseObject, error) {
	return nil, repeatable(ctx, oapi.RerunSuspenseResponseObject.VisitRerunSuspenseResponse, func(ctx context.Context) (oapi.RerunSuspenseResponseObject, error) {
		stack := callOf(ctx).stack
		ids, err := itemsToRun(ctx, r.Body)
		if err != nil {
			return nil, err
		}
		var total charging.Rerun
		for portion := range slices.Chunk(ids, rerunAtOnce) {
			var done charging.Rerun
			err := stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
				done, err = stack.Charging().RerunSuspense(ctx, tx, portion)
				return err
			})
			if err != nil {
				return nil, err
			}
			total.Charged, total.Known, total.Waiting = total.Charged+done.Charged, total.Known+done.Known, total.Waiting+done.Waiting
		}
		return oapi.RerunSuspense200JSONResponse{Body: oapi.RerunOutcome{Charged: total.Charged, Known: total.Known, Waiting: total.Waiting}}, nil
	})
}

// itemsToRun are those that were named, or all that wait and match.
func itemsToRun(ctx context.Context, r *oapi.Rerun) (ids []uuid.UUID, err error) {
	if r.Ids != nil {
		return *r.Ids, nil
	}
	search := usage.Search{State: usage.Waiting, Reason: usage.Reason(value(r.Reason)), File: value(r.File)}
	err = callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if search.Source, err = sourceID(ctx, tx, r.Source); err != nil {
			return err
		}
		for after, more := (usage.Cursor{}), true; more && len(ids) < rerunMost; more = !after.IsZero() {
			var page []usage.Suspended
			if page, after, err = usage.ListSuspended(ctx, tx, search, after, rerunAtOnce); err != nil {
				return err
			}
			for _, item := range page {
				ids = append(ids, item.ID)
			}
		}
		return nil
	})
	return ids, err
}
