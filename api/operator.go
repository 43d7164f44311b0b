package api

import (
	"context"
	"time"

	"tollhouse/api/oapi"
	"tollhouse/api/problem"
)

func clockOf(ctx context.Context) (oapi.Clock, error) {
	stack := callOf(ctx).stack
	at, err := stack.Clock(ctx)
	return oapi.Clock{At: at, Sandbox: stack.Ref.Sandbox}, err
}

// GetClock implements oapi.StrictServerInterface.
func (s *Server) GetClock(ctx context.Context, _ oapi.GetClockRequestObject) (oapi.GetClockResponseObject, error) {
	clock, err := clockOf(ctx)
	return oapi.GetClock200JSONResponse(clock), err
}

// AdvanceClock implements oapi.StrictServerInterface. Advancing to where the
// clock stands changes nothing, so it may be run again.
func (s *Server) AdvanceClock(ctx context.Context, r oapi.AdvanceClockRequestObject) (oapi.AdvanceClockResponseObject, error) {
	return nil, repeatable(ctx, oapi.AdvanceClockResponseObject.VisitAdvanceClockResponse, func(ctx context.Context) (oapi.AdvanceClockResponseObject, error) {
		if err := checkAdvance(ctx, r.Body.To); err != nil {
			return nil, err
		}
		if err := callOf(ctx).stack.Advance(ctx, r.Body.To, func(time.Time) {}); err != nil {
			return nil, err
		}
		clock, err := clockOf(ctx)
		return oapi.AdvanceClock200JSONResponse{Body: clock}, err
	})
}

// yearsAhead is how far one call may move a clock. Every day on the way is
// lived, and the clock never goes back: a slip in the year must not cost the
// sandbox.
const yearsAhead = 2

func checkAdvance(ctx context.Context, to time.Time) error {
	at, err := callOf(ctx).stack.Clock(ctx)
	if err != nil {
		return err
	}
	if farthest := at.AddDate(yearsAhead, 0, 0); to.After(farthest) {
		return problem.Unprocessable.New("", problem.Fault{Field: "to", Reason: "is too far ahead",
			Want: "an instant up to " + farthest.Format(time.RFC3339) + ", two years after where the clock stands"})
	}
	return nil
}
