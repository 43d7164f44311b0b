package intake

import (
	"fmt"
	"maps"
	"slices"

	"tollhouse/billing/money"
)

// Totals are the control totals of a batch: lines by kind, what is open and
// what money is left by currency, other units by their names.
type Totals struct {
	Counts    map[Kind]int                 `json:"counts"`
	OpenItems map[string]money.Decimal     `json:"open_items"`
	Money     map[string]money.Decimal     `json:"money"`
	Units     map[money.Unit]money.Decimal `json:"units"`
}

func newTotals() Totals {
	return Totals{map[Kind]int{}, map[string]money.Decimal{}, map[string]money.Decimal{}, map[money.Unit]money.Decimal{}}
}

func (t *Totals) addOpen(currency money.Currency, open money.Decimal) {
	t.OpenItems[currency.Code()] = t.OpenItems[currency.Code()].Add(open)
}

func (t *Totals) addBucket(unit money.Unit, value money.Decimal) {
	if unit.IsCurrency() {
		t.Money[string(unit)] = t.Money[string(unit)].Add(value)
	} else {
		t.Units[unit] = t.Units[unit].Add(value)
	}
}

// compareTotals holds what was read against what the operator said before: each
// total that it said has to be met.
func compareTotals(said, read Totals, found *findings) {
	differs := func(name, got, want string) {
		found.add(Finding{Column: name, Code: TotalDiffers, Value: got, Want: want})
	}
	for _, kind := range Kinds {
		if want, given := said.Counts[kind]; given && want != read.Counts[kind] {
			differs("counts."+string(kind), fmt.Sprint(read.Counts[kind]), fmt.Sprint(want))
		}
	}
	sums(said.OpenItems, read.OpenItems, "open_items.", differs)
	sums(said.Money, read.Money, "money.", differs)
	sums(said.Units, read.Units, "units.", differs)
}

func sums[K ~string](said, read map[K]money.Decimal, name string, differs func(name, got, want string)) {
	for _, key := range slices.Sorted(maps.Keys(said)) {
		if got := read[key]; !got.Equal(said[key]) {
			differs(name+string(key), got.String(), said[key].String())
		}
	}
}

func sorted(texts []string) []string {
	slices.Sort(texts)
	return texts
}
