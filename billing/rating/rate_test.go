package rating

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// offer parses an offering whose usage section is given.
func offer(tb failer, usage string) catalog.Offering {
	tb.Helper()
	o, err := catalog.Parse([]byte(`
code: test
names: {en: Test}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
` + usage))
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

// failer is what testing.TB and *rapid.T share.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func tariff(tb failer, usage, zone string) *Tariff {
	tb.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		tb.Fatal(err)
	}
	compiled, err := Compile(offer(tb, usage), Context{Zone: loc})
	if err != nil {
		tb.Fatal(err)
	}
	return compiled
}

func at(tb failer, text string) time.Time {
	tb.Helper()
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func voice(rule string) string {
	return "usage:\n- {code: calls, names: {en: Calls}, kind: voice, rules: [{code: all, destinations: ['*'], " + rule + "}]}\n"
}

func data(rule string) string {
	return "usage:\n- {code: data, names: {en: Data}, kind: data, rules: [{code: all, destinations: ['*'], " + rule + "}]}\n"
}

func messages(rule string) string {
	return "usage:\n- {code: sms, names: {en: SMS}, kind: message, rules: [{code: all, destinations: ['*'], " + rule + "}]}\n"
}

func TestRate_prices(t *testing.T) {
	const (
		peak      = `{code: calls, names: {en: Calls}, kind: voice, rules: [{code: day, destinations: ['*'], windows: [{from: '08:00', to: '18:00'}], connect_fee: 1, price: 0.10, per: 1 min}, {code: night, destinations: ['*'], windows: [{to: '08:00'}, {from: '18:00'}], connect_fee: 7, price: 0.05, per: 1 min}]}`
		night2to3 = `{code: calls, names: {en: Calls}, kind: voice, rules: [{code: two, destinations: ['*'], windows: [{from: '02:00', to: '03:00'}], price: 1, per: 1 min}, {code: rest, destinations: ['*'], windows: [{to: '02:00'}, {from: '03:00'}], price: 100, per: 1 min}]}`
	)
	for _, row := range []struct {
		name, usage, zone, start string
		kind                     catalog.UsageKind
		quantity                 int64
		want                     string
	}{
		{"a thousand at 0.0004", messages("price: 0.0004, per: 1"), "UTC", "2026-05-01T00:00:00Z", catalog.MessageUsage, 1000, "0.4"},
		{"61 s in whole minutes", voice("price: 0.10, per: 1 min, increments: {first: 60 s, next: 60 s}"), "UTC", "2026-05-01T00:00:00Z", catalog.VoiceUsage, 61, "0.2"},
		{"61 s in 60/1", voice("price: 0.10, per: 1 min, increments: {first: 60 s, next: 1 s}"), "UTC", "2026-05-01T00:00:00Z", catalog.VoiceUsage, 61, "0.101666667"},
		{"1,001 at 0.0004", messages("price: 0.0004, per: 1"), "UTC", "2026-05-01T00:00:00Z", catalog.MessageUsage, 1001, "0.4004"},
		{"60 s in whole minutes", voice("price: 0.10, per: 1 min, increments: {first: 60 s, next: 60 s}"), "UTC", "2026-05-01T00:00:00Z", catalog.VoiceUsage, 60, "0.1"},
		{"121 s in whole minutes", voice("price: 0.10, per: 1 min, increments: {first: 60 s, next: 60 s}"), "UTC", "2026-05-01T00:00:00Z", catalog.VoiceUsage, 121, "0.3"},
		{"5 s in 60/1", voice("price: 0.10, per: 1 min, increments: {first: 60 s, next: 1 s}"), "UTC", "2026-05-01T00:00:00Z", catalog.VoiceUsage, 5, "0.1"},
		{"180 s in seconds", voice("price: 0.1, per: 1 min"), "UTC", "2026-05-01T00:00:00Z", catalog.VoiceUsage, 180, "0.3"},
		{"nothing at no fee", voice("price: 0.1, per: 1 min"), "UTC", "2026-05-01T00:00:00Z", catalog.VoiceUsage, 0, "0"},
		{"17:50 to 18:10, fee of the start", "usage: [" + peak + "]", "Europe/Berlin", "2026-05-04T15:50:00Z", catalog.VoiceUsage, 1200, "2.5"},
		{"a day long", "usage: [" + peak + "]", "Europe/Berlin", "2026-05-03T22:00:00Z", catalog.VoiceUsage, 86400, "109"},
		{"Berlin repeats 02 to 03", "usage: [" + night2to3 + "]", "Europe/Berlin", "2026-10-25T00:30:00Z", catalog.VoiceUsage, 3600, "60"},
		{"Berlin leaves 02 to 03 after two hours", "usage: [" + night2to3 + "]", "Europe/Berlin", "2026-10-25T00:00:00Z", catalog.VoiceUsage, 7260, "220"},
		{"Berlin skips 02 to 03", "usage: [" + night2to3 + "]", "Europe/Berlin", "2026-03-29T00:30:00Z", catalog.VoiceUsage, 3600, "6000"},
		{"the last day of a leap year far ahead", "usage: [" + peak + "]", "Europe/Berlin", "2040-12-31T16:50:00Z", catalog.VoiceUsage, 1200, "2.5"},
		{"one GB in KiB steps", data("price: 1, per: 1 GB, increments: {first: 1 KiB, next: 1 KiB}"), "UTC", "2026-05-01T00:00:00Z", catalog.DataUsage, 1e9, "1.000000512"},
		{"a GiB is not a GB", data("price: 1, per: 1 GiB"), "UTC", "2026-05-01T00:00:00Z", catalog.DataUsage, 1e9, "0.931322575"},
		{"minimum", voice("price: 0.1, per: 1 min, minimum: 0.05"), "UTC", "2026-05-01T00:00:00Z", catalog.VoiceUsage, 6, "0.05"},
		{"cap", voice("connect_fee: 0.5, price: 0.1, per: 1 min, cap: 2"), "UTC", "2026-05-01T00:00:00Z", catalog.VoiceUsage, 6000, "2"},
		{"a trillion rupiah's worth of digits", voice("price: 99999999999.99, per: 1 s"), "UTC", "2026-05-01T00:00:00Z", catalog.VoiceUsage, 1000, "99999999999990"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, err := tariff(t, row.usage, row.zone).Rate(Event{Kind: row.kind, Destination: "49301234", Start: at(t, row.start), Quantity: row.quantity}, State{})
			if err != nil {
				t.Fatal(err)
			}
			if r.Price.String() != row.want || !r.Unpaid.Equal(r.Price) {
				t.Errorf("price %s, unpaid %s, want %s\n%s", r.Price, r.Unpaid, row.want, strings.Join(r.Why.Lines(), "\n"))
			}
		})
	}
}

