package hardware

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// Pass makes our appliances and parts that an operator uses its own from a day
// on, as its lease was paid off or bought out. What is its own already stays so.
// Our promise to replace what fails stays with the piece's support.
func Pass(ctx context.Context, tx tenants.Tx, by tenants.Actor, operator tenant.ID, on calendar.Date) ([]Piece, error) {
	rows, err := tx.Query(ctx, `
		select `+read+` from hardware
		 where operator_id = $1 and owner_id is null and kind in ('appliance', 'part') and state in ('in_use', 'failed')
		 order by id for update`, operator)
	if err != nil {
		return nil, fmt.Errorf("list what operator %s leased: %w", operator, err)
	}
	passed, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("list what operator %s leased: %w", operator, err)
	}
	for _, p := range passed {
		if err := p.give(ctx, tx, operator, on); err != nil {
			return nil, err
		}
		err := tenants.Record(ctx, tx, by, tenants.Entry{Action: "hardware.pass", Object: p.ID, Detail: map[string]any{"serial": p.Serial, "owner": operator, "from": on}})
		if err != nil {
			return nil, err
		}
	}
	for i := range passed {
		passed[i].Owner, passed[i].OwnerSince, passed[i].ChangedAt = operator, on, tx.At
	}
	return passed, nil
}

// give makes a piece of ours an operator's own from a day on.
func (p Piece) give(ctx context.Context, tx tenants.Tx, to tenant.ID, on calendar.Date) error {
	done, err := tx.Exec(ctx, `update hardware set owner_id = $2, owner_since = $3, changed_at = $4 where id = $1 and owner_id is null`, p.ID, to, on, tx.At)
	if err == nil && done.RowsAffected() != 1 {
		err = ErrState
	}
	if err != nil {
		return fmt.Errorf("pass hardware %s: %w", p.ID, err)
	}
	return nil
}

// change swaps whose a failed piece and its spare are, where the failed one is
// its operator's own and the spare is ours: the operator has what it owned before,
// and we have what is to be repaired. What is leased stays ours either way, and
// passes with the lease.
func change(ctx context.Context, tx tenants.Tx, failed, spare Piece) (Piece, error) {
	if failed.Owner == (tenant.ID{}) || spare.Owner != (tenant.ID{}) {
		return failed, nil
	}
	if err := spare.give(ctx, tx, failed.Owner, calendar.DateOf(tx.At, time.UTC)); err != nil {
		return failed, err
	}
	done, err := tx.Exec(ctx, `update hardware set owner_id = null, owner_since = null where id = $1 and owner_id = $2`, failed.ID, failed.Owner)
	if err == nil && done.RowsAffected() != 1 {
		err = ErrState
	}
	if err != nil {
		return failed, fmt.Errorf("take back hardware %s: %w", failed.ID, err)
	}
	failed.Owner, failed.OwnerSince = tenant.ID{}, calendar.Date{}
	return failed, nil
}
