package rating

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// draw makes random parts of a tariff.
type draw struct{ t *rapid.T }

func (d draw) amount(name string) money.Decimal {
	return money.DecimalOf(rapid.Int64Range(0, 20000).Draw(d.t, name), int32(rapid.IntRange(0, 5).Draw(d.t, name+" digits")))
}

func (d draw) optional(name string) *money.Decimal {
	if !rapid.Bool().Draw(d.t, "has "+name) {
		return nil
	}
	amount := d.amount(name)
	return &amount
}

func (d draw) seconds(name string) *catalog.Quantity {
	q := catalog.MustQuantity(fmt.Sprintf("%d s", rapid.SampledFrom([]int{1, 6, 7, 30, 60, 61, 90, 3600}).Draw(d.t, name)))
	return &q
}

func (d draw) one(name string, of int) bool { return rapid.IntRange(1, of).Draw(d.t, name) == 1 }

func (d draw) bands(r *catalog.Rule, kind catalog.TierKind) {
	r.Tiers = &catalog.Tiers{Kind: kind, AtZero: d.one("at zero", 4)}
	for _, to := range []string{"100 s", "400 s", ""} {
		b := catalog.Band{Fee: d.optional("fee")}
		if to != "" {
			q := catalog.MustQuantity(to)
			b.To = &q
		}
		if kind == catalog.Stair || to == "100 s" && r.Tiers.AtZero {
			fee := d.amount("fee")
			b.Fee = &fee
		}
		if kind != catalog.Stair {
			price := d.amount("band price")
			b.Price, b.Per = &price, d.seconds("band per")
		}
		r.Tiers.Bands = append(r.Tiers.Bands, b)
	}
}

// pricing gives a rule its way to a price.
func (d draw) pricing(r *catalog.Rule) {
	price := d.amount("price")
	switch rapid.IntRange(0, 7).Draw(d.t, "pricing") {
	case 0:
		r.Price, r.Per = &price, d.seconds("per")
	case 1, 2:
		r.Price, r.Per = &price, d.seconds("per")
		r.Increments = &catalog.Increments{First: *d.seconds("first"), Next: *d.seconds("next")}
	case 3:
		for _, from := range []string{"0 s", "60 s", "90 s"} {
			r.Steps = append(r.Steps, catalog.PriceStep{From: catalog.MustQuantity(from), Price: d.amount("step price"), Per: *d.seconds("step per"), Increment: *d.seconds("step")})
		}
	case 4:
		r.EventPrice = &price
	case 5:
		r.Increments = &catalog.Increments{First: *d.seconds("first"), Next: *d.seconds("next")}
		r.Tiers = &catalog.Tiers{Kind: catalog.Package, Free: d.seconds("free"), Size: d.seconds("size"), Price: &price}
	case 6:
		d.bands(r, catalog.Graduated)
	default:
		d.bands(r, rapid.SampledFrom([]catalog.TierKind{catalog.Volume, catalog.Stair}).Draw(d.t, "tiers"))
		return // an event has no bounds of its own
	}
	if d.one("bounds", 3) {
		least := money.MustDecimal("0.5")
		r.Minimum, r.Cap = &least, &catalog.Cap{Amount: money.MustDecimal("40.25"), Then: catalog.ThenFree}
		if r.EventPrice == nil && r.Tiers == nil && d.one("end", 3) {
			r.Cap.Then = catalog.ThenEnd
		}
	}
}

func (d draw) rule(code string, priority int, windows ...catalog.Window) catalog.Rule {
	r := catalog.Rule{Code: code, Destinations: []string{"*"}, Priority: priority, Windows: windows, ConnectFee: d.optional("connect fee")}
	if d.one("currency", 5) {
		usd := money.MustCurrency("USD")
		r.Currency = &usd
	}
	d.pricing(&r)
	return r
}