func TestRate_windowsWithoutFee(t *testing.T) {
	usage := `usage: [{code: calls, names: {en: Calls}, kind: voice, rules: [
  {code: day, destinations: ['*'], windows: [{from: '08:00', to: '18:00'}], price: 0.10, per: 1 min},
  {code: night, destinations: ['*'], windows: [{to: '08:00'}, {from: '18:00'}], price: 0.05, per: 1 min, increments: {first: 60 s, next: 60 s}}]}]`
	for _, row := range []struct {
		name, start string
		quantity    int64
		billed      int64
		want        string
	}{
		{"17:50 to 18:10", "2026-05-04T17:50:00Z", 1200, 1200, "1.5"},
		{"a step under way ends at its old price", "2026-05-05T07:59:30Z", 40, 60, "0.05"},
		{"and the next is of the new window", "2026-05-05T07:59:30Z", 90, 90, "0.1"},
		{"a second under way does too", "2026-05-04T17:59:59.5Z", 60, 61, "0.051666667"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, err := tariff(t, usage, "UTC").Rate(Event{Kind: catalog.VoiceUsage, Start: at(t, row.start), Quantity: row.quantity}, State{})
			if err != nil {
				t.Fatal(err)
			}
			if r.Price.String() != row.want || r.Billed != row.billed {
				t.Errorf("price %s, billed %d, want %s, %d\n%s", r.Price, r.Billed, row.want, row.billed, strings.Join(r.Why.Lines(), "\n"))
			}
		})
	}
}

func TestRate_roundingAtFourDigitsUp(t *testing.T) {
	usage := strings.Replace(voice("price: 0.10, per: 1 min, increments: {first: 60 s, next: 1 s}"),
		"kind: voice,", "kind: voice, rounding: {digits: 4, mode: up},", 1)
	r, err := tariff(t, usage, "UTC").Rate(Event{Kind: catalog.VoiceUsage, Quantity: 61}, State{})
	if err != nil || r.Price.String() != "0.1017" {
		t.Fatalf("price %s, %v", r.Price, err)
	}
}

func TestRate_tiers(t *testing.T) {
	const bands = "bands: [{to: 100 GB, price: 1.00, per: 1 GB}, {price: 0.50, per: 1 GB}]"
	const gb = 1_000_000_000
	for _, row := range []struct {
		tiers string
		usage int64 // bytes, or events for packages
		want  string
	}{
		{"kind: graduated, " + bands, 100 * gb, "100"},
		{"kind: graduated, " + bands, 101 * gb, "100.5"},
		{"kind: graduated, " + bands, 100*gb + gb/2, "100.25"},
		{"kind: volume, " + bands, 100 * gb, "100"},
		{"kind: volume, " + bands, 101 * gb, "50.5"},
		{"kind: volume, " + bands, 100*gb + gb/2, "50.25"},
		{"kind: package, free: 100 B, size: 100 B, price: 5", 0, "0"},
		{"kind: package, free: 100 B, size: 100 B, price: 5", 100, "0"},
		{"kind: package, free: 100 B, size: 100 B, price: 5", 101, "5"},
		{"kind: package, free: 100 B, size: 100 B, price: 5", 200, "5"},
		{"kind: package, free: 100 B, size: 100 B, price: 5", 201, "10"},
	} {
		tariff := tariff(t, data("tiers: {"+row.tiers+"}"), "UTC")
		t.Run(row.tiers[6:15]+"/"+row.want, func(t *testing.T) {
			whole, err := tariff.Rate(Event{Kind: catalog.DataUsage, Quantity: row.usage}, State{})
			if err != nil || whole.Price.String() != row.want {
				t.Errorf("in one event: %s, %v, want %s", whole.Price, err, row.want)
			}
			var sum money.Decimal
			counters := map[string]int64{}
			for left := row.usage; left > 0; {
				part := min(left, row.usage/7+1)
				left -= part
				r, err := tariff.Rate(Event{Kind: catalog.DataUsage, Quantity: part}, State{Counters: counters})
				if err != nil {
					t.Fatal(err)
				}
				sum = sum.Add(r.Price)
				counters["all"] += r.Counted["all"]
			}
			if sum.String() != row.want {
				t.Errorf("in seven events: %s, want %s", sum, row.want)
			}
		})
	}
}

