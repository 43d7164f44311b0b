package catalog

import (
	"strings"
	"testing"
)

const sets = `
destinations:
- {code: de, prefixes: ['49']}
- {code: mobile, prefixes: ['+4915', '4916']}
- {code: ten, prefixes: ['490', '491', '492', '493', '494', '495', '496', '497', '498', '499']}
`

func TestCheck_says(t *testing.T) {
	calls := func(rules string) string {
		return sets + "usage:\n- {code: calls, names: {en: Calls}, kind: voice, rules: [" + rules + "]}\n"
	}
	const always = "price: 1, per: 1 min}"
	for _, row := range []struct{ name, text, want string }{
		{"clean", calls("{code: a, destinations: ['*'], " + always), ""},
		{"longer prefixes are no overlap", calls("{code: a, destinations: [de], " + always + ", {code: b, destinations: [mobile], " + always), ""},
		{"no any is no gap", calls("{code: a, destinations: [mobile], " + always), ""},
		{"overlap of rules", calls("{code: a, destinations: ['*'], " + always + ", {code: b, destinations: ['*'], " + always),
			"usage[0].rules[1]: overlaps usage[0].rules[0] on mon from 00:00 for prefix *"},
		{"overlap of windows", calls("{code: a, destinations: [de], windows: [{from: '08:00'}], " + always + ", {code: b, destinations: [de], windows: [{to: '07:00'}, {days: [sat], from: '07:00', to: '09:00'}, {from: '07:00', to: '08:00', days: [mon, tue, wed, thu, fri, sun, holiday]}], " + always),
			"usage[0].rules[1].windows[1]: overlaps usage[0].rules[0] on sat from 08:00 for prefix 49"},
		{"overlap through two sets", "destinations: [{code: a, prefixes: ['49', '43']}, {code: b, prefixes: ['+43']}]\nusage: [{code: calls, names: {en: Calls}, kind: voice, rules: [{code: r, destinations: [a], " + always + ", {code: q, destinations: [b], " + always + "]}]",
			"usage[0].rules[1]: overlaps usage[0].rules[0] on mon from 00:00 for prefix 43"},
		{"gap", calls("{code: a, destinations: [de], windows: [{days: [mon, tue, wed, thu, fri, sat, sun], to: '23:59'}], " + always),
			"usage[0].rules[0].windows: leaves a gap on wed from 23:59 to 24:00 for prefix 49"},
		{"gap on holidays only", "holidays: ['2026-12-25']\n" + calls("{code: a, destinations: [de], windows: [{days: [mon, tue, wed, thu, fri, sat, sun]}], "+always),
			"usage[0].rules[0].windows: leaves a gap on holiday from 00:00 to 24:00 for prefix 49"},
		{"without holidays there is none", calls("{code: a, destinations: [de], windows: [{days: [mon, tue, wed, thu, fri, sat, sun]}], " + always), ""},
		{"holiday rule without holidays", calls("{code: a, destinations: [de], windows: [{days: [mon, tue, wed, thu, fri, sat, sun]}], " + always + ", {code: b, destinations: [de], windows: [{days: [holiday]}], " + always),
			"usage[0].rules[1].windows: are never reached"},
		{"prefix behind ten others", calls("{code: a, destinations: [de], " + always + ", {code: b, destinations: [ten], " + always),
			"usage[0].rules[0].destinations: prefix 49 is never reached"},
		{"window over midnight", calls("{code: a, destinations: [de], windows: [{from: '00:00', to: '18:00'}, {from: '18:00', to: '08:00'}], " + always),
			"usage[0].rules[0].windows[1].to: 08:00 is not later than 18:00"},
		{"unknown destinations", calls("{code: a, destinations: [fr], " + always), "usage[0].rules[0].destinations[0]: no destination set has the code \"fr\""},
		{"price in gigabytes", calls("{code: a, destinations: [de], price: 1, per: 1 GB}"), "usage[0].rules[0].per: \"1 GB\" counts bytes; this usage is counted in seconds"},
		{"division by zero", calls("{code: a, destinations: [de], price: 1, per: 0 s}"), "usage[0].rules[0].per: must be more than nothing"},
		{"empty steps", calls("{code: a, destinations: [de], price: 1, per: 1 s, increments: {first: 60 s, next: 0 s}}"), "usage[0].rules[0].increments.next: must be more than nothing"},
		{"no price", calls("{code: a, destinations: [de]}"), "usage[0].rules[0]: must have exactly one of price with per, steps, tiers"},
		{"no per", calls("{code: a, destinations: [de], price: 1}"), "usage[0].rules[0].per: is missing"},
		{"steps from later", calls("{code: a, destinations: [de], steps: [{from: 10 s, price: 1, per: 1 s, increment: 1 s}]}"), "usage[0].rules[0].steps[0].from: leaves a gap"},
		{"steps out of order", calls("{code: a, destinations: [de], steps: [{from: 0 s, price: 1, per: 1 s, increment: 1 s}, {from: 0 s, price: 1, per: 1 s, increment: 1 s}]}"), "usage[0].rules[0].steps[1].from: 0 s is not after 0 s"},
		{"open end", calls("{code: a, destinations: [de], tiers: {kind: graduated, bands: [{to: 10 s, price: 1, per: 1 s}]}}"), "usage[0].rules[0].tiers.bands[0].to: leaves a gap"},
		{"band nothing reaches", calls("{code: a, destinations: [de], tiers: {kind: volume, bands: [{to: 10 s, price: 1, per: 1 s}, {to: 10 s, price: 2, per: 1 s}, {price: 1, per: 1 s}]}}"), "usage[0].rules[0].tiers.bands[1].to: 10 s is not above the band before it"},
		{"package without a size", calls("{code: a, destinations: [de], tiers: {kind: package, price: 1}}"), "usage[0].rules[0].tiers.size: is missing"},
		{"volume with a cap", calls("{code: a, destinations: [de], cap: 1, tiers: {kind: volume, bands: [{price: 1, per: 1 s}]}}"), "usage[0].rules[0].tiers.kind: volume prices the period"},
		{"cap below minimum", calls("{code: a, destinations: [de], price: 1, per: 1 s, minimum: 2, cap: 1}"), "usage[0].rules[0].cap: is less than the minimum of 2"},
		{"data must have any", sets + "usage: [{code: data, names: {en: Data}, kind: data, rules: [{code: a, destinations: [de], price: 1, per: 1 GB}]}]", "usage[0].rules: data usage has no destination"},
		{"same code", calls("{code: calls, destinations: [de], " + always), "usage[0].rules[0].code: \"calls\" is already used at usage[0].code"},
		{"same prefix", "destinations: [{code: a, prefixes: ['49', '+49']}]", "destinations[0].prefixes[1]: \"49\" is already used at destinations[0].prefixes[0]"},
		{"three decimals of a euro", "prices: {one_time: [{code: setup, names: {en: Setup}, amount: 9.999}]}", "prices.one_time[0].amount: 9.999 has 3 digits after the point; EUR has 2"},
		{"minutes of data", "allowances: [{code: a, names: {en: A}, amount: 5 min, kinds: [data], validity_months: 1, priority: 1}]", "allowances[0].kinds[0]: data usage counts bytes, the amount \"5 min\" counts seconds"},
	} {
		t.Run(row.name, func(t *testing.T) {
			o, err := Parse([]byte(base + row.text))
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, f := range Check(o) {
				all = append(all, f.String())
			}
			if text := strings.Join(all, "\n"); row.want == "" && text != "" || !strings.Contains(text, row.want) {
				t.Errorf("got %q, want %q", text, row.want)
			}
		})
	}
}

