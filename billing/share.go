package billing

import (
	"context"
	"time"

	"tollhouse/billing/tenant"
)

const (
	// shareEvery is how soon a changed share is obeyed.
	shareEvery = time.Second
	// tellEvery is how often what became of guarantees is told.
	tellEvery = 10 * time.Second
)

// KeepShares obeys the shares of this host database's tenants and tells what
// became of them, under the name of this process, until ctx ends. While the
// database can't be reached the shares stay as they were.
func (h *Host) KeepShares(ctx context.Context, process string) {
	tick := time.NewTicker(shareEvery)
	defer tick.Stop()
	told, before, most := h.config.Now(), h.online.Worked().Requests, int64(0)
	for {
		shares, err := h.db.Shares(ctx)
		if err == nil {
			h.online.Share(shares)
		}
		if now := h.config.Now(); err == nil && now.Sub(told) >= tellEvery {
			worked := h.online.Worked().Requests
			lately := int64(float64(worked-before) / now.Sub(told).Seconds())
			told, before, most = now, worked, max(most, lately)
			err = h.db.NoteAttained(ctx, process, tenant.Throughput{Now: lately, Most: most}, h.online.Attained())
		}
		if err != nil && ctx.Err() == nil {
			h.config.Log.Error("shares not kept", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