// offering has a rule for always, and others before it for hours, days,
// months, dates, the own network and a quality.
func (d draw) offering() catalog.Offering {
	of := func(text string) *catalog.TimeOfDay {
		var t catalog.TimeOfDay
		if err := t.UnmarshalText([]byte(text)); err != nil {
			d.t.Fatal(err)
		}
		return &t
	}
	times := []string{"01:59", "02:00", "02:30", "08:00", "17:59", "18:00", "23:59"}
	from := of(rapid.SampledFrom(times).Draw(d.t, "from"))
	october25 := calendar.Date{Year: 2026, Month: time.October, Day: 25}
	march29 := calendar.Date{Year: 2026, Month: time.March, Day: 29}
	u := catalog.UsagePrice{Code: "calls", Names: catalog.Names{"en": "Calls"}, Kind: catalog.VoiceUsage,
		Rounding: &catalog.Rounding{Digits: int32(rapid.IntRange(0, 9).Draw(d.t, "digits")), Mode: money.Rounding(rapid.IntRange(0, 5).Draw(d.t, "mode"))}}
	u.Rules = append(u.Rules, d.rule("always", 0), d.rule("hours", 60, catalog.Window{From: from}, catalog.Window{To: of("00:01")}))
	if d.one("days", 3) {
		u.Rules = append(u.Rules, d.rule("days", 50, catalog.Window{Days: []catalog.Day{catalog.Sunday, catalog.Holiday}, To: of("02:30")}))
	}
	if d.one("month", 3) {
		u.Rules = append(u.Rules, d.rule("month", 40, catalog.Window{Months: []time.Month{time.May}, MonthDays: []int{4, 31}, From: of("16:00")}))
	}
	if d.one("dates", 3) {
		u.Rules = append(u.Rules, d.rule("dates", 30, catalog.Window{FirstDate: &march29, LastDate: &march29, From: of("01:30")}, catalog.Window{Dates: []calendar.Date{october25}, To: of("02:10")}))
	}
	if d.one("own", 3) {
		r := d.rule("own", 20)
		r.Network = catalog.OwnNetwork
		u.Rules = append(u.Rules, r)
	}
	if d.one("quality", 3) {
		r := d.rule("quality", 10)
		r.Qualities = []string{"hd"}
		u.Rules = append(u.Rules, r)
	}
	return catalog.Offering{Code: "test", Names: catalog.Names{"en": "Test"}, Billing: catalog.Prepaid, Services: []catalog.ServiceKind{catalog.Mobile},
		Currency: money.MustCurrency("EUR"), Tax: catalog.Tax{Category: "standard", Included: true}, Holidays: []calendar.Date{october25}, Usage: []catalog.UsagePrice{u}}
}

// buckets are of seconds, some with windows, ends, steps, prices and factors.
func (d draw) buckets(start time.Time) (list []Bucket) {
	for i := range rapid.IntRange(0, 3).Draw(d.t, "buckets") {
		b := bucket(byte(i+1), money.Second, fmt.Sprint(rapid.IntRange(1, 500).Draw(d.t, "value")), rapid.IntRange(1, 3).Draw(d.t, "priority"))
		if d.one("expires", 3) {
			at := start.Add(time.Duration(rapid.IntRange(1, 400_000).Draw(d.t, "after")) * time.Millisecond)
			b.ExpiresAt = &at
		}
		if d.one("windows", 3) {
			at := catalog.TimeOfDay(start.UTC().Hour()*60+start.Minute()+rapid.IntRange(0, 4).Draw(d.t, "minutes")) % catalog.DayMinutes
			b.Filter.Windows = []catalog.Window{{From: &at}}
		}
		if d.one("quality", 4) {
			b.Filter.Qualities = []string{"hd"}
		}
		if d.one("price", 3) {
			b.Terms.Price = &OwnPrice{ConnectFee: d.amount("own fee"), Price: d.amount("own price"), Per: d.seconds("own per"), Increment: d.seconds("own step")}
		}
		if d.one("factor", 4) {
			b.Terms.Factors = map[string]money.Decimal{"hd": money.MustDecimal(rapid.SampledFrom([]string{"4", "0.5", "1.25"}).Draw(d.t, "factor"))}
		}
		list = append(list, b)
	}
	return list
}

