package transfer

import (
	"context"
	"errors"
	"fmt"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/policy"
	"tollhouse/billing/tenant"
)

// Policy is what an operator allows. Amounts are in its currency; counts and
// amounts of zero mean no limit.
type Policy struct {
	Enabled       bool           `json:"enabled"`
	Currency      money.Currency `json:"currency"`
	Minimum       money.Decimal  `json:"minimum"`
	Maximum       money.Decimal  `json:"maximum"` // of one transfer
	DayCount      int            `json:"day_count"`
	DayAmount     money.Decimal  `json:"day_amount"`
	MonthCount    int            `json:"month_count"`
	MonthAmount   money.Decimal  `json:"month_amount"`
	Fee           money.Decimal  `json:"fee"`           // which the giver pays on top
	KeepAtLeast   money.Decimal  `json:"keep_at_least"` // what has to stay with the giver
	SubscribersDo bool           `json:"subscribers"`   // may do it by themselves
}

// Errors of this package.
var (
	// ErrOff means that the operator allows no transfers.
	ErrOff = errors.New("transfers between subscribers are not offered")
	// ErrReceiver means that the number belongs to nobody who can be given
	// money. Which of it is not told: it would tell strangers who is a customer.
	ErrReceiver = errors.New("nobody can be given money under this number")
	// ErrSelf means that giver and receiver are one.
	ErrSelf = errors.New("a transfer goes to somebody else")
	// ErrAmount means an amount below the least, above the most, or too fine.
	ErrAmount = errors.New("this amount cannot be transferred")
	// ErrLimit means that the day's or month's limit is used up.
	ErrLimit = errors.New("the limit of transfers is reached")
)

// LimitError says which limit it is. It wraps ErrLimit or ErrAmount.
type LimitError struct {
	Kind  error
	Which string       // minimum, maximum, day_count, day_amount, month_count, month_amount
	Most  money.Amount // of amounts: what may still be given, or the bound
	Count int          // of counts
}

func (e *LimitError) Error() string {
	if e.Count > 0 {
		return fmt.Sprintf("%v: %s is %d", e.Kind, e.Which, e.Count)
	}
	return fmt.Sprintf("%v: %s, %s", e.Kind, e.Which, e.Most)
}

func (e *LimitError) Unwrap() error { return e.Kind }

// Check names the field that is wrong.
func (p Policy) Check() error {
	amounts := map[string]money.Decimal{"minimum": p.Minimum, "maximum": p.Maximum, "day_amount": p.DayAmount, "month_amount": p.MonthAmount,
		"fee": p.Fee, "keep_at_least": p.KeepAtLeast}
	for _, field := range []string{"minimum", "maximum", "day_amount", "month_amount", "fee", "keep_at_least"} {
		if a := amounts[field]; a.Sign() < 0 || !money.New(a, p.Currency).RoundToDocument().Decimal().Equal(a) {
			return &account.FieldError{Field: field, Want: "an amount in " + p.Currency.Code() + ", or zero"}
		}
	}
	switch {
	case p.Enabled && p.Minimum.IsZero():
		return &account.FieldError{Field: "minimum", Want: "an amount above zero"}
	case !p.Maximum.IsZero() && p.Maximum.Cmp(p.Minimum) < 0:
		return &account.FieldError{Field: "maximum", Want: "an amount that is not below the least"}
	case p.DayCount < 0:
		return &account.FieldError{Field: "day_count", Want: "a number, or zero for no limit"}
	case p.MonthCount < 0:
		return &account.FieldError{Field: "month_count", Want: "a number, or zero for no limit"}
	}
	return nil
}

// Put stores what is allowed.
func Put(ctx context.Context, tx tenant.Tx, p Policy, by string) error {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	p.Currency = profile.Currency
	if err := p.Check(); err != nil {
		return err
	}
	return policy.Save(ctx, tx, policy.Transfer, p, by)
}

// Get reads what is allowed: nothing, until the operator says so.
func Get(ctx context.Context, tx tenant.Tx) (p Policy, err error) {
	found, err := policy.Load(ctx, tx, policy.Transfer, &p)
	if err != nil || found {
		return p, err
	}
	profile, err := account.GetProfile(ctx, tx)
	p.Currency = profile.Currency
	return p, err
}
