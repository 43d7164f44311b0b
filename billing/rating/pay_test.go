package rating

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

func bucket(n byte, unit money.Unit, value string, priority int) Bucket {
	return Bucket{ID: uuid.UUID{n}, Unit: unit, Value: money.MustDecimal(value), Priority: priority}
}

// left returns the buckets' values after the debits of r.
func left(buckets []Bucket, r Result) string {
	values := make([]money.Decimal, len(buckets))
	for i, b := range buckets {
		values[i] = b.Value
	}
	for _, d := range r.Debits {
		values[d.Bucket] = values[d.Bucket].Sub(d.Amount)
	}
	var texts []string
	for _, v := range values {
		texts = append(texts, v.String())
	}
	return strings.Join(texts, " ")
}

func TestRate_buckets(t *testing.T) {
	perGB := data("price: 1.00, per: 1 GB")
	calls := voice("connect_fee: 0.15, price: 0.60, per: 1 min, increments: {first: 60 s, next: 60 s}")
	june10 := time.Date(2026, 6, 10, 22, 0, 0, 0, time.UTC)
	promo := bucket(2, "EUR", "5.00", 2)
	promo.ExpiresAt = &june10
	onlyCalls := bucket(3, "EUR", "9", 1)
	onlyCalls.Filter = Filter{Kinds: []catalog.UsageKind{catalog.VoiceUsage}}
	only49 := bucket(4, money.Second, "600", 1)
	only49.Filter = Filter{Prefixes: []string{"49"}}
	credit := bucket(5, "EUR", "1", 1)
	credit.Floor = money.MustDecimal("-2")
	for _, row := range []struct {
		name, usage string
		event       Event
		buckets     []Bucket
		left        string
		price       string
		unpaid      string
		covered     int64
	}{
		{"bundle, promotion, main", perGB, Event{Kind: catalog.DataUsage, Quantity: 12e9, Start: june10.Add(-time.Hour)},
			[]Bucket{bucket(1, "EUR", "20.00", 2), promo, bucket(3, money.Byte, "10000000000", 1)}, "20 3 0", "2", "0", 10e9},
		{"after its expiry a bucket pays nothing", perGB, Event{Kind: catalog.DataUsage, Quantity: 2e9, Start: june10},
			[]Bucket{bucket(1, "EUR", "20.00", 2), promo}, "18 5", "2", "0", 0},
		{"other kinds' money stays", perGB, Event{Kind: catalog.DataUsage, Quantity: 2e9}, []Bucket{onlyCalls}, "9", "2", "2", 0},
		{"postpaid: all of it unpaid", perGB, Event{Kind: catalog.DataUsage, Quantity: 2e9}, nil, "", "2", "2", 0},
		{"other currencies stay", perGB, Event{Kind: catalog.DataUsage, Quantity: 6e9},
			[]Bucket{bucket(1, "EUR", "4", 1), bucket(2, "USD", "10", 1)}, "0 10", "6", "2", 0},
		{"down to the floor", perGB, Event{Kind: catalog.DataUsage, Quantity: 5e9}, []Bucket{credit}, "-2", "5", "2", 0},
		{"a wholly covered call has no connect fee", calls, Event{Kind: catalog.VoiceUsage, Destination: "+4930", Quantity: 61},
			[]Bucket{only49}, "480", "0", "0", 120},
		{"other destinations stay", calls, Event{Kind: catalog.VoiceUsage, Destination: "+1212", Quantity: 61},
			[]Bucket{only49}, "600", "1.35", "1.35", 0},
		{"a bucket gives its last unit inside a step", calls, Event{Kind: catalog.VoiceUsage, Quantity: 61},
			[]Bucket{bucket(1, money.Second, "90", 1), bucket(2, "EUR", "10", 1)}, "0 9.55", "0.45", "0", 90},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, err := tariff(t, row.usage, "UTC").Rate(row.event, State{Buckets: row.buckets})
			if err != nil {
				t.Fatal(err)
			}
			if got := left(row.buckets, r); got != row.left || r.Price.String() != row.price || r.Unpaid.String() != row.unpaid || r.Covered != row.covered {
				t.Errorf("left %q, price %s, unpaid %s, covered %d; want %q, %s, %s, %d\n%s", got, r.Price, r.Unpaid, r.Covered,
					row.left, row.price, row.unpaid, row.covered, strings.Join(r.Why.Lines(), "\n"))
			}
		})
	}
}

