package calendar

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func date(tb testing.TB, s string) Date {
	tb.Helper()
	d, err := ParseDate(s)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// failer is what testing.TB and *rapid.T share.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func zone(tb failer, name string) *time.Location {
	tb.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		tb.Fatal(err)
	}
	return loc
}

func TestBound_fromTheOriginalAnchor(t *testing.T) {
	for _, row := range []struct {
		name, anchor string
		months       int
		policy       AnchorPolicy
		want         string
	}{
		{"31st comes back", "2026-01-31", 1, Clamp, "2026-01-31 2026-02-28 2026-03-31 2026-04-30 2026-05-31"},
		{"leap February", "2028-01-31", 1, Clamp, "2028-01-31 2028-02-29 2028-03-31 2028-04-30"},
		{"yearly leap day", "2028-02-29", 12, Clamp, "2028-02-29 2029-02-28 2030-02-28 2031-02-28 2032-02-29"},
		{"30th before a short February", "2026-01-30", 1, Clamp, "2026-01-30 2026-02-28 2026-03-30 2026-04-30"},
		{"29th, common and leap year", "2027-12-29", 1, Clamp, "2027-12-29 2028-01-29 2028-02-29 2028-03-29"},
		{"31st over the year's end", "2026-12-31", 1, Clamp, "2026-12-31 2027-01-31 2027-02-28 2027-03-31"},
		{"yearly leap day over 2100", "2096-02-29", 12, Clamp, "2096-02-29 2097-02-28 2098-02-28 2099-02-28 2100-02-28 2101-02-28 2102-02-28 2103-02-28 2104-02-29"},
		{"quarters", "2025-11-30", 3, Clamp, "2025-11-30 2026-02-28 2026-05-30 2026-08-30"},
		{"sticky 28 from the 31st", "2026-01-31", 1, Sticky28, "2026-01-28 2026-02-28 2026-03-28"},
		{"sticky 28 from the 29th", "2028-02-29", 12, Sticky28, "2028-02-28 2029-02-28"},
		{"sticky 28 leaves the 27th", "2026-01-27", 1, Sticky28, "2026-01-27 2026-02-27"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := Cycle{Anchor: date(t, row.anchor), Months: row.months, Policy: row.policy}
			for n, want := range strings.Fields(row.want) {
				if got := c.Bound(n).String(); got != want {
					t.Errorf("bound %d is %s, want %s", n, got, want)
				}
			}
		})
	}
}

