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
