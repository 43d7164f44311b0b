package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// text is a value as JSON, to compare it by.
func text(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// DailyTotal is what an operator collected on a day of its own calendar, as its
// stack signed it together with the head of its chain of seals.
type DailyTotal struct {
	Operator   tenant.ID
	Day        calendar.Date
	Collected  money.Amount
	Cumulative money.Amount // since the beginning; zero value: not told
	HeadSeq    int64
	HeadHash   []byte
	Statement  string // as it was signed: evidence
	ReceivedAt time.Time
}

// ErrTotalDiffers means that a stack has signed another total for a day before.
var ErrTotalDiffers = errors.New("another total was signed for this day before")

// KeepTotal keeps a signed total for good. The same again changes nothing.
func KeepTotal(ctx context.Context, tx tenants.Tx, t DailyTotal) error {
	done, err := tx.Exec(ctx, `
		insert into daily_total (operator_id, day, currency, collected, cumulative, head_seq, head_hash, statement, received_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		on conflict (operator_id, day, currency) do nothing`,
		t.Operator, t.Day, t.Collected.Currency(), t.Collected.Decimal(), t.Cumulative.Decimal(), t.HeadSeq, t.HeadHash, t.Statement, tx.At)
	if err != nil {
		return fmt.Errorf("keep total of %s on %s: %w", t.Operator, t.Day, err)
	}
	if done.RowsAffected() == 1 {
		return nil
	}
	var collected, cumulative money.Decimal
	var hash []byte
	if err := tx.QueryRow(ctx, `select collected, cumulative, head_hash from daily_total where operator_id = $1 and day = $2 and currency = $3`,
		t.Operator, t.Day, t.Collected.Currency()).Scan(&collected, &cumulative, &hash); err != nil {
		return fmt.Errorf("read total of %s on %s: %w", t.Operator, t.Day, err)
	}
	if !collected.Equal(t.Collected.Decimal()) || !cumulative.Equal(t.Cumulative.Decimal()) || !bytes.Equal(hash, t.HeadHash) {
		return fmt.Errorf("total of %s on %s: %w", t.Operator, t.Day, ErrTotalDiffers)
	}
	return nil
}

// BaseOf is what a contract's operator collected in a period, with the days of
// which no total in the contract's currency is there.
func BaseOf(ctx context.Context, tx tenants.Tx, c Contract, covered calendar.Period) (Base, error) {
	base := Base{Collected: money.Zero(c.Currency)}
	rows, err := tx.Query(ctx, `
		select day, collected from daily_total
		 where operator_id = $1 and day >= $2 and day < $3 and currency = $4`, c.Operator, covered.From, covered.To, c.Currency)
	if err != nil {
		return base, fmt.Errorf("read totals of %s: %w", c.Operator, err)
	}
	there := map[calendar.Date]bool{}
	var on calendar.Date
	var collected money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&on, &collected}, func() error {
		there[on] = true
		base.Collected = sum(base.Collected, money.New(collected, c.Currency))
		return nil
	})
	if err != nil {
		return base, fmt.Errorf("read totals of %s: %w", c.Operator, err)
	}
	for d := covered.From; d.Before(covered.To); d = d.AddDays(1) {
		if !there[d] {
			base.Missing = append(base.Missing, d)
		}
	}
	return base, nil
}

// HouseCharge is a charge on its way into the house's books.
type HouseCharge struct {
	Charge
	Contract  uuid.UUID
	Operator  tenant.ID
	MadeAt    time.Time
	CarriedAt *time.Time
	Reason    string // why it was not carried the last time
}
