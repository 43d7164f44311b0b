package contract

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// lookBack is for how many months a base that was not whole may still be made
// up for.
const lookBack = 12

// Missing is told of a contract whose month was charged at the minimum, as days
// of its base were not there.
type Missing func(ctx context.Context, tx tenants.Tx, c Contract, days []calendar.Date) error

// CloseMonth writes down what a contract's operator owes for a calendar month
// and what is still owed of months before. A month is charged once: closing it
// again changes nothing. The month must be over.
func CloseMonth(ctx context.Context, tx tenants.Tx, c Contract, month calendar.Period, missing Missing) error {
	done, err := closed(ctx, tx, c, month)
	if err != nil || done {
		return err
	}
	if err := c.makeUp(ctx, tx, month); err != nil {
		return err
	}
	base, err := BaseOf(ctx, tx, c, c.Covers(month))
	if err != nil {
		return err
	}
	whole, shared := c.Terms.Share == nil || base.Whole(), money.Zero(c.Currency)
	for _, charge := range c.Reckon(month, base) {
		if charge.Code == codeShare {
			shared = charge.Amount
		}
		if err := c.charge(ctx, tx, charge); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `insert into contract_month (contract_id, month, share, whole, closed_at) values ($1, $2, $3, $4, $5)`,
		c.ID, month.From, shared.Decimal(), whole, tx.At)
	if err != nil {
		return fmt.Errorf("close %s of contract %s: %w", month.From, c.ID, err)
	}
	if whole || missing == nil {
		return nil
	}
	return missing(ctx, tx, c, base.Missing)
}

func closed(ctx context.Context, tx tenants.Tx, c Contract, month calendar.Period) (done bool, err error) {
	// whoever closes the same contract waits here
	if _, err = tx.Exec(ctx, `select id from contract where id = $1 for update`, c.ID); err != nil {
		return false, fmt.Errorf("lock contract %s: %w", c.ID, err)
	}
	err = tx.QueryRow(ctx, `select exists (select from contract_month where contract_id = $1 and month = $2)`, c.ID, month.From).Scan(&done)
	if err != nil {
		return false, fmt.Errorf("look for %s of contract %s: %w", month.From, c.ID, err)
	}
	return done, nil
}

// makeUp charges what is owed of earlier months whose base has become whole.
func (c Contract) makeUp(ctx context.Context, tx tenants.Tx, before calendar.Period) error {
	rows, err := tx.Query(ctx, `
		select month, share, made_up from contract_month
		 where contract_id = $1 and not whole and month < $2 and month >= $3
		 order by month`, c.ID, before.From, before.From.AddMonths(-lookBack))
	if err != nil {
		return fmt.Errorf("list open months of contract %s: %w", c.ID, err)
	}
	type open struct {
		Month  calendar.Date
		Share  money.Decimal
		MadeUp int // times before
	}
	months, err := pgx.CollectRows(rows, pgx.RowToStructByPos[open])
	if err != nil {
		return fmt.Errorf("list open months of contract %s: %w", c.ID, err)
	}
	for _, m := range months {
		month := Month(m.Month)
		base, err := BaseOf(ctx, tx, c, c.Covers(month))
		if err != nil {
			return err
		}
		if !base.Whole() {
			continue
		}
		billed := money.New(m.Share, c.Currency)
		late, owed := c.MakeUp(month, base, billed, m.MadeUp)
		if owed {
			billed, m.MadeUp = sum(billed, late.Amount), m.MadeUp+1
			if err := c.charge(ctx, tx, late); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `update contract_month set whole = true, share = $3, made_up = $4 where contract_id = $1 and month = $2`,
			c.ID, m.Month, billed.Decimal(), m.MadeUp); err != nil {
			return fmt.Errorf("make up %s of contract %s: %w", m.Month, c.ID, err)
		}
	}
	return nil
}

// charge puts a charge on its way, once.
func (c Contract) charge(ctx context.Context, tx tenants.Tx, charge Charge) error {
	_, err := tx.Exec(ctx, `
		insert into house_charge (id, contract_id, operator_id, code, words, period_from, period_to, amount, currency, detail, made_at, next_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
		on conflict (id) do nothing`,
		charge.Key, c.ID, c.Operator, charge.Code, charge.Words, charge.Period.From, charge.Period.To,
		charge.Amount.Decimal(), charge.Amount.Currency(), charge.Detail, tx.At)
	if err != nil {
		return fmt.Errorf("charge %s of contract %s: %w", charge.Code, c.ID, err)
	}
	return nil
}

