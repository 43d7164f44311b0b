package points

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/policy"
	"tollhouse/billing/tenant"
)

// Source is what earns points.
type Source string

// The sources.
const (
	Use      Source = "usage"   // what use has cost, with tax
	TopUp    Source = "topup"   // money that a balance is topped up with
	BillPaid Source = "payment" // money that a bill is paid with
)

// Earning is one rule: Points for each full PerAmount.
type Earning struct {
	Source    Source        `json:"source"`
	Points    int64         `json:"points"`
	PerAmount money.Decimal `json:"per_amount"`
	Currency  string        `json:"currency"`
	Cap       int64         `json:"cap,omitempty"` // of a cycle by use, of one payment else; 0: none
}

// Reward is what points buy: money or units into a bucket that ends, or an
// option.
type Reward struct {
	Code   string            `json:"code"`
	Names  map[string]string `json:"names"`
	Points int64             `json:"points"`
	Amount money.Decimal     `json:"amount,omitzero"`
	Unit   money.Unit        `json:"unit,omitempty"`
	Days   int               `json:"days,omitempty"`   // how long the bucket lasts
	Option string            `json:"option,omitempty"` // code of an offering, in place of a bucket
}

// Name is what a reward is called in a language.
func (r Reward) Name(language string) string {
	if name := r.Names[language]; name != "" {
		return name
	}
	if name := r.Names["en"]; name != "" {
		return name
	}
	return r.Code
}

// Policy is an operator's programme.
type Policy struct {
	Earnings []Earning `json:"earnings"`
	Rewards  []Reward  `json:"rewards"`
	Months   int       `json:"months"` // after the month in which they were earned, points expire
}

// Errors of this package.
var (
	// ErrNoReward means that the programme has no such reward.
	ErrNoReward = errors.New("there is no such reward")
	// ErrTooFew means that the account has not points enough.
	ErrTooFew = errors.New("not enough points")
)

// Bounds of a programme.
const (
	maxRules  = 20
	maxMonths = 120
	maxDays   = 3650
	maxPoints = 1_000_000_000
)

var codes = regexp.MustCompile(`^[a-z][a-z0-9-]{1,39}$`)

// Check names the first field that is wrong.
func (p Policy) Check() error {
	fault := func(field, want string) error { return &account.FieldError{Field: field, Want: want} }
	switch {
	case len(p.Earnings) > maxRules:
		return fault("earnings", fmt.Sprintf("at most %d", maxRules))
	case len(p.Rewards) > maxRules:
		return fault("rewards", fmt.Sprintf("at most %d", maxRules))
	case p.Months < 1 || p.Months > maxMonths:
		return fault("months", fmt.Sprintf("a number from 1 to %d", maxMonths))
	}
	sources := map[Source]bool{}
	for i, e := range p.Earnings {
		at := "earnings." + strconv.Itoa(i) + "."
		_, err := money.ParseCurrency(e.Currency)
		switch {
		case e.Source != Use && e.Source != TopUp && e.Source != BillPaid:
			return fault(at+"source", "usage, topup or payment")
		case sources[e.Source]:
			return fault(at+"source", "a source that no other rule has")
		case e.Points < 1 || e.Points > maxPoints:
			return fault(at+"points", "a whole number above zero")
		case e.PerAmount.Sign() <= 0:
			return fault(at+"per_amount", "an amount above zero")
		case err != nil:
			return fault(at+"currency", "a currency such as EUR")
		case e.Cap < 0 || e.Cap > maxPoints:
			return fault(at+"cap", "a whole number, or none")
		}
		sources[e.Source] = true
	}
	return p.checkRewards(fault)
}

func (p Policy) checkRewards(fault func(field, want string) error) error {
	seen := map[string]bool{}
	for i, r := range p.Rewards {
		at := "rewards." + strconv.Itoa(i) + "."
		switch {
		case !codes.MatchString(r.Code):
			return fault(at+"code", "2 to 40 small letters, digits and dashes, beginning with a letter")
		case seen[r.Code]:
			return fault(at+"code", "a code that no other reward has")
		case r.Names["en"] == "":
			return fault(at+"names", "a name in English at least")
		case r.Points < 1 || r.Points > maxPoints:
			return fault(at+"points", "a whole number above zero")
		case r.Option != "" && (r.Unit != "" || !r.Amount.IsZero() || r.Days != 0):
			return fault(at+"option", "no amount beside it")
		case r.Option == "" && (!r.Unit.Valid() || r.Unit == money.Point):
			return fault(at+"unit", "a currency, second, byte or event")
		case r.Option == "" && (r.Amount.Sign() <= 0 || !r.Amount.Round(money.Scale, money.Down).Equal(r.Amount)):
			return fault(at+"amount", "an amount above zero")
		case r.Option == "" && (r.Days < 1 || r.Days > maxDays):
			return fault(at+"days", fmt.Sprintf("a number of days from 1 to %d", maxDays))
		}
		seen[r.Code] = true
	}
	return nil
}

// Put stores a programme.
func Put(ctx context.Context, tx tenant.Tx, p Policy, by string) error {
	if err := p.Check(); err != nil {
		return err
	}
	return policy.Save(ctx, tx, policy.Points, p, by)
}

// Get reads the programme; an empty one where the operator has none.
func Get(ctx context.Context, tx tenant.Tx) (p Policy, err error) {
	_, err = policy.Load(ctx, tx, policy.Points, &p)
	return p, err
}

// earning finds the rule of a source.
func (p Policy) earning(source Source) (Earning, bool) {
	for _, e := range p.Earnings {
		if e.Source == source {
			return e, true
		}
	}
	return Earning{}, false
}

// ByUse says whether use earns points, so that charging has it reckoned.
func (p Policy) ByUse() bool {
	_, is := p.earning(Use)
	return is
}

// of is what an amount earns: whole points, within the cap.
func (e Earning) of(amount money.Decimal) (money.Decimal, error) {
	if amount.Sign() <= 0 {
		return money.Decimal{}, nil
	}
	times, err := amount.Div(e.PerAmount, 0, money.Floor)
	if err != nil {
		return money.Decimal{}, fmt.Errorf("reckon points: %w", err)
	}
	earned := times.Mul(money.NewDecimal(e.Points))
	if most := money.NewDecimal(e.Cap); e.Cap > 0 && earned.Cmp(most) > 0 {
		earned = most
	}
	return earned, nil
}
