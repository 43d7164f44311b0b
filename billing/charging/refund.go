package charging

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Periods are few and the primary key begins with them: each is found by one
// probe, and the charge by one more in each.
const selectUsageCharge = `
	with recursive periods (period) as (
	    (select c.period from charge as c order by c.period limit 1)
	    union all
	    select (select c.period from charge as c where c.period > p.period order by c.period limit 1)
	    from periods as p
	    where p.period is not null)
	select c.period, c.account_id
	from periods as p
	join charge as c on c.period = p.period and c.id = $1
	where c.kind = 'usage'`

// RefundDebit gives back so much of the price of a usage's charge, or all that
// is left of it: to the balances that paid, the last one first. id is the
// refund's own; the same again changes nothing. ErrNoCharge and ErrBeyondCharge
// refuse it.
func (e *Engine) RefundDebit(ctx context.Context, tx tenant.Tx, id, charge uuid.UUID, amount *money.Decimal, reason string) (Corrected, error) {
	var period calendar.Date
	var account uuid.UUID
	err := tx.QueryRow(ctx, selectUsageCharge, charge).Scan(&period, &account)
	if errors.Is(err, pgx.ErrNoRows) {
		return Corrected{}, fmt.Errorf("charge %s: %w", charge, ErrNoCharge)
	}
	if err != nil {
		return Corrected{}, fmt.Errorf("find charge %s: %w", charge, err)
	}
	booked, err := e.Correct(ctx, tx, Correction{ID: id, Account: account, Period: period, Charge: charge, Reason: reason, Off: amount})
	if err != nil {
		return Corrected{}, err
	}
	return booked[0], nil
}
