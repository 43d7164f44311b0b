package catalog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// ErrEvery says that a text is no length of a price's period.
var ErrEvery = errors.New("not a period such as day, week, month, quarter, year, 10 days or 2 months")

// Every is the length of a price's period as an offer writes it: "week",
// "10 days". The zero value is no period.
type Every struct {
	count int
	unit  string
}

// stretch is what one unit of Every comes to.
type stretch struct{ days, months int }

var stretches = map[string]stretch{
	"day": {days: 1}, "week": {days: 7}, "month": {months: 1}, "quarter": {months: 3}, "year": {months: 12},
}

// Bounds of a period: ten years either way.
const (
	maxMonths = 120
	maxDays   = 3660
)

// ParseEvery reads a unit, alone or behind a count.
func ParseEvery(text string) (Every, error) {
	number, unit, counted := strings.Cut(text, " ")
	e := Every{1, text}
	if counted {
		count, err := strconv.Atoi(number)
		if err != nil || number[0] == '+' || number[0] == '0' {
			return Every{}, fmt.Errorf("%w: %.40q", ErrEvery, text)
		}
		e = Every{count, strings.TrimSuffix(unit, "s")}
	}
	one, known := stretches[e.unit]
	if !known || e.count < 1 || e.count > maxDays || one.days*e.count > maxDays || one.months*e.count > maxMonths {
		return Every{}, fmt.Errorf("%w: %.40q", ErrEvery, text)
	}
	return e, nil
}

// Count and Unit are the period's parts: 10 and "day" of "10 days".
func (e Every) Count() int { return e.count }

// Unit is day, week, month, quarter or year.
func (e Every) Unit() string { return e.unit }

// String returns the period in its shortest form.
func (e Every) String() string {
	if e.count == 1 {
		return e.unit
	}
	return fmt.Sprintf("%d %ss", e.count, e.unit)
}

// MarshalText writes String.
func (e Every) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads what ParseEvery does.
func (e *Every) UnmarshalText(text []byte) (err error) {
	*e, err = ParseEvery(string(text))
	return err
}

// Period is how often the price is charged. One that is written in months is
// the same as one of Every; a price without either, which Check refuses, counts
// as monthly.
func (p RecurringPrice) Period() Every {
	switch {
	case p.Every != nil:
		return *p.Every
	case p.Months == 12:
		return Every{1, "year"}
	case p.Months == 3:
		return Every{1, "quarter"}
	}
	return Every{max(1, p.Months), "month"}
}

// Cycle lays the price's periods from the anchor of an account's cycle, so that
// a weekly price goes by the weekday of the anchor and a yearly one by its day.
func (p RecurringPrice) Cycle(account calendar.Cycle) calendar.Cycle {
	e := p.Period()
	one := stretches[e.unit]
	account.Months, account.Days = one.months*e.count, one.days*e.count
	return account
}

// Daily reports whether the period is counted in days and not in months.
func (e Every) Daily() bool { return stretches[e.unit].days > 0 }

// AMonth is what the price comes to in a month, for comparisons only: a year
// counts twelve months and 365 days.
func (p RecurringPrice) AMonth(digits int32) (money.Decimal, error) {
	e := p.Period()
	one := stretches[e.unit]
	if one.days > 0 {
		return p.Amount.MulDiv(money.NewDecimal(365), money.NewDecimal(int64(12*one.days*e.count)), digits, money.HalfAwayFromZero)
	}
	return p.Amount.Div(money.NewDecimal(int64(one.months*e.count)), digits, money.HalfAwayFromZero)
}
