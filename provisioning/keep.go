package provisioning

import (
	"context"
	"time"
)

// keepUpEvery is how often the book of visits is compared and operators' own
// wishes are fetched.
const keepUpEvery = 3 * time.Second

// keepUp does what nobody calls for: stacks run without us and do not call.
func (r *Reconciler) keepUp(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, r.config.Lease)
	defer cancel()
	if err := r.visits.sweep(ctx); err != nil && ctx.Err() == nil {
		r.log.Warn("visits not all looked after", "error", err)
	}
	if err := r.fetchWishes(ctx); err != nil && ctx.Err() == nil {
		r.log.Warn("operators' wishes not fetched", "error", err)
	}
	return false
}
