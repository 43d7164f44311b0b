package contract

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/tenants"
)

// ToPass lists leases in force whose last instalment is due by a day and which
// have not passed yet. Those of sandboxes are left out unless they are asked
// for, as the house's being a sandbox does.
func ToPass(ctx context.Context, tx tenants.Tx, by calendar.Date, sandboxes bool, limit int) ([]Contract, error) {
	return list(ctx, tx, `
		where model = 'lease' and state = 'active' and passed_on is null
		  and from_on + make_interval(months => (terms -> 'lease' ->> 'months')::int) <= $1::date
		  and exists (select from operator o where o.id = contract.operator_id and (not o.sandbox or $3))
		order by id limit $2`, by, limit, sandboxes)
}

// LeaseCharges are the permanent keys of all that a lease costs; false while not
// every instalment has been charged and carried into the house's books.
func LeaseCharges(ctx context.Context, tx tenants.Tx, c Contract) (keys []uuid.UUID, whole bool, err error) {
	if c.Terms.Lease == nil {
		return nil, false, fmt.Errorf("contract %s is no lease: %w", c.ID, ErrState)
	}
	rows, err := tx.Query(ctx, `select id, code, carried_at is not null from house_charge where contract_id = $1 and code in ($2, $3)`, c.ID, codeInstalment, codeUpfront)
	if err != nil {
		return nil, false, fmt.Errorf("list charges of lease %s: %w", c.ID, err)
	}
	type charged struct {
		Key     uuid.UUID
		Code    string
		Carried bool
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[charged])
	if err != nil {
		return nil, false, fmt.Errorf("list charges of lease %s: %w", c.ID, err)
	}
	instalments := 0
	for _, h := range all {
		if !h.Carried {
			return nil, false, nil
		}
		if h.Code == codeInstalment {
			instalments++
		}
		keys = append(keys, h.Key)
	}
	return keys, instalments == c.Terms.Lease.Months, nil
}

// Pass writes down that what was leased is the operator's from a day on: the
// lease ran its full term and was paid. The contract goes on with what else it
// has. Nothing changes where it has passed; false then.
func Pass(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID, on calendar.Date) (Contract, bool, error) {
	c, err := one(ctx, tx, `select `+contractColumns+` from contract where id = $1 for update`, id)
	if err != nil || !c.PassedOn.IsZero() {
		return c, false, err
	}
	if c.State != Active || !c.PaidOff(on) {
		return c, false, fmt.Errorf("pass what contract %s leases: %w", id, ErrState)
	}
	done, err := tx.Exec(ctx, `update contract set passed_on = $2 where id = $1 and passed_on is null`, id, on)
	if err == nil && done.RowsAffected() != 1 {
		err = ErrState
	}
	if err != nil {
		return c, false, fmt.Errorf("pass what contract %s leases: %w", id, err)
	}
	c.PassedOn = on
	return c, true, tenants.Record(ctx, tx, by, tenants.Entry{Action: ActionPass, Object: id, Detail: map[string]any{"operator": c.Operator, "from": on}})
}
