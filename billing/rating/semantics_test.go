package rating

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// Price, B: exactness. Second by second as one session is what the whole is.
func TestPrice_exactSecondBySecond(t *testing.T) {
	tariff := tariff(t, voice("price: 0.1, per: 1 min"), "UTC")
	for _, row := range []struct {
		seconds int64
		want    string
	}{{180, "0.3"}, {181, "0.301666667"}, {61, "0.101666667"}} {
		var sum money.Decimal
		e := Event{Kind: catalog.VoiceUsage, Quantity: 1}
		for ; e.Offset < row.seconds; e.Offset++ {
			r, err := tariff.Rate(e, State{})
			if err != nil {
				t.Fatal(err)
			}
			sum = sum.Add(r.Price)
		}
		if sum.String() != row.want {
			t.Errorf("%d s: %s, want %s", row.seconds, sum, row.want)
		}
	}
}

// Price, B: tiers. A flat fee at zero usage is an explicit attribute: it is
// the period's own, and usage costs what is beyond it.
func TestPrice_tierFeeAtZero(t *testing.T) {
	const bands = "bands: [{to: 10, fee: 5.00}, {to: 50, fee: 12.00}, {fee: 20.00}]"
	for _, row := range []struct {
		tiers string
		fees  string
		want  []string // of 10, 1, 40 events
	}{
		{"kind: stair, " + bands, "", []string{"5", "7", "8"}},
		{"kind: stair, at_zero: true, " + bands, "5", []string{"0", "7", "8"}},
		{"kind: graduated, at_zero: true, bands: [{to: 10, fee: 3.00, price: 1, per: 1}, {price: 0.5, per: 1}]", "3", []string{"10", "0.5", "20"}},
	} {
		tariff := tariff(t, messages("tiers: {"+row.tiers+"}"), "UTC")
		var fees []string
		priced := offer(t, messages("tiers: {"+row.tiers+"}"))
		for _, f := range priced.PeriodFees() {
			fees = append(fees, f.Amount.String())
		}
		if strings.Join(fees, " ") != row.fees {
			t.Errorf("%s: fees %v, want %s", row.tiers, fees, row.fees)
		}
		counters := map[string]int64{}
		for i, n := range []int64{10, 1, 40} {
			r, err := tariff.Rate(Event{Kind: catalog.MessageUsage, Quantity: n}, State{Counters: counters})
			if err != nil || r.Price.String() != row.want[i] {
				t.Errorf("%s: event %d costs %s, %v; want %s", row.tiers, i, r.Price, err, row.want[i])
			}
			counters["all"] += r.Counted["all"]
		}
	}
}

