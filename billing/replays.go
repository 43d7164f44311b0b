package billing

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
)

// replayAttempts is how often a portion of a trial or re-rating is tried before
// it counts as one that cannot be worked, and the others get their turn.
const replayAttempts = 3

func (s *Stack) workTrial(ctx context.Context, item agenda.Item) (again bool, err error) {
	again, err = replay.WorkTrial(ctx, replay.Transactions{Write: s.Write, Read: s.Read}, s.host.charging, item.Ref)
	return again, s.giveUp(ctx, item, err, replay.FailTrial)
}

func (s *Stack) workRerating(ctx context.Context, item agenda.Item) (again bool, err error) {
	again, err = replay.WorkRerating(ctx, s.Write, s.host.charging, item.Ref, s.host.config.Now)
	return again, s.giveUp(ctx, item, err, replay.FailRerating)
}

// giveUp marks what failed again and again as failed, for a person to see why.
func (s *Stack) giveUp(ctx context.Context, item agenda.Item, cause error, fail func(context.Context, tenant.Tx, uuid.UUID, error) error) error {
	if cause == nil || item.Attempts+1 < replayAttempts || ctx.Err() != nil {
		return cause
	}
	s.host.config.Log.Error("replay given up", "tenant", s.Ref.Name, "kind", item.Kind, "id", item.Ref, "error", cause)
	return s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return fail(ctx, tx, item.Ref, cause) })
}