// ToClose lists the contracts for which a month is not closed yet; the caller
// knows that it is over. Contracts of sandboxes are left out unless they are
// asked for, as the house's being a sandbox does.
func ToClose(ctx context.Context, tx tenants.Tx, month calendar.Period, sandboxes bool, limit int) ([]Contract, error) {
	return list(ctx, tx, `
		where state in ('active', 'ended', 'bought_out') and from_on < $2 and (until_on is null or until_on >= $1)
		  and not exists (select from contract_month m where m.contract_id = contract.id and m.month = $1)
		  and exists (select from operator o where o.id = contract.operator_id and (not o.sandbox or $4))
		order by id limit $3`, month.From, month.To, limit, sandboxes)
}

// ToMakeUp lists the contracts with months that were charged at the minimum
// while days of their base were missing.
func ToMakeUp(ctx context.Context, tx tenants.Tx, limit int) ([]Contract, error) {
	return list(ctx, tx, `where exists (select from contract_month m where m.contract_id = contract.id and not m.whole) order by id limit $1`, limit)
}

// MakeUp charges what is still owed of such months before a day, as far as
// their days have come since.
func MakeUp(ctx context.Context, tx tenants.Tx, c Contract, before calendar.Date) error {
	// whoever closes the same contract waits here
	if _, err := tx.Exec(ctx, `select id from contract where id = $1 for update`, c.ID); err != nil {
		return fmt.Errorf("lock contract %s: %w", c.ID, err)
	}
	return c.makeUp(ctx, tx, Month(before))
}

// OpenMonths counts the months of a contract that were charged at the minimum
// and are still to be made up for.
func OpenMonths(ctx context.Context, tx tenants.Tx, c Contract) (n int, err error) {
	if err = tx.QueryRow(ctx, `select count(*) from contract_month where contract_id = $1 and not whole`, c.ID).Scan(&n); err != nil {
		return 0, fmt.Errorf("count open months of contract %s: %w", c.ID, err)
	}
	return n, nil
}

// maxCharges bounds what is listed.
const maxCharges = 500

// Charges lists an operator's charges, the newest first.
func Charges(ctx context.Context, tx tenants.Tx, operator tenant.ID) ([]HouseCharge, error) {
	return charges(ctx, tx, `where operator_id = $1 order by period_from desc, id limit $2`, operator, maxCharges)
}

// Waiting lists charges that are to be carried into the house's books now.
func Waiting(ctx context.Context, tx tenants.Tx, limit int) ([]HouseCharge, error) {
	return charges(ctx, tx, `where carried_at is null and next_at <= $1 order by next_at, id limit $2`, tx.At, limit)
}

func charges(ctx context.Context, tx tenants.Tx, which string, args ...any) ([]HouseCharge, error) {
	rows, err := tx.Query(ctx, `
		select id, contract_id, operator_id, code, words, period_from, period_to, amount, currency, detail, made_at, carried_at, reason
		  from house_charge `+which, args...)
	if err != nil {
		return nil, fmt.Errorf("list charges: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h HouseCharge, err error) {
		var amount money.Decimal
		var currency money.Currency
		err = row.Scan(&h.Key, &h.Contract, &h.Operator, &h.Code, &h.Words, &h.Period.From, &h.Period.To, &amount, &currency, &h.Detail, &h.MadeAt, &h.CarriedAt, &h.Reason)
		h.Amount = money.New(amount, currency)
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("list charges: %w", err)
	}
	return found, nil
}

// Carried notes that a charge stands in the house's books.
func Carried(ctx context.Context, tx tenants.Tx, h HouseCharge) error {
	_, err := tx.Exec(ctx, `update house_charge set carried_at = $2, reason = '' where id = $1 and carried_at is null`, h.Key, tx.At)
	if err != nil {
		return fmt.Errorf("charge %s: %w", h.Key, err)
	}
	return nil
}

const maxPause = time.Hour

// NotCarried notes why a charge did not get there, and when it is tried again.
func NotCarried(ctx context.Context, tx tenants.Tx, h HouseCharge, reason string) error {
	_, err := tx.Exec(ctx, `
		update house_charge
		   set tries = tries + 1, reason = $2, next_at = $3::timestamptz + least(make_interval(secs => 10 * power(2, least(tries, 10))), $4)
		 where id = $1 and carried_at is null`, h.Key, reason, tx.At, maxPause)
	if err != nil {
		return fmt.Errorf("charge %s: %w", h.Key, err)
	}
	return nil
}
