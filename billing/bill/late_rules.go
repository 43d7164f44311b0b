package bill

import (
	"context"
	"fmt"
	"math/big"
	"regexp"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/policy"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// LateKind says how late payment is charged.
type LateKind string

// The kinds of rule.
const (
	LateFixed    LateKind = "fixed"    // an amount, once
	LatePercent  LateKind = "percent"  // per cent of what is open, once
	LateInterest LateKind = "interest" // per cent a year, every month and when it is paid
)

// DayCount is how days become a part of a year.
type DayCount string

// The conventions.
const (
	Act365 DayCount = "act/365"
	Act360 DayCount = "act/360"
)

func (d DayCount) days() int64 {
	if d == Act360 {
		return 360
	}
	return 365
}

// LateRules are what an operator has laid down about late payment.
type LateRules struct {
	Rules     []LateRule `json:"rules"`
	BaseRates []BaseRate `json:"base_rates"`
}

// BaseRate is the rate that the law names, from a day on.
type BaseRate struct {
	From    calendar.Date `json:"from"`
	Percent money.Decimal `json:"percent"`
}

// LateRule is one step: what an item that is late by so many days costs.
type LateRule struct {
	Code      string            `json:"code"`
	Names     map[string]string `json:"names"`             // of the line
	Segment   account.PartyKind `json:"segment,omitempty"` // empty: everybody
	GraceDays int               `json:"grace_days"`        // after the due date
	Kind      LateKind          `json:"kind"`
	Amount    money.Decimal     `json:"amount,omitzero"`  // of a fixed fee, as prices are written
	Percent   money.Decimal     `json:"percent,omitzero"` // of interest: a year, or points above the base rate
	OverBase  bool              `json:"over_base,omitempty"`
	DayCount  DayCount          `json:"day_count,omitempty"`
	Minimum   *money.Decimal    `json:"minimum,omitempty"`
	Cap       *money.Decimal    `json:"cap,omitempty"`
	Category  string            `json:"category"` // of tax
}

var lateCode = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

// maxLateRules bounds the steps of an operator.
const maxLateRules = 20

// GetLateRules reads the operator's rules; none where nothing is laid down.
func GetLateRules(ctx context.Context, tx tenant.Tx) (LateRules, error) {
	var rules LateRules
	_, err := policy.Load(ctx, tx, policy.LateFee, &rules)
	return rules, err
}

// PutLateRules replaces the operator's rules. They are looked at from the next
// local day on; what was late before by more days than a rule waits for stays
// as it is.
func PutLateRules(ctx context.Context, tx tenant.Tx, rules LateRules, by string) error {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	rates, err := tax.Load(ctx, tx)
	if err != nil {
		return err
	}
	if len(rules.Rules) > maxLateRules {
		return &account.FieldError{Field: "rules", Want: fmt.Sprintf("at most %d rules", maxLateRules)}
	}
	today, codes := profile.LocalDate(tx.At), map[string]bool{}
	for i, r := range rules.Rules {
		wrong := func(field, want string) error {
			return &account.FieldError{Field: fmt.Sprintf("rules[%d].%s", i, field), Want: want}
		}
		if err := r.check(profile.Currency, wrong); err != nil {
			return err
		}
		if codes[r.Code] {
			return wrong("code", "a code that no other rule has")
		}
		codes[r.Code] = true
		if _, err := rates.At(r.Category, today); err != nil {
			return wrong("category", "a tax category that has a rate today, such as standard or zero")
		}
		if r.OverBase && len(rules.BaseRates) == 0 {
			return wrong("over_base", "base rates to go by")
		}
	}
	slices.SortFunc(rules.BaseRates, func(a, b BaseRate) int { return a.From.Compare(b.From) })
	for i, b := range rules.BaseRates {
		if b.From.IsZero() || b.Percent.Abs().Cmp(money.NewDecimal(100)) > 0 || b.Percent.Digits() > 6 || i > 0 && rules.BaseRates[i-1].From == b.From {
			return &account.FieldError{Field: fmt.Sprintf("base_rates[%d]", i), Want: "a day that no other rate has, and per cent between -100 and 100"}
		}
	}
	if err := policy.Save(ctx, tx, policy.LateFee, rules, by); err != nil {
		return err
	}
	if len(rules.Rules) == 0 {
		return nil
	}
	return scheduleLate(ctx, tx, profile, today.AddDays(1))
}

func (r LateRule) check(currency money.Currency, wrong func(field, want string) error) error {
	digits := currency.DocumentDigits()
	hundred := money.NewDecimal(100)
	switch {
	case !lateCode.MatchString(r.Code):
		return wrong("code", "1 to 40 lower-case letters, digits, dashes and underscores, a letter first")
	case r.Names["en"] == "" || slices.ContainsFunc([]string{r.Names["en"], r.Names["id"], r.Names["ru"]}, func(s string) bool { return len(s) > 150 }):
		return wrong("names", "a name in English, and in other languages if wanted, of at most 150 characters")
	case r.Segment != "" && r.Segment != account.Individual && r.Segment != account.Organization:
		return wrong("segment", "individual, organization, or nothing for everybody")
	case r.GraceDays < 0 || r.GraceDays > 365:
		return wrong("grace_days", "0 to 365 days after the due date")
	case r.Kind != LateFixed && r.Kind != LatePercent && r.Kind != LateInterest:
		return wrong("kind", "fixed, percent or interest")
	case r.Kind == LateFixed && (r.Amount.Sign() <= 0 || r.Amount.Digits() > digits):
		return wrong("amount", "an amount above zero, no finer than bills are")
	case r.Kind != LateFixed && (r.Percent.Sign() <= 0 || r.Percent.Cmp(hundred) > 0 || r.Percent.Digits() > 6):
		return wrong("percent", "above 0 and at most 100")
	case r.Kind == LateInterest && r.DayCount != Act365 && r.DayCount != Act360:
		return wrong("day_count", "act/365 or act/360")
	case r.Kind != LateInterest && r.OverBase:
		return wrong("over_base", "nothing: only interest goes by the base rate")
	case r.Minimum != nil && (r.Minimum.Sign() <= 0 || r.Minimum.Digits() > digits):
		return wrong("minimum", "an amount above zero, no finer than bills are")
	case r.Cap != nil && (r.Cap.Sign() <= 0 || r.Cap.Digits() > digits || r.Minimum != nil && r.Cap.Cmp(*r.Minimum) < 0):
		return wrong("cap", "an amount above zero, not below the minimum")
	}
	return nil
}

// lateDetail is the agenda item of a local day: which items it has reached.
type lateDetail struct {
	Day   calendar.Date `json:"day"`
	After uuid.UUID     `json:"after"`
	Until uuid.UUID     `json:"until"` // of the second pass, over what is late already
}

func scheduleLate(ctx context.Context, tx tenant.Tx, profile account.Profile, day calendar.Date) error {
	return agenda.Add(ctx, tx, agenda.Item{
		Kind: agenda.LateDay, Ref: uuid.NewSHA1(uuid.NameSpaceOID, []byte("late_day/"+day.String())),
		DueAt: day.Start(profile.Zone).UTC(), Detail: lateDetail{Day: day},
	})
}

// percentOn is the rate of interest on a day: points above the base rate, or
// by itself. A base rate is never asked for before the first one's day.
func (r LateRule) percentOn(day calendar.Date, base []BaseRate) money.Decimal {
	if !r.OverBase {
		return r.Percent
	}
	percent := money.Decimal{}
	for _, b := range base {
		if b.From.After(day) {
			break
		}
		percent = b.Percent
	}
	return r.Percent.Add(percent)
}

// owedFrom is what was open from a day on, until the next one.
type owedFrom struct {
	day  calendar.Date
	open money.Decimal
}

// interest is what an item costs from a day up to another, by what was open on
// each day and the rate of that day, rounded once.
func (r LateRule) interest(owed []owedFrom, from, to calendar.Date, base []BaseRate, digits int32) money.Decimal {
	cuts := []calendar.Date{from, to}
	for _, o := range owed {
		cuts = append(cuts, o.day)
	}
	for _, b := range base {
		cuts = append(cuts, b.From)
	}
	slices.SortFunc(cuts, calendar.Date.Compare)
	sum := new(big.Rat)
	for i := 1; i < len(cuts); i++ {
		day, next := cuts[i-1], cuts[i]
		if day.Before(from) || next.After(to) || day == next {
			continue
		}
		open := money.Decimal{}
		for _, o := range owed {
			if !o.day.After(day) {
				open = o.open
			}
		}
		part := new(big.Rat).Mul(open.BigRat(), r.percentOn(day, base).BigRat())
		part.Mul(part, big.NewRat(int64(day.DaysUntil(next)), 100*r.DayCount.days()))
		sum.Add(sum, part)
	}
	return money.RoundRat(sum, digits, money.HalfAwayFromZero)
}

// bounded holds an amount to the rule's minimum and cap.
func (r LateRule) bounded(amount money.Decimal) money.Decimal {
	if r.Minimum != nil && amount.Cmp(*r.Minimum) < 0 {
		amount = *r.Minimum
	}
	if r.Cap != nil && amount.Cmp(*r.Cap) > 0 {
		amount = *r.Cap
	}
	return amount
}