// drawn is a random tariff with its reference, and a call's begin.
func drawn(t *rapid.T) (*Tariff, *reference, Event) {
	d := draw{t}
	loc, err := time.LoadLocation(rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "Asia/Jakarta", "America/New_York"}).Draw(t, "zone"))
	if err != nil {
		t.Fatal(err)
	}
	o := d.offering()
	rates := catalog.NewRates([]catalog.ExchangeRate{{From: money.MustCurrency("USD"), To: money.MustCurrency("EUR"), Value: money.MustDecimal("0.91")}})
	compiled, err := compile(o, Context{Zone: loc, Rates: rates})
	if err != nil {
		t.Fatal(err)
	}
	around := rapid.SampledFrom([]string{"2026-03-29T00:59:00Z", "2026-10-25T00:59:00Z", "2026-05-04T15:59:30Z", "2026-05-31T23:59:00Z"}).Draw(t, "around")
	e := Event{Kind: catalog.VoiceUsage, OwnNetwork: rapid.Bool().Draw(t, "own network"), Quality: rapid.SampledFrom([]string{"", "hd"}).Draw(t, "quality of use"),
		Start: at(t, around).Add(time.Duration(rapid.IntRange(-400, 400).Draw(t, "seconds"))*time.Second + time.Duration(rapid.IntRange(0, 999999).Draw(t, "microseconds"))*time.Microsecond)}
	return compiled, &reference{o, o.Usage[0], loc, rates}, e
}

// checks sets how many cases rapid draws in a test, whatever its flag says.
func checks(t *testing.T, n int) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	before := f.Value.String()
	if err := f.Value.Set(fmt.Sprint(n)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Value.Set(before) })
}

func TestRate_equalsTheStepByStepReference(t *testing.T) {
	checks(t, 10_000)
	rapid.Check(t, func(t *rapid.T) {
		tariff, reference, e := drawn(t)
		e.Quantity = rapid.Int64Range(0, 600).Draw(t, "quantity")
		counter := rapid.Int64Range(0, 500).Draw(t, "counter")
		state := State{Counters: counters(reference, counter), Buckets: draw{t}.buckets(e.Start)}
		want := reference.rate(e, state.Buckets, counter)
		got, err := tariff.Rate(e, state)
		var failed *Error
		switch {
		case want.ended && errors.As(err, &failed) && failed.Reason == SessionEnded:
			return
		case err != nil || want.ended || want.hole:
			t.Fatalf("%v; want %+v", err, want)
		}
		for i, b := range state.Buckets {
			left := b.Value
			for _, d := range got.Debits {
				if d.Bucket == i {
					left = left.Sub(d.Amount)
				}
			}
			if !left.Equal(want.left[i]) {
				t.Fatalf("bucket %d holds %s, want %s\n%s", i, left, want.left[i], strings.Join(got.Why.Lines(), "\n"))
			}
		}
		for code, n := range want.counted {
			if got.Counted[code] != n {
				t.Fatalf("counted %v, want %v", got.Counted, want.counted)
			}
		}
		if got.Billed != want.billed || got.Covered != want.covered || !got.Price.Equal(want.price) {
			t.Fatalf("billed %d, covered %d, price %s; want %d, %d, %s\n%s", got.Billed, got.Covered, got.Price, want.billed, want.covered, want.price,
				strings.Join(got.Why.Lines(), "\n"))
		}
	})
}

func counters(r *reference, n int64) map[string]int64 {
	all := map[string]int64{}
	for _, rule := range r.usage.Rules {
		all[rule.Code] = n
	}
	return all
}

