package rating

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollhouse/billing/catalog"
)

// option is an offering on top of others, with prices of its own.
func optionOffer(tb failer, code, usage string) catalog.Offering {
	tb.Helper()
	o, err := catalog.Parse([]byte(`
code: ` + code + `
names: {en: Option}
kind: option
billing: postpaid
services: []
option: {}
currency: EUR
tax: {category: standard, included: true}
` + usage))
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

const nights = `

destinations: [{code: de, prefixes: ["49"]}]
usage: [{code: night, names: {en: Nights}, kind: voice, rules: [{code: late, destinations: [de], price: 0.05, per: 1 min, windows: [{from: "18:00", to: "24:00"}]}]}]`

// Price, B: windows, with an option that prices the evening: 17:50 to 18:10 at
// 0.10 until 18:00, then 0.05 a minute: 1.50. What it does not price the plan
// does.
func TestCompile_optionGoesBeforeThePlan(t *testing.T) {
	base := offer(t, voice("connect_fee: 0.20, price: 0.10, per: 1 min"))
	evening := optionOffer(t, "evening", nights)
	tariff, err := Compile(base, Context{Zone: time.UTC}, evening)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		start, to, price, line string
		seconds                int64
		option                 int
	}{
		{"2026-05-04T17:50:00Z", "+4930", "1.7", "calls", 1200, 0}, // the connect fee is that of the start
		{"2026-05-04T18:00:00Z", "+4930", "0.5", "night", 600, 1},
		{"2026-05-04T23:55:00Z", "+4930", "0.75", "night", 600, 1}, // midnight: back to the plan, 0.25 + 0.50
		{"2026-05-04T18:00:00Z", "+331", "1.2", "calls", 600, 0},
	} {
		r, err := tariff.Rate(Event{Kind: catalog.VoiceUsage, Destination: row.to, Start: at(t, row.start), Quantity: row.seconds}, State{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Price.String() != row.price || r.LineCode != row.line || r.Option != row.option {
			t.Errorf("%s to %s: %s on %s by option %d, want %+v\n%s", row.start, row.to, r.Price, r.LineCode, r.Option, row, strings.Join(r.Why.Lines(), "\n"))
		}
		if words := strings.Join(r.Why.Lines(), "\n"); strings.Contains(words, "of option evening") != (row.option == 1 || row.seconds == 1200) {
			t.Errorf("%s", words)
		}
	}
	// a plan without calls does not get them all by an option for the evening
	silent := offer(t, messages("price: 0.10, per: 1"))
	if tariff, err = Compile(silent, Context{Zone: time.UTC}, evening); err != nil {
		t.Fatal(err)
	}
	var failed *Error
	_, err = tariff.Rate(Event{Kind: catalog.VoiceUsage, Destination: "+4930", Start: at(t, "2026-05-04T23:55:00Z"), Quantity: 600}, State{})
	if !errors.As(err, &failed) || failed.Reason != WindowHole || failed.PricedUntil != 300 {
		t.Errorf("%v", err)
	}
}

// Two options of one kind: the first that has a price decides, each with its
// own tiers and rounding.
func TestCompile_optionsInTheirOrder(t *testing.T) {
	base := offer(t, messages("tiers: {kind: graduated, counter: all, bands: [{to: 100, price: 1, per: 1}, {price: 0.5, per: 1}]}"))
	one := func(code, price string) catalog.Offering {
		return optionOffer(t, code, messages("tiers: {kind: graduated, counter: all, bands: [{to: 10, price: "+price+", per: 1}, {price: 0.01, per: 1}]}"))
	}
	a, b := one("a", "0.3"), one("b", "0.2")
	counters := map[string]int64{}
	for _, row := range []struct {
		options []catalog.Offering
		n       int64
		price   string
	}{
		{[]catalog.Offering{a, b}, 6, "1.8"}, {[]catalog.Offering{b, a}, 6, "1.2"}, {[]catalog.Offering{a}, 6, "1.22"}, {nil, 101, "100.5"}, {[]catalog.Offering{b}, 5, "0.81"},
	} {
		tariff, err := Compile(base, Context{Zone: time.UTC}, row.options...)
		if err != nil {
			t.Fatal(err)
		}
		r, err := tariff.Rate(Event{Kind: catalog.MessageUsage, Quantity: row.n}, State{Counters: counters})
		if err != nil || r.Price.String() != row.price {
			t.Errorf("%d: %s, %v; want %s", row.n, r.Price, err, row.price)
		}
		for code, n := range r.Counted {
			counters[code] += n
		}
	}
	if fmt.Sprint(counters) != "map[a/all:12 all:101 b/all:11]" {
		t.Errorf("counted %v", counters)
	}
}

// An option that has a random tariff's rules for some of the time, over a plan
// with its rule for always, prices as the whole tariff does.
func TestCompile_optionEqualsRulesOfHigherPriority(t *testing.T) {
	checks(t, 2_000)
	rapid.Check(t, func(t *rapid.T) {
		whole, reference, e := drawn(t)
		e.Quantity = rapid.Int64Range(0, 600).Draw(t, "quantity")
		base, over := reference.offering, reference.offering
		base.Usage = []catalog.UsagePrice{reference.usage}
		base.Usage[0].Rules = reference.usage.Rules[:1]
		over.Code, over.Usage = "over", []catalog.UsagePrice{reference.usage}
		over.Usage[0].Rules = reference.usage.Rules[1:]
		layered, err := compile(base, Context{Zone: reference.loc, Rates: reference.rates}, over)
		if err != nil {
			t.Fatal(err)
		}
		counter := rapid.Int64Range(0, 500).Draw(t, "counter")
		state := State{Counters: counters(reference, counter), Buckets: draw{t}.buckets(e.Start)}
		want, wanted := whole.Rate(e, state)
		state.Counters = map[string]int64{}
		for code, n := range counters(reference, counter) {
			state.Counters[code], state.Counters["over/"+code] = n, n
		}
		got, err := layered.Rate(e, state)
		if (err == nil) != (wanted == nil) || !got.Price.Equal(want.Price) || got.Billed != want.Billed || got.Covered != want.Covered || len(got.Debits) != len(want.Debits) {
			t.Fatalf("%s %v, want %s %v\n%s\n%s", got.Price, err, want.Price, wanted, strings.Join(got.Why.Lines(), "\n"), strings.Join(want.Why.Lines(), "\n"))
		}
		if want.RuleCode != got.RuleCode || (got.Option == 0) != (got.RuleCode == "always" || got.RuleCode == "") {
			t.Fatalf("rule %s of option %d, want %s", got.RuleCode, got.Option, want.RuleCode)
		}
	})
}

func BenchmarkRate_call_underAnOption(b *testing.B) {
	base := offer(b, voice("price: 0.10, per: 1 min"))
	tariff, err := Compile(base, Context{Zone: time.UTC}, optionOffer(b, "evening", nights))
	if err != nil {
		b.Fatal(err)
	}
	e, s, r := Event{Kind: catalog.VoiceUsage, Destination: "+4930", Start: at(b, "2026-05-04T17:59:00Z"), Quantity: 90}, State{}, Result{}
	b.ReportAllocs()
	for b.Loop() {
		if err := tariff.RateInto(&e, &s, &r); err != nil || r.Price.IsZero() {
			b.Fatal(err)
		}
	}
}
