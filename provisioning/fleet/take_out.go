package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/provisioning/backup"
	"tollhouse/tenants"
)

// TakeOuts are final backups as take-outs: all of an operator in open files. A
// stack on machines of its own is taken out by its host, which is waited for.
// Another one is made beside the looks, which wait for nothing; Stop cuts it off, and
// the next look begins it again.
type TakeOuts struct {
	db   *tenants.DB
	make func(ctx context.Context, operator tenant.ID, since time.Time) error
	// await has a stack's own host asked for one, and says how far that is; empty
	// where we make it ourselves.
	await func(ctx context.Context, operator tenant.ID, since time.Time) (how string, err error)
	log   *slog.Logger

	stop    context.CancelFunc
	life    context.Context
	running sync.WaitGroup
	mu      sync.Mutex
	making  map[tenant.ID]time.Time // since when
	failed  map[tenant.ID]string    // why the last one did not come to be
}

// NewTakeOuts has final backups made by the keeper of take-outs.
func NewTakeOuts(db *tenants.DB, keeper *backup.TakeOuts, log *slog.Logger) *TakeOuts {
	t := &TakeOuts{db: db, log: log, making: map[tenant.ID]time.Time{}, failed: map[tenant.ID]string{}}
	t.make = func(ctx context.Context, operator tenant.ID, since time.Time) error {
		_, err := keeper.Final(ctx, tenants.System, operator, since)
		return err
	}
	t.await = func(ctx context.Context, operator tenant.ID, since time.Time) (string, error) {
		return keeper.Await(ctx, tenants.System, operator, since)
	}
	t.life, t.stop = context.WithCancel(context.Background())
	return t
}

var _ provisioning.FinalBackups = (*TakeOuts)(nil)

// Stop cuts off what is being made, and waits for it.
func (t *TakeOuts) Stop() {
	t.stop()
	t.running.Wait()
}

// Final implements provisioning.FinalBackups.
func (t *TakeOuts) Final(ctx context.Context, site provisioning.Site, since time.Time) (provisioning.FinalBackup, error) {
	var last backup.TakenOut
	err := t.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		last, err = backup.LastFinal(ctx, tx, site.Operator)
		return err
	})
	if err == nil && !last.AskedAt.Before(since) {
		return provisioning.FinalBackup{Done: true, Ref: "takeout/" + last.ID.String(), At: last.AskedAt}, nil
	}
	if err != nil && !errors.Is(err, backup.ErrNotThere) {
		return provisioning.FinalBackup{}, err
	}
	how, err := t.await(ctx, site.Operator, since)
	if err != nil || how != "" {
		return provisioning.FinalBackup{Reason: how}, err
	}
	began, why := t.begin(site.Operator, since)
	reason := fmt.Sprintf("It is being made since %s.", began.UTC().Format("15:04:05 UTC"))
	if why != "" {
		reason = "The last try failed: " + why + " " + reason
	}
	return provisioning.FinalBackup{Reason: reason}, nil
}

// begin makes one unless one is being made, and says since when.
func (t *TakeOuts) begin(operator tenant.ID, since time.Time) (began time.Time, why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	why = t.failed[operator]
	if began, under := t.making[operator]; under {
		return began, why
	}
	began = t.db.Now()
	if t.life.Err() != nil {
		return began, why
	}
	t.making[operator] = began
	t.running.Go(func() {
		err := t.make(t.life, operator, since)
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.making, operator)
		delete(t.failed, operator)
		if err != nil {
			t.failed[operator] = provisioning.ReasonOf(err)
			t.log.Error("final take-out failed", "operator", operator.String(), "error", err)
		}
	})
	return began, why
}
