package bill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Commitment is what an account undertakes to spend a cycle, as the operator
// writes prices. What is missing is a line of the cycle's bill. A part of a
// cycle asks for its part, by days.
type Commitment struct {
	ID        uuid.UUID
	AccountID uuid.UUID
	Amount    money.Amount
	From      calendar.Date
	To        calendar.Date // zero: until it is ended
	By        string
	CreatedAt time.Time
}

// ErrCommitted means that an account has a commitment for these days already.
var ErrCommitted = errors.New("the account has a commitment for these days already")

// Commit lets an account undertake a minimum. ErrCommitted where another holds
// on one of its days. A repeat under an id changes nothing.
func Commit(ctx context.Context, tx tenant.Tx, c Commitment) (Commitment, error) {
	a, err := account.Lock(ctx, tx, c.AccountID)
	if err != nil {
		return Commitment{}, err
	}
	wrong := func(field, want string) error { return &account.FieldError{Field: field, Want: want} }
	switch {
	case a.Kind == account.Prepaid:
		return Commitment{}, ErrPrepaidItem
	case c.Amount.Currency() != a.Currency:
		return Commitment{}, money.ErrCurrencyMismatch
	case c.Amount.Sign() <= 0 || !c.Amount.RoundToDocument().Decimal().Equal(c.Amount.Decimal()):
		return Commitment{}, wrong("amount", "an amount above zero, no finer than bills are")
	case c.From.Before(a.Cycle.From):
		return Commitment{}, wrong("from", "a day of the open cycle or later: "+a.Cycle.From.String())
	case !c.To.IsZero() && !c.To.After(c.From):
		return Commitment{}, wrong("to", "a day after the first")
	}
	known, err := CommitmentsOf(ctx, tx, a.ID)
	if err != nil {
		return Commitment{}, err
	}
	for _, k := range known {
		switch {
		case k.ID == c.ID && c.ID != uuid.Nil:
			return k, nil
		case (k.To.IsZero() || c.From.Before(k.To)) && (c.To.IsZero() || k.From.Before(c.To)):
			return Commitment{}, fmt.Errorf("from %s: %w", k.From, ErrCommitted)
		}
	}
	if c.ID == uuid.Nil {
		c.ID = uuid.Must(uuid.NewV7())
	}
	c.CreatedAt = tx.At
	_, err = tx.Exec(ctx, `insert into commitment (id, account_id, currency, amount, valid_from, valid_to, created_by, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`, c.ID, a.ID, a.Currency, c.Amount.Decimal(), c.From, c.To, c.By, tx.At)
	if err != nil {
		return Commitment{}, fmt.Errorf("keep commitment: %w", err)
	}
	return c, nil
}

// EndCommitment ends a commitment before a day; one that has not begun by then
// never holds.
func EndCommitment(ctx context.Context, tx tenant.Tx, accountID, id uuid.UUID, before calendar.Date) error {
	a, err := account.Lock(ctx, tx, accountID)
	if err != nil {
		return err
	}
	if before.Before(a.Cycle.From) {
		return &account.FieldError{Field: "to", Want: "a day of the open cycle or later: " + a.Cycle.From.String()}
	}
	done, err := tx.Exec(ctx, `update commitment set valid_to = greatest($3, valid_from + 1) where id = $1 and account_id = $2 and (valid_to is null or valid_to > $3)`,
		id, accountID, before)
	if err != nil {
		return fmt.Errorf("end commitment: %w", err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("commitment %s: %w", id, ErrNotFound)
	}
	return nil
}

const commitmentColumns = `id, account_id, currency, amount, valid_from, valid_to, created_by, created_at`

func scanCommitment(row pgx.CollectableRow) (c Commitment, err error) {
	var currency money.Currency
	var amount money.Decimal
	var to *calendar.Date
	err = row.Scan(&c.ID, &c.AccountID, &currency, &amount, &c.From, &to, &c.By, &c.CreatedAt)
	c.Amount, c.CreatedAt = money.New(amount, currency), c.CreatedAt.UTC()
	if to != nil {
		c.To = *to
	}
	return c, err
}

// CommitmentsOf lists an account's commitments, the latest first.
func CommitmentsOf(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]Commitment, error) {
	return commitments(ctx, tx, `select `+commitmentColumns+` from commitment where account_id = $1 order by valid_from desc, id desc limit 200`, accountID)
}