func TestCheck_refusesUnusableCycles(t *testing.T) {
	anchor := date(t, "2026-01-31")
	for _, c := range []Cycle{{Months: 1, Policy: Clamp}, {Anchor: anchor, Policy: Clamp}, {Anchor: anchor, Months: 1, Policy: "sticky"}, {Anchor: anchor, Months: 1, Days: 7, Policy: Clamp}} {
		if err := c.Check(); !errors.Is(err, ErrCycle) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if err := (Cycle{Anchor: anchor, Months: 3, Policy: Sticky28}).Check(); err != nil {
		t.Error(err)
	}
}

func TestInstants_daylightSaving(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	march := Period{date(t, "2026-03-01"), date(t, "2026-04-01")}
	from, to := march.Instants(berlin)
	if march.Days() != 31 || to.Sub(from) != 743*time.Hour {
		t.Errorf("Berlin's March has %d days and %s", march.Days(), to.Sub(from))
	}
	at := time.Date(2026, 3, 31, 22, 30, 0, 0, time.UTC)
	if got := DateOf(at, berlin).String(); got != "2026-04-01" {
		t.Errorf("%s is %s in Berlin", at, got)
	}
}

func TestStart_whereMidnightIsSkippedOrTwice(t *testing.T) {
	for _, row := range []struct{ name, zone, day, want string }{
		{"ordinary", "Europe/Berlin", "2026-05-01", "2026-04-30T22:00:00Z"},
		{"Beirut skips midnight", "Asia/Beirut", "2022-03-27", "2022-03-26T22:00:00Z"},
		{"Havana has midnight twice", "America/Havana", "2022-11-06", "2022-11-06T04:00:00Z"},
		{"Samoa skips the whole day", "Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"},
		{"the day after", "Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"},
		{"Kiritimati, furthest east", "Pacific/Kiritimati", "2026-05-01", "2026-04-30T10:00:00Z"},
		{"Midway, furthest west", "Pacific/Midway", "2026-05-01", "2026-05-01T11:00:00Z"},
		{"last day of a leap year far ahead", "Europe/Berlin", "2040-12-31", "2040-12-30T23:00:00Z"},
		{"and the day after", "Europe/Berlin", "2041-01-01", "2040-12-31T23:00:00Z"},
		{"in summer then", "Australia/Sydney", "2049-01-01", "2048-12-31T13:00:00Z"},
		{"west of Greenwich", "America/New_York", "2053-01-01", "2053-01-01T05:00:00Z"},
		{"a year without one", "Europe/Berlin", "2100-01-01", "2099-12-31T23:00:00Z"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := date(t, row.day).Start(zone(t, row.zone)).Format(time.RFC3339)
			if got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

func TestCycle_neighboursLeaveNoGap(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "Asia/Jakarta", "Asia/Beirut", "America/Havana", "America/St_Johns", "Pacific/Apia"}
	rapid.Check(t, func(t *rapid.T) {
		loc := zone(t, rapid.SampledFrom(zones).Draw(t, "zone"))
		anchor := Date{2000, 1, 1}.AddDays(rapid.IntRange(0, 36000).Draw(t, "anchor"))
		c := Cycle{
			Anchor: anchor,
			Months: rapid.SampledFrom([]int{1, 3, 12}).Draw(t, "months"),
			Policy: rapid.SampledFrom([]AnchorPolicy{Clamp, Sticky28}).Draw(t, "policy"),
		}
		day := anchor.AddDays(rapid.IntRange(-3000, 6000).Draw(t, "day"))
		p := c.Containing(day)
		if !p.Contains(day) {
			t.Fatalf("%s is not in %s", day, p)
		}
		next, before := c.Containing(p.To), c.Containing(p.From.AddDays(-1))
		if next.From != p.To || before.To != p.From {
			t.Fatalf("%s, %s, %s do not touch", before, p, next)
		}
		from, to := p.Instants(loc)
		if nextFrom, _ := next.Instants(loc); !nextFrom.Equal(to) || !from.Before(to) {
			t.Fatalf("%s in %s: %s to %s, next from %s", p, loc, from, to, nextFrom)
		}
		start := day.Start(loc)
		if before := DateOf(start.Add(-time.Microsecond), loc); !before.Before(day) {
			t.Fatalf("%s in %s starts at %s, but a moment before is %s", day, loc, start, before)
		}
	})
}

func TestDate_text(t *testing.T) {
	for _, text := range []string{"", "2026-2-1", "2026-02-30", "20260201", "2026-02-01T00:00:00Z"} {
		if _, err := ParseDate(text); !errors.Is(err, ErrSyntax) {
			t.Errorf("ParseDate(%q): %v", text, err)
		}
	}
	var row struct{ D Date }
	if err := json.Unmarshal([]byte(`{"D":"2026-05-01"}`), &row); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(row)
	if err != nil || string(text) != `{"D":"2026-05-01"}` {
		t.Fatalf("got %s, %v", text, err)
	}
}

func TestDate_arithmetic(t *testing.T) {
	d := date(t, "2028-02-29")
	if got := d.AddMonths(12).String(); got != "2029-02-28" {
		t.Errorf("a year later is %s", got)
	}
	if got := d.AddMonths(-2).String(); got != "2027-12-29" {
		t.Errorf("two months earlier is %s", got)
	}
	if got := d.AddDays(1); got.String() != "2028-03-01" || d.DaysUntil(got) != 1 || got.DaysUntil(d) != -1 {
		t.Errorf("a day later is %s", got)
	}
}
