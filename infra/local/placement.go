package local

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
)

var (
	// errElsewhere means that the host knows the tenant at another place than
	// the registry does.
	errElsewhere = errors.New("the tenant stands in another slot or epoch")
	// errNoSlot means that the registry names a slot that the host does not
	// have, or has retired.
	errNoSlot = errors.New("no such slot here")
)

// placed says whether the stack stands already.
func (c *Cloud) placed(ctx context.Context, want provisioning.Wanted) (bool, error) {
	var slot string
	var epoch int64
	err := c.owner.QueryRow(ctx, `select slot, epoch from host.placement where tenant = $1`, want.Operator.ID).Scan(&slot, &epoch)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for placement of %s: %w", want.Operator.Name, err)
	}
	if slot != want.Place.Slot.String() || epoch != want.Epoch {
		return false, fmt.Errorf("%s is in %s at epoch %d: %w", want.Operator.Name, slot, epoch, errElsewhere)
	}
	return true, nil
}

// reserve takes the slot out of the stock. It is this stack's by the registry,
// so one that is out already is out for us.
func (c *Cloud) reserve(ctx context.Context, slot tenant.Slot) error {
	done, err := c.owner.Exec(ctx, `update host.slot set state = 'placed' where name = $1 and state in ('stock', 'placed')`, slot.String())
	if err != nil {
		return fmt.Errorf("take slot %s: %w", slot, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("take slot %s: %w", slot, errNoSlot)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.chosen, slot.String())
	return nil
}

// place tells the host where the tenant is. It comes last: whoever finds a
// placement finds a whole stack.
func (c *Cloud) place(ctx context.Context, want provisioning.Wanted) error {
	_, err := c.owner.Exec(ctx, `
		insert into host.placement (tenant, name, slot, epoch, sandbox, state, placed_at)
		values ($1, $2, $3, $4, $5, 'ready', $6)
		on conflict (tenant) do nothing`,
		want.Operator.ID, want.Operator.Name, want.Place.Slot.String(), want.Epoch, want.Operator.Sandbox,
		c.config.Now().UTC().Truncate(time.Microsecond))
	if err != nil {
		return fmt.Errorf("place %s: %w", want.Operator.Name, err)
	}
	// An attempt at the same time may have been first: then it wrote the same.
	_, err = c.placed(ctx, want)
	return err
}
