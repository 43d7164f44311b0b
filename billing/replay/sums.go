package replay

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/money"
)

// Bounds of what a trial's sums keep: they do not grow with its accounts.
const (
	mostChanged  = 10
	keptSegments = 200
	keptReasons  = 50
)

// Band is a span of money: From included, To not; nil: no end.
type Band struct {
	From money.Decimal  `json:"from"`
	To   *money.Decimal `json:"to,omitempty"`
}

// Contains says whether an amount lies in the band.
func (b Band) Contains(amount money.Decimal) bool {
	return amount.Cmp(b.From) >= 0 && (b.To == nil || amount.Cmp(*b.To) < 0)
}

// IsZero says that the band is all there is.
func (b Band) IsZero() bool { return b.From.IsZero() && b.To == nil }

// Cell is what some accounts brought, and would have: net, in one currency.
type Cell struct {
	Accounts int64         `json:"accounts"`
	Records  int64         `json:"records"`
	Old      money.Decimal `json:"old"`
	New      money.Decimal `json:"new"`
}

// Difference is what the offering on trial would have brought more.
func (c Cell) Difference() money.Decimal { return c.New.Sub(c.Old) }

func (c *Cell) add(o Cell) {
	c.Accounts, c.Records = c.Accounts+o.Accounts, c.Records+o.Records
	c.Old, c.New = c.Old.Add(o.Old), c.New.Add(o.New)
}

// Dimension is how accounts are told apart in the result.
type Dimension string

// Dimensions.
const (
	ByPlan   Dimension = "plan"
	ByBranch Dimension = "branch"
	ByKind   Dimension = "kind"
	ByPlace  Dimension = "place"
	BySpent  Dimension = "spent"
)

// Dimensions lists them in the order in which they are shown.
var Dimensions = []Dimension{ByPlan, ByKind, BySpent, ByBranch, ByPlace}

// Other gathers what is beyond the kept keys of a dimension.
const Other = "…"

// Unpriced is usage that the offering on trial has no price for. What was
// billed for it is in no other sum.
type Unpriced struct {
	Uses    int64         `json:"uses"`
	Billed  money.Decimal `json:"billed"`
	Example string        `json:"example"`
}

// AccountChange is one account's difference.
type AccountChange struct {
	Account uuid.UUID `json:"account"`
	Number  string    `json:"number"`
	Name    string    `json:"name"`
	Cell
}

// Sums are a trial's result, as far as it has come.
type Sums struct {
	Currency string `json:"currency,omitempty"`
	Total    Cell   `json:"total"` // usage and recurring fees
	Fees     Cell   `json:"fees"`  // recurring fees in it
	// Accounts that would pay less, the same and more.
	Less     int64                         `json:"less"`
	Same     int64                         `json:"same"`
	More     int64                         `json:"more"`
	Segments map[Dimension]map[string]Cell `json:"segments,omitempty"`
	Changed  []AccountChange               `json:"changed,omitempty"` // most first
	Bins     map[int]Cell                  `json:"bins,omitempty"`    // see Bin
	Unpriced map[string]Unpriced           `json:"unpriced,omitempty"`
	Allowed  int64                         `json:"allowed"` // uses that allowances covered wholly
}

// add takes in one account.
func (s *Sums) add(a AccountChange, keys map[Dimension]string) {
	s.Total.add(a.Cell)
	difference := a.Difference()
	switch difference.Sign() {
	case -1:
		s.Less++
	case 0:
		s.Same++
	default:
		s.More++
	}
	for dimension, key := range keys {
		s.segment(dimension, key, a.Cell)
	}
	if s.Bins == nil {
		s.Bins = map[int]Cell{}
	}
	bin := s.Bins[Bin(difference)]
	bin.add(a.Cell)
	s.Bins[Bin(difference)] = bin
	if !difference.IsZero() {
		s.Changed = topChanged(append(s.Changed, a))
	}
}

