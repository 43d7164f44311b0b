package recharge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// State says whether an order is carried out.
type State string

// The states of an order.
const (
	Active  State = "active"
	Stopped State = "stopped" // by refusals
	Off     State = "off"     // by its owner
)

// moves is the one table of what may follow what.
var moves = map[State][]State{
	Active:  {Stopped, Off},
	Stopped: {Active, Off},
	Off:     {Active},
}

func (s State) may(to State) bool { return s == to && s != Stopped || slices.Contains(moves[s], to) }

// Order is how an account tops itself up.
type Order struct {
	AccountID uuid.UUID
	MethodID  uuid.UUID
	Amount    money.Amount
	Below     *money.Decimal // nil: not by value
	MonthDay  *int           // nil: not by date; the 31st is a month's last day where it has none
	DayLimit  money.Decimal
	State     State
	IntentID  *uuid.UUID // under way
	Failures  int
	Failure   string // why the last attempt was refused
	By        string
	ChangedAt time.Time
}

// Errors of this package.
var (
	// ErrNone means that the account has no such order.
	ErrNone = errors.New("the account does not top itself up")
	// ErrPostpaid means that the account has no balance of its own.
	ErrPostpaid = errors.New("only a prepaid balance can be topped up")
)

func (o *Order) check(a account.Account) error {
	whole := func(d money.Decimal) bool { return money.New(d, a.Currency).RoundToDocument().Decimal().Equal(d) }
	fault := func(field, want string) error { return &account.FieldError{Field: field, Want: want} }
	switch {
	case a.Kind != account.Prepaid:
		return ErrPostpaid
	case o.Amount.Currency() != a.Currency || o.Amount.Sign() <= 0 || !whole(o.Amount.Decimal()) || o.Amount.Decimal().Cmp(payment.Ceiling(a.Currency).Decimal()) > 0:
		return fault("amount", "an amount above zero in "+a.Currency.Code()+", at most "+payment.Ceiling(a.Currency).String())
	case o.Below == nil && o.MonthDay == nil:
		return fault("below", "a value of the balance, or a day of the month")
	case o.Below != nil && (o.Below.Sign() < 0 || !whole(*o.Below)):
		return fault("below", "an amount in "+a.Currency.Code()+", or zero")
	case o.MonthDay != nil && (*o.MonthDay < 1 || *o.MonthDay > 31):
		return fault("month_day", "a day from 1 to 31")
	case o.DayLimit.Cmp(o.Amount.Decimal()) < 0 || !whole(o.DayLimit):
		return fault("day_limit", "an amount that is not below that of one top-up")
	}
	return nil
}

const upsert = `
	insert into auto_topup (account_id, method_id, amount, currency, below, month_day, day_limit, state, changed_by, changed_at)
	values ($1, $2, $3, $4, $5, $6, $7, 'active', $8, $9)
	on conflict (account_id) do update
	set method_id = excluded.method_id, amount = excluded.amount, currency = excluded.currency, below = excluded.below, month_day = excluded.month_day,
	    day_limit = excluded.day_limit, state = 'active', failures = 0, failure = '', changed_by = excluded.changed_by, changed_at = excluded.changed_at`

// Set makes or changes an account's order and starts it. The card is the one
// that is named, or the newest. A balance that is below the value already is
// topped up at once.
func Set(ctx context.Context, tx tenant.Tx, o Order) (Order, error) {
	a, err := account.Lock(ctx, tx, o.AccountID)
	if err != nil {
		return Order{}, err
	}
	if err := o.check(a); err != nil {
		return Order{}, err
	}
	method, err := o.card(ctx, tx)
	if err != nil {
		return Order{}, err
	}
	o.MethodID = method.ID
	_, err = tx.Exec(ctx, upsert, o.AccountID, o.MethodID, o.Amount.Decimal(), o.Amount.Currency(), o.Below, o.MonthDay, o.DayLimit, o.By, tx.At)
	if err != nil {
		return Order{}, fmt.Errorf("set automatic top-up: %w", err)
	}
	bucket, err := balance.SetAlert(ctx, tx, o.AccountID, o.Below)
	if err != nil {
		return Order{}, err
	}
	if o.Below != nil && bucket.Value.Cmp(*o.Below) < 0 {
		if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.AutoTopUp, Ref: o.AccountID, DueAt: tx.At}); err != nil {
			return Order{}, err
		}
	}
	if err := o.schedule(ctx, tx); err != nil {
		return Order{}, err
	}
	return Get(ctx, tx, o.AccountID)
}

