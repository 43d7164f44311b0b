package points

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// expiry is when points that are earned now expire: at a month's end, so that
// an account has few buckets of them.
func (p Policy) expiry(ctx context.Context, tx tenant.Tx) (time.Time, error) {
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return time.Time{}, err
	}
	return ledger.Period(tx.At, zone).AddMonths(p.Months + 1).Start(zone).UTC(), nil
}

// Paid gives an account what a payment has earned, once: a top-up or a bill
// paid, named by its id. The account is locked.
func Paid(ctx context.Context, tx tenant.Tx, source Source, accountID, paymentID uuid.UUID, amount money.Amount) error {
	p, err := Get(ctx, tx)
	if err != nil {
		return err
	}
	rule, is := p.earning(source)
	if !is || rule.Currency != amount.Currency().Code() {
		return nil
	}
	total, err := rule.of(amount.Decimal())
	if err != nil || total.IsZero() {
		return err
	}
	expires, err := p.expiry(ctx, tx)
	if err != nil {
		return err
	}
	_, err = balance.IssuePoints(ctx, tx, balance.Points{ID: uuid.NewSHA1(paymentID, []byte("points")), AccountID: accountID, Total: total, ExpiresAt: expires})
	return err
}

// spent is what a cycle's use has cost, corrections with it.
type spent struct {
	Cycle  calendar.Date
	Amount money.Decimal
}

// By charge_cycle. Late use may still fall into the cycle before.
const selectSpent = `
	select cycle_start, sum(net + tax)
	from charge
	where account_id = $1 and cycle_start >= $2 and kind in ('usage', 'correction', 'refund') and currency = $3
	group by cycle_start
	order by cycle_start`

// lookBack is how long late use may still earn.
const lookBack = 62 // days

// Reckon gives an account what its use has earned, for the agenda item of kind
// PointsEarned. A repeat gives nothing more.
func Reckon(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) error {
	p, err := Get(ctx, tx)
	if err != nil {
		return err
	}
	rule, is := p.earning(Use)
	if !is {
		return nil
	}
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return err
	}
	expires, err := p.expiry(ctx, tx)
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, selectSpent, accountID, calendar.DateOf(tx.At, zone).AddDays(-lookBack), rule.Currency)
	if err != nil {
		return fmt.Errorf("what account %s has spent: %w", accountID, err)
	}
	cycles, err := pgx.CollectRows(rows, pgx.RowToStructByPos[spent])
	if err != nil {
		return fmt.Errorf("what account %s has spent: %w", accountID, err)
	}
	for _, c := range cycles {
		total, err := rule.of(c.Amount)
		if err != nil {
			return err
		}
		_, err = balance.IssuePoints(ctx, tx, balance.Points{ID: uuid.NewSHA1(accountID, []byte("points:use:"+c.Cycle.String())), AccountID: accountID, Total: total, ExpiresAt: expires})
		if err != nil {
			return err
		}
	}
	return nil
}
