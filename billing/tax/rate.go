package tax

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// Errors of rate tables.
var (
	ErrNoRate  = errors.New("no tax rate for this category and day")
	ErrOverlap = errors.New("tax rates of one category overlap")
	ErrPercent = errors.New("a tax rate is between 0 and 100 per cent")
)

// Rate is what a category is taxed at from a day up to, not including, another.
type Rate struct {
	Category string
	Name     string        // as printed: "VAT 19%" is Name "VAT" and its percentage
	Percent  money.Decimal // of the net price
	From     calendar.Date
	To       calendar.Date // zero: still valid
}

func (r Rate) covers(day calendar.Date) bool {
	return !day.Before(r.From) && (r.To.IsZero() || day.Before(r.To))
}

// Table holds all rates of a tenant. The zero value has none.
type Table struct{ byCategory map[string][]Rate }

// NewTable checks that rates are possible and that no two of a category are
// valid on the same day. A gap is allowed: asking for a day in it is an error.
func NewTable(rates []Rate) (Table, error) {
	table := Table{byCategory: map[string][]Rate{}}
	for _, r := range rates {
		if r.Percent.Sign() < 0 || r.Percent.Cmp(hundred) > 0 {
			return Table{}, fmt.Errorf("category %s from %s: %w", r.Category, r.From, ErrPercent)
		}
		table.byCategory[r.Category] = append(table.byCategory[r.Category], r)
	}
	for category, list := range table.byCategory {
		slices.SortFunc(list, func(a, b Rate) int { return a.From.Compare(b.From) })
		for i := 1; i < len(list); i++ {
			if list[i-1].covers(list[i].From) {
				return Table{}, fmt.Errorf("category %s on %s: %w", category, list[i].From, ErrOverlap)
			}
		}
	}
	return table, nil
}

// At is the rate of a category on a day in the operator's zone.
func (t Table) At(category string, day calendar.Date) (Rate, error) {
	for _, r := range t.byCategory[category] {
		if r.covers(day) {
			return r, nil
		}
	}
	return Rate{}, fmt.Errorf("category %q on %s: %w", category, day, ErrNoRate)
}

// Categories lists the categories that have a rate, in order.
func (t Table) Categories() []string {
	var names []string
	for name := range t.byCategory {
		names = append(names, name)
	}
	slices.SortFunc(names, strings.Compare)
	return names
}

// Rates lists all rates, by category and day.
func (t Table) Rates() []Rate { return t.all() }