// The longest prefix says which destination a number is, for allowances as for
// prices: free minutes to a country pay no calls to its premium numbers.
func TestDestinationFilter_longestPrefixDecides(t *testing.T) {
	o := catalog.Offering{Destinations: []catalog.DestinationSet{
		{Code: "germany", Prefixes: []string{"+49"}}, {Code: "mobile", Prefixes: []string{"4917"}},
		{Code: "premium", Prefixes: []string{"49900"}}, {Code: "own", Prefixes: []string{"499001"}}, {Code: "france", Prefixes: []string{"33"}},
	}}
	f := DestinationFilter(o, []catalog.UsageKind{catalog.VoiceUsage}, []string{"germany", "mobile", "own"})
	for to, want := range map[string]bool{"+4930": true, "49171": true, "+499005": false, "+4990017": true, "33": false, "": false} {
		if got := f.Admits(catalog.VoiceUsage, to); got != want {
			t.Errorf("to %q: %v, want %v", to, got, want)
		}
	}
	if f.Admits(catalog.MessageUsage, "+4930") {
		t.Error("another kind is admitted")
	}
	for _, any := range [][]string{nil, {catalog.AnyDestination}} {
		f := DestinationFilter(o, nil, any)
		if !f.Admits(catalog.DataUsage, "") || !f.Admits(catalog.VoiceUsage, "49900") {
			t.Errorf("%v refuses something", any)
		}
	}
}

func TestRate_orderOfBuckets(t *testing.T) {
	soon, later := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	named := func(n byte, priority int, expires *time.Time, age time.Duration) Bucket {
		b := bucket(n, "EUR", "1", priority)
		b.ExpiresAt, b.CreatedAt = expires, base.Add(-age)
		return b
	}
	buckets := []Bucket{
		named(6, 2, &soon, 0), named(5, 1, nil, time.Hour), named(3, 1, &later, 0),
		named(4, 1, nil, 2*time.Hour), named(2, 1, &later, time.Hour), named(1, 1, &soon, 0),
	}
	r, err := tariff(t, messages("price: 6, per: 1"), "UTC").Rate(Event{Kind: catalog.MessageUsage, Quantity: 1, Start: base}, State{Buckets: buckets})
	if err != nil {
		t.Fatal(err)
	}
	var order []byte
	for _, d := range r.Debits {
		order = append(order, d.ID[0])
	}
	if want := []byte{1, 2, 3, 4, 5, 6}; string(order) != string(want) {
		t.Errorf("used %v, want %v", order, want)
	}
}

func TestRate_volumeTierGivesBack(t *testing.T) {
	tariff := tariff(t, messages("tiers: {kind: volume, bands: [{to: 100, price: 1, per: 1}, {price: 0.5, per: 1}]}"), "UTC")
	r, err := tariff.Rate(Event{Kind: catalog.MessageUsage, Quantity: 1},
		State{Counters: map[string]int64{"all": 100}, Buckets: []Bucket{bucket(1, "EUR", "0", 1)}})
	if err != nil || r.Price.String() != "-49.5" || len(r.Debits) != 1 || r.Debits[0].Amount.String() != "-49.5" || !r.Unpaid.IsZero() {
		t.Fatalf("price %s, debits %v, unpaid %s, %v", r.Price, r.Debits, r.Unpaid, err)
	}
}
