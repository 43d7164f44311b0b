package bill

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// lived is one subscription of a chain of plans, with what bills asked of it.
type lived struct {
	offering uuid.UUID
	price    catalog.RecurringPrice
	from     time.Time
	to       *time.Time
	pauses   []account.Pause
	through  calendar.Date
	lines    []asked
}

// books are a postpaid account's bills as closings and adjustments write them.
type books struct {
	by    calendar.Counted
	every account.Every
	chain []*lived
}

func (b *books) life(s *lived) span { return lifeOf(b.by, s.from, s.to, s.pauses) }

// close charges what a cycle's closing charges.
func (b *books) close(t *rapid.T, cycle calendar.Period) {
	series := b.every.Cycle(calendar.Clamp)
	frame := feeFrame{cycle: series, closing: cycle, next: series.Containing(cycle.To), digits: 2, by: b.by}
	for _, s := range b.chain {
		there := b.life(s)
		if !there.from.Before(cycle.To) && (there.from != cycle.To || !s.from.Equal(cycle.To.Start(b.by.Zone))) {
			continue
		}
		if !there.to.IsZero() && !there.to.After(cycle.From) && !s.through.IsZero() {
			continue
		}
		fees, err := frame.recurring(s.price, there, s.through)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range fees {
			if one.fresh {
				s.lines = append(s.lines, asked{Offering: s.offering, Currency: money.MustCurrency("EUR"), Every: b.every, Bill: uuid.New(), No: 1,
					Kind: Recurring, Code: s.price.Code, Category: "standard", Period: one.period, Price: one.amount})
			}
		}
		s.through = frame.next.To
	}
}

// adjust is what Adjust does for a subscription.
func (b *books) adjust(t *rapid.T, s *lived) {
	a := adjuster{counted: b.by, policy: calendar.Clamp, offerings: map[uuid.UUID]catalog.Offering{s.offering: {Prices: catalog.Prices{Recurring: []catalog.RecurringPrice{s.price}}}}}
	for i := range s.lines {
		l := &s.lines[i]
		l.Activated, l.Terminated, l.Pauses = s.from, s.to, s.pauses
		items, err := a.group(nil, []asked{*l})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items {
			l.Adjusted, l.Adjustments = l.Adjusted.Add(item.Price.Decimal()), l.Adjustments+1
			if sum := l.Price.Add(l.Adjusted); sum.Sign() < 0 {
				t.Fatalf("of %s more is given back than was asked: %s", l.Price, sum)
			}
		}
	}
}

// owes is what a subscription's period comes to by looking at each of its days,
// or at each of its hours where seconds count: changes are at full hours here.
func (b *books) owes(s *lived, whole calendar.Period) money.Decimal {
	at, end := whole.Instants(b.by.Zone)
	active, resting, all := int64(0), int64(0), int64(0)
	for at.Before(end) {
		next := at.Add(time.Hour)
		if b.by.By == calendar.ByDay {
			next = calendar.DateOf(at, b.by.Zone).AddDays(1).Start(b.by.Zone)
		}
		seen := at
		cut := b.by.Cut
		there := !seen.Before(cut(s.from)) && (s.to == nil || seen.Before(cut(*s.to)))
		rests := slices.ContainsFunc(s.pauses, func(p account.Pause) bool {
			return !seen.Before(cut(p.From)) && (p.To == nil || seen.Before(cut(*p.To)))
		})
		all++
		switch {
		case there && rests:
			resting++
		case there:
			active++
		}
		at = next
	}
	sum := s.price.Amount.Mul(money.NewDecimal(active))
	if s.price.Holding != nil {
		sum = sum.Add(s.price.Holding.Mul(money.NewDecimal(resting)))
	}
	owed, err := sum.Div(money.NewDecimal(all), 2, money.HalfAwayFromZero)
	if err != nil {
		panic(err)
	}
	return owed
}