// Reporting a session in any pieces never changes its total: neither its
// price, nor what buckets give, nor what counts for tiers.
func TestRate_piecesSumToTheWhole(t *testing.T) {
	checks(t, 2_000)
	rapid.Check(t, func(t *rapid.T) {
		tariff, reference, e := drawn(t)
		pieces := rapid.SliceOfN(rapid.Int64Range(1, 200), 1, 6).Draw(t, "pieces")
		counter := rapid.Int64Range(0, 500).Draw(t, "counter")
		state := State{Counters: counters(reference, counter), Buckets: append(draw{t}.buckets(e.Start), bucket(9, "EUR", "1000000", 1))}
		whole := e
		for _, p := range pieces {
			whole.Quantity += p
		}
		want, wantErr := tariff.Rate(whole, State{Counters: state.Counters, Buckets: append([]Bucket(nil), state.Buckets...)})
		var price money.Decimal
		var billed, covered int64
		counted := map[string]int64{}
		var r Result
		for _, e.Quantity = range pieces {
			err := tariff.RateInto(&e, &state, &r)
			if err != nil && wantErr != nil {
				return // it ends in a piece as it does as a whole
			}
			if err != nil {
				t.Fatal(err)
			}
			price, billed, covered = price.Add(r.Price), billed+r.Billed, covered+r.Covered
			e.Offset, e.Taken = e.Offset+e.Quantity, kept(t, r.Taken)
			for code, n := range r.Counted {
				state.Counters[code] += n
				counted[code] += n
			}
			for _, d := range r.Debits {
				state.Buckets[d.Bucket].Value = state.Buckets[d.Bucket].Value.Sub(d.Amount)
			}
		}
		if wantErr != nil {
			t.Fatalf("as a whole: %v", wantErr)
		}
		if !price.Equal(want.Price) || billed != want.Billed || covered != want.Covered || fmt.Sprint(counted) != fmt.Sprint(nonNil(want.Counted)) {
			t.Fatalf("pieces: %s, %d billed, %d covered, %v; whole: %s, %d, %d, %v\n%s", price, billed, covered, counted,
				want.Price, want.Billed, want.Covered, want.Counted, strings.Join(want.Why.Lines(), "\n"))
		}
	})
}

// kept is what a session stores between its pieces.
func kept(t *rapid.T, taken []Take) (back []Take) {
	text, err := json.Marshal(taken)
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func nonNil(m map[string]int64) map[string]int64 {
	if m == nil {
		return map[string]int64{}
	}
	return m
}

// How far balances reach is the most that can be paid: one more cannot.
func TestReach_isTheMostThatIsPaid(t *testing.T) {
	checks(t, 500)
	rapid.Check(t, func(t *rapid.T) {
		tariff, reference, e := drawn(t)
		e.Quantity = rapid.Int64Range(1, 600).Draw(t, "quantity")
		state := State{Counters: counters(reference, 0), Buckets: append(draw{t}.buckets(e.Start), bucket(9, "EUR", draw{t}.amount("money").String(), 1))}
		for i := range reference.usage.Rules {
			if tiers := reference.usage.Rules[i].Tiers; tiers != nil && tiers.Kind == catalog.Volume {
				return // its price may fall, so that more can be paid than less
			}
		}
		grant, err := tariff.Reach(e, state)
		if err != nil {
			t.Fatal(err)
		}
		paid := func(quantity int64) bool {
			part := e
			part.Quantity = quantity
			r, err := tariff.Rate(part, state)
			return err == nil && r.paid()
		}
		if grant.Quantity > 0 && !paid(grant.Quantity) || grant.Quantity < e.Quantity && paid(grant.Quantity+1) || (grant.Limit == "") != (grant.Quantity == e.Quantity) {
			t.Fatalf("reaches %d of %d (%s)", grant.Quantity, e.Quantity, grant.Limit)
		}
	})
}

func TestCompile_randomTariffsAreClean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if findings := catalog.Check(draw{t}.offering()); len(findings) > 0 {
			t.Fatal(findings)
		}
	})
}
