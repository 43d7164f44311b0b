package tax

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// Errors of rate tables.
var (
	ErrNoRate  = errors.New("no tax rate for this category and day")
	ErrOverlap = errors.New("tax rates of one category overlap")
	ErrPercent = errors.New("a tax rate is between 0 and 100 per cent")
	ErrRate    = errors.New("a tax rate has a category and a levy of small letters and digits, a name, and a place of 1 to 9")
	ErrFactor  = errors.New("a taxable base is a part of the price such as 11/12")
)

// Rate is what a category is taxed at from a day up to, not including, another.
// A category may have several taxes at once, each a Rate with a Levy of its own;
// what Table.At gives then is all of them in one, with Levies.
type Rate struct {
	ID       uuid.UUID // of a stored one
	Category string
	Levy     string        // which of the category's taxes; empty for the only one
	Name     string        // as printed: "VAT 19%" is Name "VAT" and its percentage
	Percent  money.Decimal // of the base
	From     calendar.Date
	To       calendar.Date // zero: still valid

	// Factor is the part of the price that is the base: Indonesia taxes 11/12 of
	// it. The zero value is the whole price.
	Factor Factor
	// Position orders a category's taxes.
	Position int
	// OnEarlier adds the taxes before it to its base.
	OnEarlier bool
	// Other is a levy that is no VAT: an electronic invoice shows it as a charge.
	Other bool

	Code   Code   // of EN 16931; empty: by the percentage
	Reason Reason // why there is no tax
	Levies []Rate // of a category with several taxes, in order

	whole fraction  // what all levies come to, where it is more than Percent says
	home  *fraction // what a written price holds though it is not charged
}

// Factor is a part of a price: Num / Den.
type Factor struct {
	Num int64 `json:"num"`
	Den int64 `json:"den"`
}

// IsZero says that the base is the whole price.
func (f Factor) IsZero() bool { return f.Num == f.Den }

func (f Factor) String() string { return fmt.Sprintf("%d/%d", f.Num, f.Den) }

func (f Factor) valid() bool {
	return f == Factor{} || f.Num > 0 && f.Den >= f.Num && f.Den <= 1_000_000
}

// ParseFactor reads "11/12"; an empty text is the whole price.
func ParseFactor(text string) (Factor, error) {
	text = strings.ReplaceAll(text, " ", "")
	if text == "" || text == "1" {
		return Factor{1, 1}, nil
	}
	var f Factor
	if n, err := fmt.Sscanf(text, "%d/%d", &f.Num, &f.Den); err != nil || n != 2 || f.String() != text || !f.valid() {
		return Factor{}, fmt.Errorf("%q: %w", text, ErrFactor)
	}
	return f, nil
}

func (r Rate) covers(day calendar.Date) bool {
	return !day.Before(r.From) && (r.To.IsZero() || day.Before(r.To))
}

// fraction is what all of the rate comes to, of the net price.
func (r Rate) fraction() fraction {
	switch {
	case r.whole.den.Sign() != 0:
		return r.whole
	case r.Factor.IsZero():
		return fraction{r.Percent, hundred}
	}
	return fraction{r.Percent.Mul(money.NewDecimal(r.Factor.Num)), hundred.Mul(money.NewDecimal(r.Factor.Den))}
}

// parts are the single taxes.
func (r Rate) parts() []Rate {
	if len(r.Levies) > 0 {
		return r.Levies
	}
	return []Rate{r}
}

// code is the rate's own, or follows from its percentage.
func (r Rate) code() Code {
	switch {
	case r.Code != "":
		return r.Code
	case r.Percent.Sign() > 0:
		return Standard
	}
	return ZeroRated
}

// Untaxed says that nothing is charged though the written price may hold tax.
func (r Rate) Untaxed() bool { return r.home != nil }

// same says whether two lines are summed up and taxed together.
func (r Rate) same(o Rate) bool {
	sameBase := r.Factor == o.Factor || r.Factor.IsZero() && o.Factor.IsZero()
	if r.Category != o.Category || r.Code != o.Code || !sameBase || !r.Percent.Equal(o.Percent) || len(r.Levies) != len(o.Levies) || r.Reason != o.Reason {
		return false
	}
	for i := range r.Levies {
		if !r.Levies[i].same(o.Levies[i]) || r.Levies[i].Levy != o.Levies[i].Levy || r.Levies[i].OnEarlier != o.Levies[i].OnEarlier {
			return false
		}
	}
	return true
}