// Price, B: windows. A hole is refused when publishing, and a call that runs
// into one reaches just as far.
func TestPrice_windowHole(t *testing.T) {
	const rule = `usage: [{code: calls, names: {en: Calls}, kind: voice, rules: [
  {code: day, destinations: ['*'], windows: [{from: '08:00', to: '18:00'}], price: 0.10, per: 1 min}]}]`
	if _, err := Compile(offer(t, rule), Context{Zone: time.UTC}); err == nil || !strings.Contains(err.Error(), "leaves a gap on mon from 00:00 to 08:00") {
		t.Errorf("published: %v", err)
	}
	tariff, err := compile(offer(t, rule), Context{Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	e := Event{Kind: catalog.VoiceUsage, Start: at(t, "2026-05-04T17:50:00Z"), Quantity: 1200}
	g, err := tariff.Reach(e, State{Buckets: []Bucket{bucket(1, "EUR", "100", 1)}})
	if err != nil || g.Quantity != 600 || g.Limit != WindowHole || g.Result.Price.String() != "1" {
		t.Errorf("reaches %d (%s) for %s, %v; want 600 for 1", g.Quantity, g.Limit, g.Result.Price, err)
	}
}

// Price: a cap that ends the session ends it where the price reaches it.
func TestPrice_capEnds(t *testing.T) {
	tariff := tariff(t, voice("connect_fee: 0.50, price: 0.10, per: 1 min, cap: {amount: 2.00, then: end}"), "UTC")
	_, err := tariff.Rate(Event{Kind: catalog.VoiceUsage, Quantity: 901}, State{})
	var failed *Error
	if !errors.As(err, &failed) || failed.Reason != SessionEnded || failed.PricedUntil != 900 {
		t.Fatalf("got %v", err)
	}
	g, err := tariff.Reach(Event{Kind: catalog.VoiceUsage, Offset: 600, Quantity: 3600}, State{Buckets: []Bucket{bucket(1, "EUR", "100", 1)}})
	if err != nil || g.Quantity != 300 || g.Limit != SessionEnded {
		t.Fatalf("reaches %d (%s), %v", g.Quantity, g.Limit, err)
	}
}

// Balances, B: reservation. 0.30 at 0.10 a minute is three minutes; with tax
// of 19 % on top it is less.
func TestReach_taxOnTop(t *testing.T) {
	tariff := tariff(t, voice("price: 0.10, per: 1 min"), "UTC")
	for _, row := range []struct {
		onTop string
		want  int64
	}{{"0", 180}, {"19", 151}} {
		g, err := tariff.Reach(Event{Kind: catalog.VoiceUsage, Quantity: 3600},
			State{Buckets: []Bucket{bucket(1, "EUR", "0.30", 1)}, OnTop: money.MustDecimal(row.onTop)})
		if err != nil || g.Quantity != row.want || g.Limit != Insufficient {
			t.Errorf("tax %s: reaches %d (%s), %v; want %d", row.onTop, g.Quantity, g.Limit, err, row.want)
		}
	}
}

// A session that began in an earlier cycle leaves its usage there out of the
// tiers of this one.
func TestRate_sessionAcrossCycles(t *testing.T) {
	tariff := tariff(t, data("tiers: {kind: graduated, bands: [{to: 100 B, price: 1, per: 1 B}, {price: 0.5, per: 1 B}]}"), "UTC")
	r, err := tariff.Rate(Event{Kind: catalog.DataUsage, Offset: 500, Quantity: 101}, State{Counters: map[string]int64{}})
	if err != nil || r.Price.String() != "100.5" || r.Counted["all"] != 101 {
		t.Fatalf("%s, %v, %v", r.Price, r.Counted, err)
	}
}

// A deck's zone and an offering's own prefix: the longest decides, for prices
// as for buckets.
func TestRate_zonesOfADeck(t *testing.T) {
	deck, err := catalog.NewDeck("world", []catalog.DeckEntry{{Prefix: "44", Zone: "UK"}, {Prefix: "447", Zone: "UK mobile"}, {Prefix: "4479", Zone: "Satellite", Own: true}})
	if err != nil {
		t.Fatal(err)
	}
	o := offer(t, `
destinations: [{code: uk, prefixes: ['447911'], deck: world, zones: [UK]}, {code: mobile, deck: world, zones: [UK mobile]}]
usage: [{code: calls, names: {en: Calls}, kind: voice, rules: [
  {code: uk, destinations: [uk], price: 1, per: 1 s}, {code: mobile, destinations: [mobile], price: 2, per: 1 s}, {code: own, destinations: ['*'], network: own, price: 3, per: 1 s}, {code: rest, destinations: ['*'], network: other, price: 9, per: 1 s}]}]`)
	tariff, err := Compile(o, Context{Zone: time.UTC, Decks: map[string]*catalog.Deck{"world": deck}})
	if err != nil {
		t.Fatal(err)
	}
	filter := DestinationFilter(o, nil, []string{"uk"})
	for to, want := range map[string]struct {
		rule   string
		admits bool
	}{"+4420": {"uk", true}, "447555": {"mobile", false}, "447911": {"uk", true}, "447912": {"own", false}, "33": {"rest", false}} {
		e := Event{Kind: catalog.VoiceUsage, Destination: to, Quantity: 1}
		r, err := tariff.Rate(e, State{})
		if err != nil || r.RuleCode != want.rule || tariff.Admits(&filter, &e) != want.admits {
			t.Errorf("to %s: rule %s, admits %v, %v; want %v", to, r.RuleCode, tariff.Admits(&filter, &e), err, want)
		}
	}
	if _, err := Compile(o, Context{Zone: time.UTC}); err == nil || !strings.Contains(err.Error(), `there is no deck "world"`) {
		t.Errorf("without its deck: %v", err)
	}
}

// Prices of another currency are converted by the rate of the day of the
// start, exactly and rounded once.
func TestRate_foreignCurrency(t *testing.T) {
	rates := catalog.NewRates([]catalog.ExchangeRate{{From: money.MustCurrency("EUR"), To: money.MustCurrency("USD"), Day: calendar.Date{Year: 2026, Month: 5, Day: 1}, Value: money.MustDecimal("1.10"), BothWays: true}})
	o := offer(t, voice("currency: USD, connect_fee: 0.10, price: 0.33, per: 1 min"))
	tariff, err := Compile(o, Context{Zone: time.UTC, Rates: rates})
	if err != nil {
		t.Fatal(err)
	}
	r, err := tariff.Rate(Event{Kind: catalog.VoiceUsage, Start: at(t, "2026-05-02T00:00:00Z"), Quantity: 61}, State{})
	if err != nil || r.Price.String() != "0.395909091" { // (0.10 + 61 × 0.33 / 60) / 1.10
		t.Errorf("%s, %v", r.Price, err)
	}
	_, err = tariff.Rate(Event{Kind: catalog.VoiceUsage, Start: at(t, "2026-04-30T23:59:59Z"), Quantity: 61}, State{})
	if failed := (*Error)(nil); !errors.As(err, &failed) || failed.Reason != NoRate {
		t.Errorf("before the first rate: %v", err)
	}
}
