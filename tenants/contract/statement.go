package contract

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/takings"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// House reads the house; tenants.ErrNotFound while it was not set up.
func House(ctx context.Context, tx tenants.Tx) (tenants.Operator, error) {
	return tenants.OperatorByName(ctx, tx, tenants.HouseName)
}

// Counts says whether an operator's contracts are billed: a live house leaves
// sandboxes out, and the house does not bill itself.
func Counts(house, operator tenants.Operator) bool {
	return operator.ID != house.ID && (house.Sandbox || !operator.Sandbox)
}

// Told is what a stack says of what it collected: its public keys and the
// statements that it signed.
type Told struct {
	Keys       [][]byte `json:"keys,omitempty"`       // Ed25519, 32 bytes each
	Statements []string `json:"statements,omitempty"` // JWS (billing/takings), in order of days
}

// Bounds of what is told at once: the other end may be somebody else's.
const (
	maxKeys       = 100
	MaxStatements = 62
)

// Errors of statements.
var (
	// ErrForged means that a statement was not signed by its stack, or is another's.
	ErrForged = errors.New("the statement was not signed by this stack")
	// ErrBroken means that a statement does not go on from the day before, or
	// names a seal that is not the one we keep.
	ErrBroken = errors.New("the statement does not go on from what was signed before")
)

// KeepTold keeps what a stack tells. The caller knows that it is the stack that
// speaks: by its database, or by a machine that was enrolled for its operator.
// All or nothing: ErrForged, ErrBroken and ErrTotalDiffers refuse what is not
// true. The same again changes nothing.
func KeepTold(ctx context.Context, tx tenants.Tx, operator tenant.ID, told Told) error {
	if len(told.Keys) > maxKeys || len(told.Statements) > MaxStatements {
		return fmt.Errorf("%w: at most %d keys and %d statements are told at once", ErrForged, maxKeys, MaxStatements)
	}
	for _, public := range told.Keys {
		if len(public) != ed25519.PublicKeySize {
			return fmt.Errorf("%w: a key of %d bytes", ErrForged, len(public))
		}
		_, err := tx.Exec(ctx, `insert into stack_key (operator_id, id, public_key, known_at) values ($1, $2, $3, $4) on conflict do nothing`,
			operator, identity.Publish(public).ID, public, tx.At)
		if err != nil {
			return fmt.Errorf("keep key of %s: %w", operator, err)
		}
	}
	for _, text := range told.Statements {
		if err := keepStatement(ctx, tx, operator, text); err != nil {
			return err
		}
	}
	return nil
}

func keepStatement(ctx context.Context, tx tenants.Tx, operator tenant.ID, text string) error {
	s, err := takings.Read(text, operator, func(id string) (public ed25519.PublicKey, err error) {
		err = tx.QueryRow(ctx, `select public_key from stack_key where operator_id = $1 and id = $2`, operator, id).Scan((*[]byte)(&public))
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, identity.ErrToken
		}
		return public, err
	})
	if errors.Is(err, identity.ErrToken) {
		return fmt.Errorf("%w: %w", ErrForged, err)
	}
	if err != nil {
		return fmt.Errorf("check statement of %s: %w", operator, err)
	}
	if s.SignedAt.After(tx.At.Add(time.Hour)) {
		return fmt.Errorf("%w: it was signed in the future, at %s", ErrForged, s.SignedAt)
	}
	if err := goesOn(ctx, tx, s); err != nil {
		return err
	}
	for _, t := range s.Totals {
		err := KeepTotal(ctx, tx, DailyTotal{Operator: operator, Day: s.Day, Collected: t.Collected, Cumulative: t.Cumulative, HeadSeq: s.HeadSeq, HeadHash: s.HeadHash, Statement: text})
		if err != nil {
			return err
		}
	}
	return nil
}