// compose puts the taxes of one day into one rate.
func compose(levies []Rate) Rate {
	if len(levies) == 1 {
		return levies[0]
	}
	all := levies[0]
	all.Levies, all.Levy, all.Factor, all.OnEarlier, all.Other = levies, "", Factor{}, false, false
	names := make([]string, len(levies))
	sum := new(big.Rat)
	for i := range levies {
		names[i] = levies[i].Name
		part := levies[i].fraction().rat()
		if levies[i].OnEarlier { // its base is the price and the taxes before it
			part.Mul(part, new(big.Rat).Add(big.NewRat(1, 1), sum))
		}
		sum.Add(sum, part)
		levies[i].whole = fractionOf(part)
		all.From = later(all.From, levies[i].From)
	}
	all.Name = strings.Join(names, " + ")
	all.whole = fractionOf(sum)
	all.Percent = all.whole.percent()
	return all
}

func later(a, b calendar.Date) calendar.Date {
	if b.After(a) {
		return b
	}
	return a
}

// Table holds all rates of a tenant, and how they apply to whom. The zero value
// has none.
type Table struct {
	byCategory map[string][]Rate
	categories map[string]Category
	rules      []Rule
	Settings   Settings
	days       []calendar.Date // on which some rate begins or ends, in order
}

// NewTable checks that rates are possible and that no two of a category's tax
// are valid on the same day. A gap is allowed: asking for a day in it is an error.
func NewTable(rates []Rate) (Table, error) {
	table := Table{byCategory: map[string][]Rate{}}
	last := map[[2]string]Rate{}
	rates = slices.Clone(rates)
	slices.SortStableFunc(rates, func(a, b Rate) int { return a.From.Compare(b.From) })
	for _, r := range rates {
		if r.Percent.Sign() < 0 || r.Percent.Cmp(hundred) > 0 {
			return Table{}, fmt.Errorf("category %s from %s: %w", r.Category, r.From, ErrPercent)
		}
		if !r.Factor.valid() {
			return Table{}, fmt.Errorf("category %s from %s: %w", r.Category, r.From, ErrFactor)
		}
		key := [2]string{r.Category, r.Levy}
		if before, known := last[key]; known && before.covers(r.From) {
			return Table{}, fmt.Errorf("category %s on %s: %w", r.Category, r.From, ErrOverlap)
		}
		last[key] = r
		table.byCategory[r.Category] = append(table.byCategory[r.Category], r)
		table.days = append(table.days, r.From)
		if !r.To.IsZero() {
			table.days = append(table.days, r.To)
		}
	}
	slices.SortFunc(table.days, calendar.Date.Compare)
	table.days = slices.Compact(table.days)
	return table, nil
}

// At is the rate of a category on a day in the operator's zone, for an ordinary
// customer in the seller's own country.
func (t Table) At(category string, day calendar.Date) (Rate, error) {
	var found []Rate
	for _, r := range t.byCategory[category] {
		if r.covers(day) {
			found = append(found, r)
		}
	}
	if len(found) == 0 {
		return Rate{}, fmt.Errorf("category %q on %s: %w", category, day, ErrNoRate)
	}
	slices.SortStableFunc(found, func(a, b Rate) int { return a.Position - b.Position })
	rate := compose(found)
	if c, known := t.categories[category]; known {
		if rate.Percent.Sign() == 0 || c.Code.Taxes() {
			rate.Code = c.Code
		}
		if rate.Code.NeedsReason() {
			rate.Reason = c.reason()
		}
	}
	return rate, nil
}

// Days are those on which a rate begins or ends, in order: a service that
// reaches over one of them may be taxed in parts.
func (t Table) Days() []calendar.Date { return t.days }

// Changes are the days within a period, after its first, on which a category's
// rate is another than the day before, for an ordinary customer.
func (t *Table) Changes(category string, p calendar.Period) []calendar.Date {
	return t.For(nil).Changes(category, p)
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

// Rates lists all rates, by category, day and position.
func (t Table) Rates() []Rate {
	var rates []Rate
	for _, category := range t.Categories() {
		rates = append(rates, t.byCategory[category]...)
	}
	return rates
}

// WithRules is the table with rules in place of its own.
func (t Table) WithRules(rules []Rule) Table {
	t.rules = rules
	return t
}
