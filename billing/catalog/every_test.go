package catalog

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

func TestEvery(t *testing.T) {
	for text, want := range map[string]string{
		"day": "day", "1 day": "day", "10 days": "10 days", "2 week": "2 weeks", "quarter": "quarter", "10 years": "10 years", "120 months": "120 months",
	} {
		e, err := ParseEvery(text)
		if err != nil || e.String() != want {
			t.Errorf("%q is %q, %v", text, e, err)
		}
		if again, err := ParseEvery(e.String()); err != nil || again != e {
			t.Errorf("%q read again is %q, %v", text, again, err)
		}
	}
	for _, text := range []string{"", "days", "0 days", "-1 day", "+1 day", "01 day", "11 years", "4000 days", "121 months", "1.5 days", "fortnight", "2  days"} {
		if e, err := ParseEvery(text); !errors.Is(err, ErrEvery) {
			t.Errorf("%q is %q, %v", text, e, err)
		}
	}
}

// Case "A, C: anchors": periods go by the account's original anchor.
func TestRecurringPrice_cyclesGoByTheAnchor(t *testing.T) {
	account := calendar.Cycle{Anchor: calendar.Date{Year: 2028, Month: 1, Day: 31}, Months: 1, Policy: calendar.Clamp}
	for _, row := range []struct{ every, day, want string }{
		{"month", "2028-03-30", "2028-02-29/2028-03-31"},
		{"quarter", "2028-04-30", "2028-04-30/2028-07-31"},
		{"year", "2030-01-30", "2029-01-31/2030-01-31"},
		{"day", "2028-02-29", "2028-02-29/2028-03-01"},
		{"week", "2028-02-07", "2028-02-07/2028-02-14"},
		{"week", "2028-01-30", "2028-01-24/2028-01-31"},
		{"10 days", "2028-02-29", "2028-02-20/2028-03-01"},
		{"2 months", "2028-05-31", "2028-05-31/2028-07-31"},
	} {
		e, err := ParseEvery(row.every)
		if err != nil {
			t.Fatal(err)
		}
		day, err := calendar.ParseDate(row.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := (RecurringPrice{Every: &e}).Cycle(account).Containing(day).String(); got != row.want {
			t.Errorf("%s around %s is %s, want %s", row.every, row.day, got, row.want)
		}
	}
}

// Adjacent periods leave no gap and no overlap, and each day lies in its own.
func TestRecurringPrice_periodsAdjoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]string{"day", "week", "month", "quarter", "year"}).Draw(t, "unit")
		e := Every{rapid.IntRange(1, 9).Draw(t, "count"), unit}
		policy := rapid.SampledFrom([]calendar.AnchorPolicy{calendar.Clamp, calendar.Sticky28}).Draw(t, "policy")
		anchor := calendar.Date{Year: 2024, Month: 1, Day: 1}.AddDays(rapid.IntRange(0, 1500).Draw(t, "anchor"))
		day := anchor.AddDays(rapid.IntRange(-3000, 3000).Draw(t, "day"))
		cycle := RecurringPrice{Every: &e}.Cycle(calendar.Cycle{Anchor: anchor, Months: 1, Policy: policy})
		p := cycle.Containing(day)
		if !p.Contains(day) || p.Days() < 1 {
			t.Fatalf("%s does not hold %s", p, day)
		}
		if next := cycle.Containing(p.To); next.From != p.To {
			t.Fatalf("%s is followed by %s", p, next)
		}
	})
}

func TestRecurringPrice_aMonth(t *testing.T) {
	for every, want := range map[string]string{"month": "12", "year": "1", "quarter": "4", "day": "365"} {
		e, err := ParseEvery(every)
		if err != nil {
			t.Fatal(err)
		}
		got, err := RecurringPrice{Amount: money.MustDecimal("12"), Every: &e}.AMonth(money.Scale)
		if err != nil || got.String() != want {
			t.Errorf("12 a %s is %s a month, %v", every, got, err)
		}
	}
}