// Whatever plans are changed, paused and told late, by the day or by the second
// and over changes of clocks: what bills ask of each plan and period is what its
// days, or seconds, come to.
func TestAdjust_comesToWhatEachDayComesTo(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	rapid.Check(t, func(t *rapid.T) {
		b := &books{by: calendar.Counted{By: rapid.SampledFrom([]calendar.Proration{calendar.ByDay, calendar.BySecond}).Draw(t, "by"), Zone: zone}}
		first := rapid.SampledFrom([]calendar.Date{date("2026-01-31"), date("2026-03-01"), date("2026-09-15"), date("2028-02-01")}).Draw(t, "anchor")
		b.every = account.Every{Anchor: first, Months: 1}
		series := b.every.Cycle(calendar.Clamp)
		hour := func(name string, from, to time.Time) time.Time {
			return from.Add(time.Duration(rapid.Int64Range(0, int64(to.Sub(from)/time.Hour)).Draw(t, name)) * time.Hour)
		}
		plan := func() *lived {
			p := catalog.RecurringPrice{Code: "fee", Names: catalog.Names{"en": "Fee"}, Months: 1, Prorate: catalog.ProrateDay,
				Amount: money.MustDecimal(fmt.Sprintf("%d.%02d", rapid.IntRange(1, 99).Draw(t, "euros"), rapid.IntRange(0, 99).Draw(t, "cents"))),
				Timing: rapid.SampledFrom([]catalog.Timing{catalog.Advance, catalog.Arrears}).Draw(t, "timing")}
			if rapid.Bool().Draw(t, "holds") {
				holding := money.MustDecimal("1.00")
				p.Holding = &holding
			}
			return &lived{offering: uuid.New(), price: p}
		}
		s := plan()
		s.from = hour("begins", series.Bound(0).Start(zone), series.Bound(1).Start(zone).Add(-time.Hour))
		b.chain = append(b.chain, s)
		for n := range 5 {
			cycle := calendar.Period{From: series.Bound(n), To: series.Bound(n + 1)}
			start, end := cycle.Instants(zone)
			for range rapid.IntRange(0, 2).Draw(t, "acts") {
				now := b.chain[len(b.chain)-1]
				earliest := start.AddDate(0, 0, -rapid.SampledFrom([]int{0, 0, 20, 45}).Draw(t, "late"))
				if earliest.Before(now.from) {
					earliest = now.from
				}
				if last := len(now.pauses) - 1; last >= 0 && now.pauses[last].To != nil && earliest.Before(*now.pauses[last].To) {
					earliest = *now.pauses[last].To
				}
				resting := len(now.pauses) > 0 && now.pauses[len(now.pauses)-1].To == nil
				if resting && earliest.Before(now.pauses[len(now.pauses)-1].From) {
					earliest = now.pauses[len(now.pauses)-1].From
				}
				if !earliest.Before(end) {
					continue
				}
				at := hour("at", earliest, end.Add(-time.Hour))
				if b.by.By == calendar.ByDay { // a plan begins where its day does
					if at = b.by.Cut(at); at.Before(now.from) {
						at = now.from
					}
				}
				switch {
				case resting:
					now.pauses[len(now.pauses)-1].To = &at
				case rapid.Bool().Draw(t, "pauses"):
					now.pauses = append(now.pauses, account.Pause{From: at})
				default:
					next := plan()
					next.from, now.to = at, &at
					b.chain = append(b.chain, next)
				}
				b.adjust(t, now)
			}
			b.close(t, cycle)
		}
		last := b.chain[len(b.chain)-1]
		gone := series.Bound(5).Start(zone)
		last.to = &gone
		b.adjust(t, last)
		b.close(t, calendar.Period{From: series.Bound(5), To: series.Bound(6)})
		for i, s := range b.chain {
			for n := range 6 {
				whole := calendar.Period{From: series.Bound(n), To: series.Bound(n + 1)}
				var got money.Decimal
				for _, l := range s.lines {
					if whole.Contains(l.Period.From) {
						got = got.Add(l.Price).Add(l.Adjusted)
					}
				}
				if want := b.owes(s, whole); !got.Equal(want) {
					t.Errorf("plan %d (%s, from %s to %v, pauses %v) comes to %s in %s, want %s", i, s.price.Timing, s.from, s.to, s.pauses, got, whole, want)
				}
			}
		}
	})
}
