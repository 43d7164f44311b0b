package catalog

import (
	"strings"
	"testing"
)

func TestCheck_findsAllowancesThatCannotBe(t *testing.T) {
	const head = "code: a, names: {en: A}, priority: 1"
	data := head + ", amount: 5 GB, kinds: [data]"
	monthly := data + ", validity_months: 1"
	for _, row := range []struct{ name, allowance, want string }{
		{"clean", monthly, ""},
		{"everything at once", "code: a, names: {en: A}, priority: 2, amount: 200 min, kinds: [voice], destinations: [de], windows: [{days: [sat, sun]}], qualities: [hd, sd], " +
			"price: {connect_fee: 0.05, price: 0.01, per: 1 min, increment: 30 s}, factors: {hd: 2, '*': 1}, blocks: true, validity_days: 30, " +
			"rollover: {share: 50, amount: 60 min, periods: 3, use: first}, shared: {limit: 50 min}, refill: {on: event, event: app-install, times: 1}", ""},
		{"money for anything", head + ", amount: 5.00 EUR, validity: cycle", ""},
		{"points on payment", head + ", amount: 500 points, validity_months: 12, refill: {on: payment, minimum: 20.00}", ""},
		{"nothing", head + ", amount: 0 GB, kinds: [data], validity_months: 1", "allowances[0].amount: must be more than nothing"},
		{"another currency", head + ", amount: 5 USD, validity_months: 1", "allowances[0].amount: is in USD, the offering in EUR"},
		{"three decimals of a euro", head + ", amount: 5.001 EUR, validity_months: 1", "allowances[0].amount: 5.001 has 3 digits after the point; EUR has 2"},
		{"no kinds", head + ", amount: 5 GB, validity_months: 1", "allowances[0].kinds: is missing"},
		{"minutes of data", head + ", amount: 5 min, kinds: [data], validity_months: 1", "allowances[0].kinds[0]: data usage counts bytes, the amount \"5 min\" counts seconds"},
		{"points for calls", head + ", amount: 5 points, kinds: [voice], validity_months: 1", "allowances[0].kinds: points pay for no usage"},
		{"points that block", head + ", amount: 5 points, blocks: true, validity_months: 1", "allowances[0].blocks: points pay for no usage"},
		{"window over midnight", monthly + ", windows: [{from: '22:00', to: '06:00'}]", "allowances[0].windows[0].to: 06:00 is not later than 22:00"},
		{"unknown destination", monthly + ", destinations: [fr]", "allowances[0].destinations[0]: no destination set has the code \"fr\""},
		{"price of money", head + ", amount: 5 EUR, validity_months: 1, price: {price: 1, per: 1 min}", "allowances[0].price: money pays the price of usage"},
		{"price without per", monthly + ", price: {price: 1}", "allowances[0].price.per: is missing"},
		{"per without price", monthly + ", price: {per: 1 GB}", "allowances[0].price.price: is missing"},
		{"price per minute of data", monthly + ", price: {price: 1, per: 1 min}", "allowances[0].price.per: \"1 min\" counts seconds; this usage is counted in bytes"},
		{"increment of nothing", monthly + ", price: {increment: 0 MB}", "allowances[0].price.increment: must be more than nothing"},
		{"empty price", monthly + ", price: {}", "allowances[0].price: must have at least one of"},
		{"factor of nothing", monthly + ", factors: {hd: 0}", "allowances[0].factors.hd: must be more than nothing"},
		{"factor of money", head + ", amount: 5 EUR, validity_months: 1, factors: {hd: 2}", "allowances[0].factors.hd: money pays a price"},
		{"factor of a quality it is not for", monthly + ", qualities: [sd], factors: {hd: 2}", "allowances[0].factors.hd: is never used"},
		{"no validity", data, "allowances[0]: must have exactly one of validity_months, validity_days, validity"},
		{"two validities", monthly + ", validity_days: 30", "allowances[0]: must have exactly one of"},
		{"all and more rolls over", monthly + ", rollover: {share: 101, periods: 1}", "allowances[0].rollover.share: must be above 0 and at most 100"},
		{"minutes of data roll over", monthly + ", rollover: {amount: 5 min, periods: 1}", "allowances[0].rollover.amount: \"5 min\" counts seconds, the allowance bytes"},
		{"more rolls over than there is", monthly + ", rollover: {amount: 6 GB, periods: 1}", "allowances[0].rollover.amount: 6 GB is more than the allowance of 5 GB"},
		{"no turn before the first", monthly + ", rollover: {periods: 2, use: first}", "allowances[0].rollover.use: no priority is left before 1"},
		{"shared points", head + ", amount: 5 points, validity_months: 1, shared: {}", "allowances[0].shared: points belong to one account"},
		{"limit above all", monthly + ", shared: {limit: 6 GB}", "allowances[0].shared.limit: 6 GB is more than the allowance of 5 GB"},
		{"minimum of a cycle", monthly + ", refill: {on: cycle, minimum: 5}", "allowances[0].refill.minimum: belongs to refills on payment"},
		{"no event", monthly + ", refill: {on: event}", "allowances[0].refill.event: is missing"},
		{"event of a payment", monthly + ", refill: {on: payment, event: birthday}", "allowances[0].refill.event: belongs to refills on event"},
		{"some cycles", monthly + ", refill: {on: cycle, times: 3}", "allowances[0].refill.times: a cycle gives the allowance each time"},
		{"activated twice", monthly + ", refill: {on: event, event: activation, times: 2}", "allowances[0].refill.times: a subscription is activated once"},
	} {
		t.Run(row.name, func(t *testing.T) { checks(t, base+sets+"allowances: [{"+row.allowance+"}]", row.want) })
	}
	t.Run("behind one that blocks", func(t *testing.T) {
		checks(t, base+"allowances: [{"+monthly+", blocks: true}, {code: b, names: {en: B}, priority: 2, amount: 1 GB, kinds: [data], validity_months: 1}]",
			"allowances[1]: is never used: a blocks all data usage before it")
	})
	t.Run("debt of a postpaid offering", func(t *testing.T) {
		checks(t, strings.Replace(base, "billing: prepaid", "billing: postpaid", 1)+"debt_limit: 5.00\n", "debt_limit: is for prepaid accounts")
	})
}

func checks(t *testing.T, text, want string) {
	t.Helper()
	o, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range Check(o) {
		all = append(all, f.String())
	}
	if text := strings.Join(all, "\n"); want == "" && text != "" || !strings.Contains(text, want) {
		t.Errorf("got %q, want %q", text, want)
	}
}

func TestContents_readsWhatItWrites(t *testing.T) {
	for _, row := range []struct{ text, amount, unit string }{
		{"100 GB", "100000000000", "byte"}, {"200 min", "12000", "second"}, {"50", "50", "event"}, {"500 points", "500", "point"}, {"5.5 EUR", "5.5", "EUR"},
	} {
		c, err := ParseContents(row.text)
		if err != nil || c.Decimal().String() != row.amount || string(c.Unit()) != row.unit || c.String() != row.text {
			t.Errorf("%q: %s %s %q, %v", row.text, c.Decimal(), c.Unit(), c, err)
		}
	}
	for _, bad := range []string{"", "5 XYZ", "-1 GB", "1.5 points", "GB", "1.5"} {
		if c, err := ParseContents(bad); err == nil {
			t.Errorf("%q is taken as %s %s", bad, c.Decimal(), c.Unit())
		}
	}
}
