package account

import (
	"context"
	"fmt"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// BillingRules are how the operator's bills are reckoned and released.
type BillingRules struct {
	Proration   calendar.Proration // in what parts of a period are counted
	RunApproval bool               // a bill run waits for a second person's word
	ZoneNext    string             // that is to hold from ZoneFrom on; empty: none
	ZoneFrom    *time.Time
}

// PutBillingRules changes how parts are counted and whether runs wait. Bills
// that are out stay as they are.
func PutBillingRules(ctx context.Context, tx tenant.Tx, r BillingRules) error {
	if r.Proration != calendar.ByDay && r.Proration != calendar.BySecond {
		return &FieldError{"proration", "day or second"}
	}
	done, err := tx.Exec(ctx, `update operator set proration = $1, run_approval = $2 where id = 1`, r.Proration, r.RunApproval)
	if err != nil {
		return fmt.Errorf("write billing rules: %w", err)
	}
	if done.RowsAffected() != 1 {
		return ErrNotSetUp
	}
	return nil
}

// laterZone keeps a zone for the next boundary of a cycle, so that the day that
// runs is neither cut nor counted twice. The same zone takes back what was to come.
func laterZone(ctx context.Context, tx tenant.Tx, now Profile, next *time.Location) error {
	if next.String() == now.Zone.String() {
		_, err := tx.Exec(ctx, `update operator set zone_next = null, zone_from = null where id = 1 and zone_next is not null`)
		return err
	}
	today := now.LocalDate(tx.At)
	var used bool
	var bound *calendar.Date
	err := tx.QueryRow(ctx, `
		select exists (select from billing_account), (select min(cycle_end) from billing_account where state = 'active' and cycle_end > $1)`, today).Scan(&used, &bound)
	if err != nil {
		return fmt.Errorf("find the next boundary: %w", err)
	}
	if !used {
		return nil // it holds already
	}
	if bound == nil {
		tomorrow := today.AddDays(1)
		bound = &tomorrow
	}
	_, err = tx.Exec(ctx, `update operator set zone_next = $1, zone_from = $2 where id = 1`, next.String(), bound.Start(now.Zone))
	if err != nil {
		return fmt.Errorf("keep the zone to come: %w", err)
	}
	return nil
}

// ApplyZone lets a zone hold whose time has come, and says whether there was one.
// The job that closes the cycles of the boundary calls it first.
func ApplyZone(ctx context.Context, tx tenant.Tx) (bool, error) {
	done, err := tx.Exec(ctx, `update operator set zone = zone_next, zone_next = null, zone_from = null where id = 1 and zone_from <= $1`, tx.At)
	if err != nil {
		return false, fmt.Errorf("change zone: %w", err)
	}
	if done.RowsAffected() == 0 {
		return false, nil
	}
	return true, bumpEpoch(ctx, tx)
}
