package hardware

import (
	"context"
	"fmt"

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
		done, err := tx.Exec(ctx, `update hardware set owner_id = $2, owner_since = $3, changed_at = $4 where id = $1 and owner_id is null`, p.ID, operator, on, tx.At)
		if err == nil && done.RowsAffected() != 1 {
			err = ErrState
		}
		if err != nil {
			return nil, fmt.Errorf("pass hardware %s: %w", p.ID, err)
		}
		err = tenants.Record(ctx, tx, by, tenants.Entry{Action: "hardware.pass", Object: p.ID, Detail: map[string]any{"serial": p.Serial, "owner": operator, "from": on}})
		if err != nil {
			return nil, err
		}
	}
	for i := range passed {
		passed[i].Owner, passed[i].OwnerSince, passed[i].ChangedAt = operator, on, tx.At
	}
	return passed, nil
}