func commitments(ctx context.Context, tx tenant.Tx, query string, args ...any) ([]Commitment, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read commitments: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanCommitment)
	if err != nil {
		return nil, fmt.Errorf("read commitments: %w", err)
	}
	return list, nil
}

// loadCommitments gives cycles what their accounts undertook (commitment_account).
func loadCommitments(ctx context.Context, tx tenant.Tx, ids []uuid.UUID, byID map[uuid.UUID]*openCycle) error {
	list, err := commitments(ctx, tx, `select `+commitmentColumns+` from commitment where account_id = any ($1) order by account_id, valid_from`, ids)
	if err != nil {
		return err
	}
	for _, c := range list {
		byID[c.AccountID].commitments = append(byID[c.AccountID].commitments, c)
	}
	return nil
}

var commitmentNames = map[string]string{
	"en": "Minimum commitment: what is missing",
	"id": "Komitmen minimum: kekurangan",
	"ru": "Минимальное обязательство: недостающая часть",
}

// addCommitments charges what is missing of the minimum that each offering
// asks for, then of what the account undertook. Recurring fees and use of the
// bill count, with their discounts; one-time fees and corrections do not.
func (f *frame) addCommitments(c *closing) error {
	if c.Kind != account.Postpaid {
		return nil
	}
	for _, s := range c.subscriptions {
		o, known := f.offerings[s.Offering]
		if !known || o.Commitment == nil || !s.PaysFees {
			continue
		}
		there := calendar.Period{From: calendar.DateOf(s.ActivatedAt, f.profile.Zone)}
		if s.TerminatedAt != nil {
			there.To = calendar.DateOf(*s.TerminatedAt, f.profile.Zone)
		}
		name := cmp.Or(o.Commitment.Names.In(c.Language), commitmentNames[c.Language], commitmentNames["en"])
		if err := f.addMissing(c, s.ID, o.Commitment.Amount, there, name, category("", o)); err != nil {
			return err
		}
	}
	for _, m := range c.commitments {
		name := cmp.Or(commitmentNames[c.Language], commitmentNames["en"])
		if err := f.addMissing(c, uuid.Nil, m.Amount.Decimal(), calendar.Period{From: m.From, To: m.To}, name, standardCategory); err != nil {
			return err
		}
	}
	return nil
}

// addMissing adds the line of one commitment, if something is missing. A
// subscription's counts what it pays itself, the account's all lines.
func (f *frame) addMissing(c *closing, subscription uuid.UUID, amount money.Decimal, there calendar.Period, name, category string) error {
	period := within(c.Cycle, there)
	if !period.From.Before(period.To) {
		return nil
	}
	digits := c.Currency.DocumentDigits()
	due, err := amount.MulDiv(money.NewDecimal(int64(period.From.DaysUntil(period.To))), money.NewDecimal(int64(c.Cycle.From.DaysUntil(c.Cycle.To))),
		digits, money.HalfAwayFromZero)
	if err != nil {
		return err
	}
	for _, e := range c.entries {
		switch e.Kind {
		case Recurring, Usage, Discount:
			if subscription == uuid.Nil || e.Subscription == subscription {
				due = due.Sub(e.Price.Decimal())
			}
		}
	}
	if due = due.Round(digits, money.HalfAwayFromZero); due.Sign() <= 0 {
		return nil
	}
	c.add(feeEarned, Line{Kind: Recurring, Code: catalog.CommitmentCode, Description: name, Subscription: subscription, Period: period,
		Quantity: money.NewDecimal(1), Unit: UnitFee, Category: category, Price: money.New(due, c.Currency)})
	return nil
}

// within is what of a cycle a span covers; a zero To is no end.
func within(cycle, there calendar.Period) calendar.Period {
	if there.From.After(cycle.From) {
		cycle.From = there.From
	}
	if !there.To.IsZero() && there.To.Before(cycle.To) {
		cycle.To = there.To
	}
	return cycle
}