func (o *Order) card(ctx context.Context, tx tenant.Tx) (payment.StoredMethod, error) {
	if o.MethodID == uuid.Nil {
		return payment.Chargeable(ctx, tx, o.AccountID)
	}
	m, err := payment.GetMethod(ctx, tx, o.MethodID)
	if err == nil && (m.AccountID != o.AccountID || m.State != payment.StoredActive || m.Kind != payment.StoredCard || m.CustomerID == "") {
		err = payment.ErrNoMethod
	}
	return m, err
}

// onDay is the detail of an agenda item that fell due by its date.
type onDay struct {
	Day int `json:"day"`
}

// schedule puts the next day of the month on the agenda.
func (o *Order) schedule(ctx context.Context, tx tenant.Tx) error {
	if o.MonthDay == nil {
		return nil
	}
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return err
	}
	next := nextDay(*o.MonthDay, calendar.DateOf(tx.At, zone))
	return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.AutoTopUp, Ref: o.AccountID, DueAt: next.Start(zone).Add(morning).UTC(), Detail: onDay{*o.MonthDay}})
}

// morning is when cards are charged on a day: people are awake if it fails.
const morning = 8 * time.Hour

// nextDay is the first day after today that is the n-th of its month, or its
// last where it has no n-th.
func nextDay(n int, today calendar.Date) calendar.Date {
	first := today
	first.Day = 1
	for {
		day := first.AddDays(n - 1)
		if last := first.AddMonths(1).AddDays(-1); day.After(last) {
			day = last
		}
		if day.After(today) {
			return day
		}
		first = first.AddMonths(1)
	}
}

const columns = `account_id, method_id, amount, currency, below, month_day, day_limit, state, intent_id, failures, failure, changed_by, changed_at`

func scan(row pgx.CollectableRow) (Order, error) {
	var o Order
	var amount money.Decimal
	var currency money.Currency
	err := row.Scan(&o.AccountID, &o.MethodID, &amount, &currency, &o.Below, &o.MonthDay, &o.DayLimit, &o.State, &o.IntentID, &o.Failures, &o.Failure, &o.By, &o.ChangedAt)
	o.Amount, o.ChangedAt = money.New(amount, currency), o.ChangedAt.UTC()
	return o, err
}

// Get reads an account's order; ErrNone if it has none.
func Get(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (Order, error) {
	return one(ctx, tx, `select `+columns+` from auto_topup where account_id = $1`, accountID)
}

func lock(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (Order, error) {
	if _, err := account.Lock(ctx, tx, accountID); err != nil {
		return Order{}, err
	}
	return one(ctx, tx, `select `+columns+` from auto_topup where account_id = $1 for update`, accountID)
}

func one(ctx context.Context, tx tenant.Tx, query string, accountID uuid.UUID) (Order, error) {
	rows, err := tx.Query(ctx, query, accountID)
	if err != nil {
		return Order{}, fmt.Errorf("read automatic top-up: %w", err)
	}
	o, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return Order{}, ErrNone
	}
	if err != nil {
		return Order{}, fmt.Errorf("read automatic top-up: %w", err)
	}
	return o, nil
}

// TurnOff ends an account's order. An attempt under way is finished.
func TurnOff(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, by string) (Order, error) {
	o, err := lock(ctx, tx, accountID)
	if err != nil {
		return Order{}, err
	}
	if !o.State.may(Off) {
		return o, nil
	}
	o.State, o.By = Off, by
	if _, err := balance.SetAlert(ctx, tx, accountID, nil); err != nil {
		return Order{}, err
	}
	return o, o.save(ctx, tx)
}

// save keeps what may change of a locked order.
func (o *Order) save(ctx context.Context, tx tenant.Tx) error {
	tag, err := tx.Exec(ctx, `
		update auto_topup set state = $2, intent_id = $3, failures = $4, failure = $5, changed_by = $6, changed_at = $7 where account_id = $1`,
		o.AccountID, string(o.State), o.IntentID, o.Failures, o.Failure, o.By, tx.At)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("save automatic top-up of account %s: %w", o.AccountID, err)
	}
	return nil
}