// goesOn refuses a statement that does not fit to the day before and the day
// after, or to the seal of the audit chain that was anchored.
func goesOn(ctx context.Context, tx tenants.Tx, s takings.Statement) error {
	var anchored []byte
	err := tx.QueryRow(ctx, `select hash from chain_anchor where operator = $1 and seq = $2`, s.Stack, s.HeadSeq).Scan(&anchored)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("look for the anchor of %s: %w", s.Stack, err)
	}
	if err == nil && !bytes.Equal(anchored, s.HeadHash) {
		return fmt.Errorf("%w: seal %d is another one", ErrBroken, s.HeadSeq)
	}
	for _, t := range s.Totals {
		var before, afterCollected, after *money.Decimal
		err := tx.QueryRow(ctx, `
			select (select cumulative from daily_total where operator_id = $1 and currency = $2 and day = $3::date - 1),
			       (select collected from daily_total where operator_id = $1 and currency = $2 and day = $3::date + 1),
			       (select cumulative from daily_total where operator_id = $1 and currency = $2 and day = $3::date + 1)`,
			s.Stack, t.Collected.Currency(), s.Day).Scan(&before, &afterCollected, &after)
		if err != nil {
			return fmt.Errorf("read totals of %s: %w", s.Stack, err)
		}
		all := t.Cumulative.Decimal()
		if before != nil && !before.Add(t.Collected.Decimal()).Equal(all) || after != nil && !all.Add(*afterCollected).Equal(*after) {
			return fmt.Errorf("%w: %s of %s does not follow from the days beside it", ErrBroken, t.Cumulative, s.Day)
		}
	}
	return nil
}

// LastTotal is the last day through which an operator's totals are there
// without a gap; zero if there is none.
func LastTotal(ctx context.Context, tx tenants.Tx, operator tenant.ID) (calendar.Date, error) {
	var day *calendar.Date
	err := tx.QueryRow(ctx, `
		select min(day) from (
		    select day, lead(day) over (order by day) as next
		      from (select distinct day from daily_total where operator_id = $1) d) g
		 where next is null or next > day + 1`, operator).Scan(&day)
	if err != nil {
		return calendar.Date{}, fmt.Errorf("read last total of %s: %w", operator, err)
	}
	if day == nil {
		return calendar.Date{}, nil
	}
	return *day, nil
}

// Totals lists what an operator's stack signed of a period, by day and currency.
func Totals(ctx context.Context, tx tenants.Tx, operator tenant.ID, p calendar.Period) ([]DailyTotal, error) {
	rows, err := tx.Query(ctx, `
		select day, currency, collected, cumulative, head_seq, head_hash, statement, received_at
		  from daily_total
		 where operator_id = $1 and day >= $2 and day < $3
		 order by day, currency`, operator, p.From, p.To)
	if err != nil {
		return nil, fmt.Errorf("list totals of %s: %w", operator, err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (t DailyTotal, err error) {
		var currency money.Currency
		var collected, cumulative money.Decimal
		err = row.Scan(&t.Day, &currency, &collected, &cumulative, &t.HeadSeq, &t.HeadHash, &t.Statement, &t.ReceivedAt)
		t.Operator, t.Collected, t.Cumulative, t.ReceivedAt = operator, money.New(collected, currency), money.New(cumulative, currency), t.ReceivedAt.UTC()
		return t, err
	})
}

// TotalsOfMonth are the days of a month, and those of which nothing came.
type TotalsOfMonth struct {
	Month   calendar.Period
	Totals  []DailyTotal
	Missing []calendar.Date
}

// ReadMonth reads what an operator's stack signed of a month. Days are missing
// up to the newest that came, and up to yesterday in the operator's zone where
// it is no sandbox, whose clock we don't know.
func ReadMonth(ctx context.Context, tx tenants.Tx, operator tenants.Operator, month calendar.Period) (TotalsOfMonth, error) {
	m := TotalsOfMonth{Month: month}
	var err error
	if m.Totals, err = Totals(ctx, tx, operator.ID, month); err != nil {
		return m, err
	}
	var newest *calendar.Date
	if err := tx.QueryRow(ctx, `select max(day) from daily_total where operator_id = $1`, operator.ID).Scan(&newest); err != nil {
		return m, fmt.Errorf("read newest total of %s: %w", operator.ID, err)
	}
	var over calendar.Date // days before it are over
	if newest != nil {
		over = newest.AddDays(1)
	}
	if zone, err := time.LoadLocation(operator.Settings.Zone); err == nil && !operator.Sandbox {
		if today := calendar.DateOf(tx.At, zone); over.IsZero() || today.After(over) {
			over = today
		}
	}
	there := map[calendar.Date]bool{}
	for _, t := range m.Totals {
		there[t.Day] = true
	}
	for d := month.From; d.Before(month.To) && !over.IsZero() && d.Before(over); d = d.AddDays(1) {
		if !there[d] {
			m.Missing = append(m.Missing, d)
		}
	}
	return m, nil
}
