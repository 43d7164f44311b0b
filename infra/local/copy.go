package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing"
	"tollhouse/billing/audit"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/sandbox"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/provisioning"
)

// Asking implements provisioning.Copier.
func (c *Cloud) Asking(ctx context.Context, limit int) ([]tenant.ID, error) {
	rows, err := c.owner.Query(ctx, `select tenant from host.ask order by asked_at limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("look who asks: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("look who asks: %w", err)
	}
	asking := make([]tenant.ID, len(ids))
	for i, id := range ids {
		asking[i] = tenant.ID(id)
	}
	return asking, nil
}

// WantedCopy implements provisioning.Copier.
func (c *Cloud) WantedCopy(ctx context.Context, at provisioning.Placed) (request uuid.UUID, wanted bool, err error) {
	err = c.config.DB.Read(ctx, refOf(at), func(ctx context.Context, tx tenant.Tx) error {
		found, err := sandbox.Wanted(ctx, tx)
		if errors.Is(err, sandbox.ErrNoCopy) {
			return nil
		}
		request, wanted = found.ID, err == nil
		return err
	})
	return request, wanted, err
}

// Heard implements provisioning.Copier. A wish that came meanwhile is the same
// one: a stack has one at a time, and says so again if it is asked again.
func (c *Cloud) Heard(ctx context.Context, id tenant.ID) error {
	if _, err := c.owner.Exec(ctx, `delete from host.ask where tenant = $1`, id); err != nil {
		return fmt.Errorf("note that tenant %s was heard: %w", id, err)
	}
	return nil
}

// Report implements provisioning.Copier.
func (c *Cloud) Report(ctx context.Context, at provisioning.Placed, r sandbox.Report) error {
	return c.config.DB.Write(ctx, refOf(at), func(ctx context.Context, tx tenant.Tx) error { return sandbox.Tell(ctx, tx, r) })
}

// NewPlace implements provisioning.Copier.
func (c *Cloud) NewPlace() (provisioning.Place, error) {
	slot, err := postgres.NewSlot()
	return provisioning.Place{Host: c.config.Host, Slot: slot}, err
}

// Copy implements provisioning.Copier. Until the placement is written nobody
// finds the copy; what is switched over already is not copied again.
func (c *Cloud) Copy(ctx context.Context, from provisioning.Placed, want provisioning.Wanted, progress provisioning.Progress) error {
	there, err := c.copied(ctx, want)
	if err != nil || there {
		return err
	}
	if err := progress("slot", 0, 0); err != nil {
		return err
	}
	if err := c.config.Server.MakeSlot(ctx, c.config.database(), want.Place.Slot); err != nil {
		return provisioning.Because("The copy's slot could not be made.", err)
	}
	err = c.config.Server.CopySlot(ctx, postgres.SlotCopy{Database: c.config.database(), From: from.Place.Slot, To: want.Place.Slot,
		ClockAt: c.config.Now(), Progress: progress})
	if err != nil {
		return provisioning.Because("The tables could not be copied.", err)
	}
	if err := progress("secrets", 1, 1); err != nil {
		return err
	}
	if err := c.furnish(ctx, from, want); err != nil {
		return provisioning.Because("The copy could not be given keys of its own.", err)
	}
	if err := c.switchOver(ctx, want); err != nil {
		return provisioning.Because("The copy's placement could not be written.", err)
	}
	return nil
}

// copied says whether the copy stands at its place already.
func (c *Cloud) copied(ctx context.Context, want provisioning.Wanted) (there bool, err error) {
	err = c.owner.QueryRow(ctx, `select exists (select from host.placement where tenant = $1 and slot = $2 and epoch = $3)`,
		want.Operator.ID, want.Place.Slot.String(), want.Epoch).Scan(&there)
	if err != nil {
		return false, provisioning.Because("The host database does not answer.", err)
	}
	return there, nil
}

// redrawnAtOnce bounds how many secrets one transaction draws.
const redrawnAtOnce = 1000

// furnish gives the copy what it does not share with its original: signing
// keys, and secrets sealed as its own. The usage-hash key stays the same under
// the new seal: it says which usage was taken in already.
func (c *Cloud) furnish(ctx context.Context, from provisioning.Placed, want provisioning.Wanted) error {
	sealed, err := c.reseal(ctx, from, want)
	if err != nil {
		return err
	}
	ref := tenant.Ref{ID: want.Operator.ID, Name: want.Operator.Name, Slot: want.Place.Slot, Epoch: want.Epoch, Sandbox: true}
	err = c.config.DB.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		if err := c.config.Identity.SetUp(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into secret (name, sealed, created_at) values ($1, $2, $3) on conflict (name) do nothing`, billing.UsageHashKey, sealed, tx.At)
		if err != nil {
			return fmt.Errorf("store usage hash key: %w", err)
		}
		return audit.Record(ctx, tx, audit.Entry{Caller: c.job(), Action: "stack.copied", Object: "operator",
			Detail: map[string]any{"from": from.Operator.Name, "slot": want.Place.Slot.String(), "epoch": want.Epoch}})
	})
	if err != nil {
		return err
	}
	desk := onboarding.New(c.config.Seal, onboarding.Hooks{})
	for again := true; again; {
		err := c.config.DB.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
			drawn, err := desk.Redraw(ctx, tx, postgres.RedrawnSecret, redrawnAtOnce)
			again = drawn == redrawnAtOnce
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Cloud) reseal(ctx context.Context, from provisioning.Placed, want provisioning.Wanted) ([]byte, error) {
	var sealed []byte
	err := c.config.DB.Read(ctx, refOf(from), func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select sealed from secret where name = $1`, billing.UsageHashKey).Scan(&sealed)
	})
	if err != nil {
		return nil, fmt.Errorf("read usage hash key: %w", err)
	}
	key, err := c.config.Seal.Open(from.Operator.ID, billing.UsageHashKey, sealed)
	if err != nil {
		return nil, fmt.Errorf("open usage hash key: %w", err)
	}
	return c.config.Seal.Seal(want.Operator.ID, billing.UsageHashKey, key)
}

// switchOver lets the copy be found, in the place of the one before, which then
// goes.
func (c *Cloud) switchOver(ctx context.Context, want provisioning.Wanted) error {
	var before string
	err := pgx.BeginFunc(ctx, c.owner, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `select slot from host.placement where tenant = $1 for update`, want.Operator.ID).Scan(&before)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		_, err = tx.Exec(ctx, `
			insert into host.placement (tenant, name, slot, epoch, sandbox, state, placed_at)
			values ($1, $2, $3, $4, true, 'ready', $5)
			on conflict (tenant) do update set slot = excluded.slot, epoch = excluded.epoch, placed_at = excluded.placed_at`,
			want.Operator.ID, want.Operator.Name, want.Place.Slot.String(), want.Epoch, c.config.Now().UTC().Truncate(time.Microsecond))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `delete from host.wake where tenant = $1`, want.Operator.ID)
		return err
	})
	if err != nil {
		return fmt.Errorf("place %s: %w", want.Operator.Name, err)
	}
	if before == "" || before == want.Place.Slot.String() {
		return nil
	}
	old, err := tenant.ParseSlot(before)
	if err != nil {
		return err
	}
	// Requests that still work in the old one fail and come again to the new.
	if err := c.config.Server.DropSlot(ctx, c.config.database(), old); err != nil {
		c.config.Log.Warn("an earlier copy was not taken away", "slot", before, "error", err)
	}
	return nil
}
