package alert

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/policy"
	"tollhouse/billing/tenant"
)

// Measure is what a rule looks at.
type Measure string

// The measures.
const (
	Balance   Measure = "balance"   // an account's main balance falls below Value
	Allowance Measure = "allowance" // Value per cent of an allowance are used
	Spend     Measure = "spend"     // what a subscription's use costs in a cycle reaches Value
)

// Action is what happens at a threshold.
type Action string

// The actions. All of them tell the subscriber.
const (
	Notify Action = "notify"
	Slow   Action = "slow"  // until confirmed, or the cycle ends
	Cut    Action = "cut"   // the same
	Offer  Action = "offer" // an offering, to be had with one tap
)

// Rule is one threshold.
type Rule struct {
	Code       string        `json:"code"`
	Measure    Measure       `json:"measure"`
	Value      money.Decimal `json:"value"`              // money, or per cent of an allowance
	Currency   string        `json:"currency,omitempty"` // of money
	Offerings  []string      `json:"offerings,omitempty"`
	Allowances []string      `json:"allowances,omitempty"` // their codes; none: all
	Lines      []string      `json:"lines,omitempty"`      // codes of usage prices that count as spent; none: all
	Action     Action        `json:"action"`
	Offer      string        `json:"offer,omitempty"` // code of an offering
}

// MaxRules bounds what charging compares each value with.
const MaxRules = 50

var codes = regexp.MustCompile(`^[a-z][a-z0-9-]{1,39}$`)

// check names the field that is wrong: rules.2.value.
func (r *Rule) check(n int) error {
	fault := func(field, want string) error {
		return &account.FieldError{Field: "rules." + strconv.Itoa(n) + "." + field, Want: want}
	}
	switch {
	case !codes.MatchString(r.Code):
		return fault("code", "2 to 40 small letters, digits and dashes, beginning with a letter")
	case r.Measure != Balance && r.Measure != Allowance && r.Measure != Spend:
		return fault("measure", "balance, allowance or spend")
	case r.Action != Notify && r.Action != Slow && r.Action != Cut && r.Action != Offer:
		return fault("action", "notify, slow, cut or offer")
	case (r.Action == Offer) != (r.Offer != ""):
		return fault("offer", "the code of an offering, with the action offer only")
	case r.Measure == Allowance && (r.Value.Sign() <= 0 || r.Value.Cmp(money.NewDecimal(100)) > 0):
		return fault("value", "per cent above 0 and up to 100")
	case r.Measure == Allowance && r.Currency != "":
		return fault("currency", "none, where per cent are meant")
	case len(r.Lines) > 0 && r.Measure != Spend:
		return fault("lines", "none, unless money spent is measured")
	case len(r.Allowances) > 0 && r.Measure != Allowance:
		return fault("allowances", "none, unless allowances are measured")
	}
	if r.Measure == Allowance {
		return nil
	}
	if _, err := money.ParseCurrency(r.Currency); err != nil {
		return fault("currency", "a currency such as EUR")
	}
	if r.Value.Sign() < 0 || r.Measure == Spend && r.Value.IsZero() || !r.Value.Round(money.Scale, money.Down).Equal(r.Value) {
		return fault("value", "an amount above zero")
	}
	return nil
}

// Policy is all of an operator's rules.
type Policy struct {
	Rules []Rule `json:"rules"`
}

// Check refuses what cannot be a rule, or stands twice.
func (p Policy) Check() error {
	if len(p.Rules) > MaxRules {
		return &account.FieldError{Field: "rules", Want: fmt.Sprintf("at most %d rules", MaxRules)}
	}
	seen := map[string]bool{}
	for i := range p.Rules {
		if err := p.Rules[i].check(i); err != nil {
			return err
		}
		if seen[p.Rules[i].Code] {
			return &account.FieldError{Field: "rules." + strconv.Itoa(i) + ".code", Want: "a code that no other rule has"}
		}
		seen[p.Rules[i].Code] = true
	}
	return nil
}

// Put stores the rules.
func Put(ctx context.Context, tx tenant.Tx, p Policy, by string) error {
	if err := p.Check(); err != nil {
		return err
	}
	return policy.Save(ctx, tx, policy.Alert, p, by)
}

// Get reads the rules; none if there are none.
func Get(ctx context.Context, tx tenant.Tx) (p Policy, err error) {
	_, err = policy.Load(ctx, tx, policy.Alert, &p)
	return p, err
}

// Rules are an operator's rules, ready to be compared with. They may be kept as
// long as the catalog's epoch stays.
type Rules struct {
	rules    []Rule
	versions map[string]map[uuid.UUID]bool // of the offerings that rules name
	spends   bool
}

// Load reads the rules with the versions of offerings that they are for.
func Load(ctx context.Context, tx tenant.Tx) (*Rules, error) {
	p, err := Get(ctx, tx)
	if err != nil {
		return nil, err
	}
	r := &Rules{rules: p.Rules, versions: map[string]map[uuid.UUID]bool{}}
	var named []string
	for i := range p.Rules {
		named = append(named, p.Rules[i].Offerings...)
		r.spends = r.spends || p.Rules[i].Measure == Spend
	}
	if len(named) == 0 {
		return r, nil
	}
	rows, err := tx.Query(ctx, `select code, id from offering_version where code = any ($1)`, named)
	if err != nil {
		return nil, fmt.Errorf("read offerings of alerts: %w", err)
	}
	var code string
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&code, &id}, func() error {
		if r.versions[code] == nil {
			r.versions[code] = map[uuid.UUID]bool{}
		}
		r.versions[code][id] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read offerings of alerts: %w", err)
	}
	return r, nil
}

// None says whether there is nothing to watch.
func (r *Rules) None() bool { return r == nil || len(r.rules) == 0 }

// concerns says whether a rule is for one of some versions of offerings.
func (r *Rules) concerns(rule *Rule, offerings []uuid.UUID) bool {
	if len(rule.Offerings) == 0 {
		return true
	}
	return slices.ContainsFunc(rule.Offerings, func(code string) bool {
		return slices.ContainsFunc(offerings, func(id uuid.UUID) bool { return r.versions[code][id] })
	})
}