func TestCheck_datesAndSorts(t *testing.T) {
	rule := func(code, rest string) string {
		return "{code: " + code + ", destinations: ['*'], " + rest + ", price: 1, per: 1 min}"
	}
	calls := func(rules ...string) string {
		return "usage:\n- {code: calls, names: {en: Calls}, kind: voice, rules: [" + strings.Join(rules, ", ") + "]}\n"
	}
	const january1 = "windows: [{months: [1], month_days: [1]}]"
	for _, row := range []struct{ name, text, want string }{
		{"a month without a rule", calls(rule("a", "windows: [{months: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]}]")),
			"usage[0].rules[0].windows: leaves a gap on mon, 1 November from 00:00 to 24:00 for prefix *"},
		{"a month day without a rule", calls(rule("a", "windows: [{month_days: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30]}]")),
			"leaves a gap on mon, 31 January from 00:00 to 24:00"},
		{"29 February too", calls(rule("a", "windows: [{months: [1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}, {months: [2], month_days: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28]}]")),
			"leaves a gap on mon, 29 February from 00:00 to 24:00"},
		{"a date that no rule takes", calls(rule("a", "windows: [{last_date: 2026-12-23}, {first_date: 2026-12-25}]")),
			"leaves a gap on 2026-12-24 (thu) from 00:00 to 24:00"},
		{"after the last date", calls(rule("a", "windows: [{last_date: 2026-12-31}]")), "leaves a gap on mon from 2027-01-01 on from 00:00 to 24:00"},
		{"dates that meet", calls(rule("a", "windows: [{last_date: 2026-12-31}]"), rule("b", "windows: [{first_date: 2027-01-01}]")), ""},
		{"a day within another rule's", calls(rule("a", "priority: 50"), rule("b", january1)), "usage[0].rules[1]: is never reached"},
		{"a day before another rule's", calls(rule("a", "minimum: 0"), rule("b", "priority: 1, "+january1)), ""},
		{"equal priority", calls(rule("a", "minimum: 0"), rule("b", january1)),
			"usage[0].rules[1].windows[0]: overlaps usage[0].rules[0] on mon, 1 January from 00:00 for prefix *; end it there, or give one of them a lower priority number, which goes first"},
		{"a day that no month has", calls(rule("a", "minimum: 0"), rule("b", "priority: 1, windows: [{months: [2, 4], month_days: [31]}]")), "usage[0].rules[1].windows[0].month_days: none of the months has such a day"},
		{"dates the wrong way round", calls(rule("a", "minimum: 0"), rule("b", "priority: 1, windows: [{first_date: 2026-02-01, last_date: 2026-01-01}]")), "usage[0].rules[1].windows[0].last_date: 2026-01-01 is before 2026-02-01"},
		{"own network only", calls(rule("a", "network: own")), "usage[0].rules[0]: leaves a gap: no rule prices prefix *, other network; add one"},
		{"own and other", calls(rule("a", "network: own"), rule("b", "network: other")), ""},
		{"own beside any", calls(rule("a", "network: own"), rule("b", "minimum: 0")), "usage[0].rules[1]: overlaps usage[0].rules[0] on mon from 00:00 for prefix *, own network"},
		{"own before any", calls(rule("a", "priority: 1, network: own"), rule("b", "minimum: 0")), ""},
		{"one quality only", calls(rule("a", "qualities: [hd]")), "usage[0].rules[0]: leaves a gap: no rule prices prefix *, qualities that no rule names; add one"},
		{"a quality and the rest", calls(rule("a", "priority: 1, qualities: [hd]"), rule("b", "minimum: 0")), ""},
		{"holiday calendar", "calendar: de\n" + calls(rule("a", "windows: [{days: [mon, tue, wed, thu, fri, sat, sun]}]")), "leaves a gap on holiday from 00:00 to 24:00"},
		{"zones of a deck", "destinations: [{code: far, deck: world, zones: [Asia]}]\n" + strings.Replace(calls(rule("a", "windows: [{to: '12:00'}]")), "'*'", "far", 1), "leaves a gap on mon from 12:00 to 24:00 for prefix Asia of deck world"},
		{"a share of a call", strings.Replace(calls(rule("a", "minimum: 0")), "price: 1, per: 1 min", "percent: 1", 1), "usage[0].rules[0].percent: voice usage has no amount of its own"},
		{"two prices", calls(rule("a", "event_price: 1")), "usage[0].rules[0]: must have exactly one of price with per, steps, tiers, event_price, percent; it has 2"},
		{"an end that never comes", strings.Replace(calls(rule("a", "cap: {amount: 1, then: end}")), "price: 1, per: 1 min", "event_price: 0.5", 1), "usage[0].rules[0].cap.then: the price does not grow"},
		{"a stair with a price", strings.Replace(calls(rule("a", "minimum: 0")), "minimum: 0, price: 1, per: 1 min", "tiers: {kind: stair, bands: [{price: 1, per: 1 s}]}", 1), "usage[0].rules[0].tiers.bands[0].price: a stair asks one fee"},
		{"zero usage without a fee", strings.Replace(calls(rule("a", "minimum: 0")), "minimum: 0, price: 1, per: 1 min", "tiers: {kind: graduated, at_zero: true, bands: [{price: 1, per: 1 s}]}", 1), "usage[0].rules[0].tiers.at_zero: asks the first band's fee"},
	} {
		t.Run(row.name, func(t *testing.T) {
			o, err := Parse([]byte(base + row.text))
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, f := range Check(o) {
				all = append(all, f.String())
			}
			if text := strings.Join(all, "\n"); row.want == "" && text != "" || !strings.Contains(text, row.want) {
				t.Errorf("got %q, want %q", text, row.want)
			}
		})
	}
}