func TestRate_lateUsageOnTheSameCounter(t *testing.T) {
	tariff := tariff(t, messages("tiers: {kind: graduated, bands: [{to: 1000, price: 0.10, per: 1}, {price: 0.05, per: 1}]}"), "UTC")
	r, err := tariff.Rate(Event{Kind: catalog.MessageUsage, Quantity: 200}, State{Counters: map[string]int64{"all": 900}})
	if err != nil || r.Price.String() != "15" || r.Counted["all"] != 200 {
		t.Fatalf("200 after 900: %s, %v, %v", r.Price, r.Counted, err)
	}
}

func TestRate_reasons(t *testing.T) {
	hole, err := compile(offer(t, `usage: [{code: calls, names: {en: Calls}, kind: voice, rules: [
  {code: day, destinations: ['*'], windows: [{from: '08:00', to: '18:00'}], price: 0.10, per: 1 min}]}]`), Context{Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	some := tariff(t, `
destinations: [{code: de, prefixes: ['49']}]
usage: [{code: calls, names: {en: Calls}, kind: voice, rules: [{code: de, destinations: [de], price: 0.10, per: 1 min}]}]`, "UTC")
	for _, row := range []struct {
		name   string
		tariff *Tariff
		event  Event
		reason Reason
	}{
		{"no price for the kind", some, Event{Kind: catalog.DataUsage, Quantity: 1}, NoRule},
		{"no kind at all", some, Event{Kind: "smoke", Quantity: 1}, NoRule},
		{"no prefix", some, Event{Kind: catalog.VoiceUsage, Destination: "+1212", Quantity: 1}, NoDestination},
		{"no destination", some, Event{Kind: catalog.VoiceUsage, Quantity: 1}, NoDestination},
		{"negative", some, Event{Kind: catalog.VoiceUsage, Destination: "49", Quantity: -1}, Negative},
		{"negative offset", some, Event{Kind: catalog.VoiceUsage, Destination: "49", Offset: -1}, Negative},
		{"more covered than used", some, Event{Kind: catalog.VoiceUsage, Destination: "49", Covered: 1, Quantity: 5}, Negative},
		{"sum past 64 bits", some, Event{Kind: catalog.VoiceUsage, Destination: "49", Offset: 1 << 62, Quantity: 1 << 62}, TooLarge},
		{"eleven years", some, Event{Kind: catalog.VoiceUsage, Destination: "49", Quantity: 11 * 366 * 86400}, TooLong},
		{"starts in a hole", hole, Event{Kind: catalog.VoiceUsage, Start: at(t, "2026-05-04T07:00:00Z"), Quantity: 1}, WindowHole},
		{"runs into a hole", hole, Event{Kind: catalog.VoiceUsage, Start: at(t, "2026-05-04T17:00:00Z"), Quantity: 7200}, WindowHole},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := row.tariff.Rate(row.event, State{})
			var failed *Error
			if !errors.As(err, &failed) || failed.Reason != row.reason {
				t.Fatalf("got %v, want %s", err, row.reason)
			}
			if row.name == "runs into a hole" && failed.PricedUntil != 3600 {
				t.Errorf("priced until %d", failed.PricedUntil)
			}
		})
	}
}

func TestCompile_refusesWhatCheckFinds(t *testing.T) {
	o := offer(t, voice("price: 1, per: 1 GB"))
	if _, err := Compile(o, Context{Zone: time.UTC}); err == nil || !strings.Contains(err.Error(), "usage[0].rules[0].per") {
		t.Fatalf("got %v", err)
	}
}

func TestCompile_pricesTooFine(t *testing.T) {
	var rules []string
	for _, prime := range []string{"999983", "999979", "999961", "999959"} {
		rules = append(rules, "{price: 1, per: "+prime+" s, to: "+prime+" s}")
	}
	usage := voice("tiers: {kind: graduated, bands: [" + strings.Join(rules, ", ") + "]}")
	if _, err := compile(offer(t, usage), Context{Zone: time.UTC}); !errors.Is(err, ErrTooFine) {
		t.Fatalf("got %v", err)
	}
}