func (s *Sums) segment(dimension Dimension, key string, c Cell) {
	if s.Segments == nil {
		s.Segments = map[Dimension]map[string]Cell{}
	}
	cells := s.Segments[dimension]
	if cells == nil {
		cells = map[string]Cell{}
		s.Segments[dimension] = cells
	}
	if _, known := cells[key]; !known && len(cells) >= keptSegments {
		key = Other
	}
	cell := cells[key]
	cell.add(c)
	cells[key] = cell
}

// unpriced takes in a use without a price.
func (s *Sums) unpriced(reason, example string, u Unpriced) {
	if s.Unpriced == nil {
		s.Unpriced = map[string]Unpriced{}
	}
	if _, known := s.Unpriced[reason]; !known && len(s.Unpriced) >= keptReasons {
		reason = Other
	}
	sum := s.Unpriced[reason]
	if sum.Example == "" {
		sum.Example = example
	}
	sum.Uses, sum.Billed = sum.Uses+u.Uses, sum.Billed.Add(u.Billed)
	s.Unpriced[reason] = sum
}

// merge adds what another worker has summed up.
func (s *Sums) merge(o Sums) {
	s.Total.add(o.Total)
	s.Fees.add(o.Fees)
	s.Less, s.Same, s.More, s.Allowed = s.Less+o.Less, s.Same+o.Same, s.More+o.More, s.Allowed+o.Allowed
	if o.Currency != "" {
		s.Currency = o.Currency
	}
	for dimension, cells := range o.Segments {
		for key, cell := range cells {
			s.segment(dimension, key, cell)
		}
	}
	if s.Bins == nil {
		s.Bins = map[int]Cell{}
	}
	for n, cell := range o.Bins {
		bin := s.Bins[n]
		bin.add(cell)
		s.Bins[n] = bin
	}
	for reason, u := range o.Unpriced {
		s.unpriced(reason, u.Example, u)
	}
	s.Changed = topChanged(append(s.Changed, o.Changed...))
}

// topChanged keeps the accounts that change most, either way.
func topChanged(list []AccountChange) []AccountChange {
	slices.SortFunc(list, func(a, b AccountChange) int {
		if n := b.Difference().Abs().Cmp(a.Difference().Abs()); n != 0 {
			return n
		}
		return strings.Compare(a.Number, b.Number)
	})
	return list[:min(len(list), mostChanged)]
}

// Bin numbers the differences on both sides of nothing by steps of 1, 2, 5, 10,
// 20 …: n is from the n-th step up to the next one, −n as much below. 0 is no
// difference worth a hundredth.
func Bin(difference money.Decimal) int {
	size, n := difference.Abs(), 0
	for n < maxBin && size.Cmp(BinFrom(n+1)) >= 0 {
		n++
	}
	if difference.Sign() < 0 {
		return -n
	}
	return n
}

const maxBin = 45

// BinFrom is where bin n, above zero, begins: 0.01, 0.02, 0.05, 0.10 …
func BinFrom(n int) money.Decimal {
	step := [3]int64{1, 2, 5}[(n-1)%3]
	return money.DecimalOf(step, 2-int32((n-1)/3))
}

// BinSpan is from where to where bin n reaches; the last one has no end.
func BinSpan(n int) (from, to money.Decimal) {
	switch {
	case n == 0:
		return BinFrom(1).Neg(), BinFrom(1)
	case n < 0:
		return BinFrom(1 - n).Neg(), BinFrom(-n).Neg()
	}
	return BinFrom(n), BinFrom(n + 1)
}

// spentBand names the band of what an account brought: 0, then from each step
// of 1, 2, 5, 10 … to the next.
func spentBand(amount money.Decimal) string {
	n := Bin(amount)
	if n <= 0 {
		return "0"
	}
	if n < 7 { // below one
		return "0–1"
	}
	return BinFrom(n).String() + "–" + BinFrom(n+1).String()
}
