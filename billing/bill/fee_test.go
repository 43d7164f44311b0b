package bill

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

func date(text string) calendar.Date {
	if text == "" {
		return calendar.Date{}
	}
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

// frameAt is the frame of a cycle that closes, counted from the anchor's.
func frameAt(anchor calendar.Date, months, n int) feeFrame {
	cycle := calendar.Cycle{Anchor: anchor, Months: months, Policy: calendar.Clamp}
	return feeFrame{
		cycle: cycle, digits: 2, by: calendar.Counted{By: calendar.ByDay, Zone: time.UTC},
		closing: calendar.Period{From: cycle.Bound(n), To: cycle.Bound(n + 1)},
		next:    calendar.Period{From: cycle.Bound(n + 1), To: cycle.Bound(n + 2)},
	}
}

func monthly(timing catalog.Timing) catalog.RecurringPrice {
	return catalog.RecurringPrice{Amount: money.MustDecimal("31.00"), Months: 1, Timing: timing, Prorate: catalog.ProrateDay}
}

func daily(amount, every string, timing catalog.Timing) catalog.RecurringPrice {
	e, err := catalog.ParseEvery(every)
	if err != nil {
		panic(err)
	}
	return catalog.RecurringPrice{Amount: money.MustDecimal(amount), Every: &e, Timing: timing, Prorate: catalog.ProrateDay}
}

// A bill has one line for the days of a cycle, whose quantity they are.
func TestGather_daysOfACycle(t *testing.T) {
	t.Parallel()
	frame := frameAt(date("2026-05-01"), 1, 0)
	fees, err := frame.recurring(daily("0.50", "day", catalog.Advance), span{from: date("2026-05-11")}, calendar.Date{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range frame.gather(fees) {
		got = append(got, fmt.Sprintf("%d: %s %s", f.periods, f.period, f.amount.Fixed(2)))
	}
	if want := "21: 2026-05-11/2026-06-01 10.50; 30: 2026-06-01/2026-07-01 15.00"; strings.Join(got, "; ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, "; "), want)
	}
}

func TestRecurring(t *testing.T) {
	t.Parallel()
	yearly := catalog.RecurringPrice{Amount: money.MustDecimal("120.00"), Months: 12, Timing: catalog.Advance, Prorate: catalog.ProrateDay}
	whole := monthly(catalog.Advance)
	whole.Prorate = catalog.ProrateNone
	for _, c := range []struct {
		name    string
		price   catalog.RecurringPrice
		cycle   int // 0: May
		there   [2]string
		through string
		want    string
	}{
		{"first close in advance: the part and the next month", monthly(catalog.Advance), 0, [2]string{"2026-05-11"}, "", "2026-05-11/2026-06-01 21.00 new; 2026-06-01/2026-07-01 31.00 new"},
		{"then one month ahead", monthly(catalog.Advance), 1, [2]string{"2026-05-11"}, "2026-07-01", "2026-07-01/2026-08-01 31.00 new"},
		{"an unprorated part costs the whole", whole, 0, [2]string{"2026-05-11"}, "", "2026-05-11/2026-06-01 31.00 new; 2026-06-01/2026-07-01 31.00 new"},
		{"ended in the cycle: nothing ahead", monthly(catalog.Advance), 0, [2]string{"2026-05-11", "2026-05-21"}, "", "2026-05-11/2026-05-21 10.00 new"},
		{"ends in the next: ahead until then", monthly(catalog.Advance), 1, [2]string{"2026-05-01", "2026-07-16"}, "2026-07-01", "2026-07-01/2026-07-16 15.00 new"},
		{"arrears: the month that was", monthly(catalog.Arrears), 1, [2]string{"2026-05-11"}, "2026-07-01", "2026-06-01/2026-07-01 31.00 new"},
		{"arrears: the first part", monthly(catalog.Arrears), 0, [2]string{"2026-05-11"}, "", "2026-05-11/2026-06-01 21.00 new"},
		{"arrears: up to the end", monthly(catalog.Arrears), 0, [2]string{"2026-05-11", "2026-05-21"}, "", "2026-05-11/2026-05-21 10.00 new"},
		{"a year on a monthly account, once", yearly, 0, [2]string{"2026-05-01"}, "", "2026-05-01/2027-05-01 120.00 new"},
		{"and it stays deferred meanwhile", yearly, 1, [2]string{"2026-05-01"}, "2026-07-01", "2026-05-01/2027-05-01 120.00"},
		{"connected and ended on one day", monthly(catalog.Advance), 0, [2]string{"2026-05-11", "2026-05-11"}, "", ""},
		{"a day in arrears: the days that were there", daily("1.00", "day", catalog.Arrears), 0, [2]string{"2026-05-28"}, "", "2026-05-28/2026-05-29 1.00 new; 2026-05-29/2026-05-30 1.00 new; 2026-05-30/2026-05-31 1.00 new; 2026-05-31/2026-06-01 1.00 new"},
		{"weeks in arrears: those that ended", daily("7.00", "week", catalog.Arrears), 0, [2]string{"2026-05-10"}, "", "2026-05-10/2026-05-15 5.00 new; 2026-05-15/2026-05-22 7.00 new; 2026-05-22/2026-05-29 7.00 new"},
		{"weeks ahead: from the day charged to the next cycle's end", daily("7.00", "week", catalog.Advance), 1, [2]string{"2026-05-01"}, "2026-07-01", "2026-06-26/2026-07-03 7.00; 2026-07-03/2026-07-10 7.00 new; 2026-07-10/2026-07-17 7.00 new; 2026-07-17/2026-07-24 7.00 new; 2026-07-24/2026-07-31 7.00 new; 2026-07-31/2026-08-07 7.00 new"},
		{"a quarter ahead", daily("9.00", "quarter", catalog.Advance), 0, [2]string{"2026-05-01"}, "", "2026-05-01/2026-08-01 9.00 new"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fees, err := frameAt(date("2026-05-01"), 1, c.cycle).recurring(c.price, span{from: date(c.there[0]), to: date(c.there[1])}, date(c.through))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range fees {
				text := fmt.Sprintf("%s %s", f.period, f.amount.Fixed(2))
				if f.fresh {
					text += " new"
				}
				got = append(got, text)
			}
			if strings.Join(got, "; ") != c.want {
				t.Errorf("got %s, want %s", strings.Join(got, "; "), c.want)
			}
		})
	}
}

// Cycle after cycle, each day of a subscription is charged exactly once,
// whenever it begins and ends and however long the price's own period is.
func TestRecurring_everyDayOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		price := monthly(rapid.SampledFrom([]catalog.Timing{catalog.Advance, catalog.Arrears}).Draw(t, "timing"))
		price.Months = rapid.SampledFrom([]int{1, 3, 12}).Draw(t, "price months")
		anchor := calendar.Date{Year: 2026, Month: time.January, Day: rapid.IntRange(1, 31).Draw(t, "anchor")}
		months := rapid.SampledFrom([]int{1, 3, 12}).Draw(t, "cycle months")
		there := span{from: anchor.AddDays(rapid.IntRange(0, 80).Draw(t, "begins"))}
		there.to = there.from.AddDays(rapid.IntRange(0, 500).Draw(t, "lasts"))
		charged := map[calendar.Date]int{}
		var through calendar.Date
		for n := 0; ; n++ {
			frame := frameAt(anchor, months, n)
			if !there.from.Before(frame.closing.To) {
				continue
			}
			fees, err := frame.recurring(price, there, through)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range fees {
				for d := f.period.From; f.fresh && d.Before(f.period.To); d = d.AddDays(1) {
					charged[d]++
				}
			}
			through = frame.next.To
			if !there.to.After(frame.closing.From) {
				break
			}
		}
		days := 0
		for d := there.from; d.Before(there.to); d = d.AddDays(1) {
			days++
			if charged[d] != 1 {
				t.Fatalf("%s charged %d times", d, charged[d])
			}
		}
		if len(charged) != days {
			t.Fatalf("%d days charged, %d there", len(charged), days)
		}
	})
}
