package bill

import (
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func price(amount string) catalog.RecurringPrice {
	return catalog.RecurringPrice{Amount: money.MustDecimal(amount), Months: 1, Timing: catalog.Advance, Prorate: catalog.ProrateDay}
}

// Semantics C, daylight saving: March in Berlin has 31 local days and 743 h.
func TestProration_byDayOrBySecond(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	march := calendar.Period{From: date("2026-03-01"), To: date("2026-04-01")}
	for by, want := range map[calendar.Proration]string{calendar.ByDay: "200.00", calendar.BySecond: "200.27"} {
		counted := calendar.Counted{By: by, Zone: zone}
		there := lifeOf(counted, date("2026-03-30").Start(zone), nil, nil)
		part := calendar.Period{From: there.from, To: march.To}
		got, err := there.cost(counted, price("3100.00"), part, march, 2)
		if err != nil || got.Fixed(2) != want {
			t.Errorf("by %s: %s, want %s: %v", by, got, want, err)
		}
	}
	if n := (calendar.Counted{By: calendar.BySecond, Zone: zone}).Whole(march); n != 743*3600 {
		t.Errorf("March has %d seconds", n)
	}
	if got := calendar.DateOf(time.Date(2026, 3, 31, 22, 30, 0, 0, time.UTC), zone); got != date("2026-04-01") {
		t.Errorf("2026-03-31T22:30Z is %s", got)
	}
}

// Semantics C, plan change: 40.00 from May 11 on is 27.10, what 20.00 had used
// by then 6.45.
func TestProration_sharesOfAPlanChange(t *testing.T) {
	t.Parallel()
	counted := calendar.Counted{By: calendar.ByDay, Zone: berlin(t)}
	may := calendar.Period{From: date("2026-05-01"), To: date("2026-06-01")}
	change := date("2026-05-11").Start(counted.Zone)
	before, after := lifeOf(counted, date("2026-04-01").Start(counted.Zone), &change, nil), lifeOf(counted, change, nil, nil)
	used, err := before.cost(counted, price("20.00"), calendar.Period{From: may.From, To: before.to}, may, 2)
	if err != nil || used.Fixed(2) != "6.45" {
		t.Errorf("used %s, %v", used, err)
	}
	charge, err := after.cost(counted, price("40.00"), calendar.Period{From: after.from, To: may.To}, may, 2)
	if err != nil || charge.Fixed(2) != "27.10" {
		t.Errorf("charged %s, %v", charge, err)
	}
}

// While a subscription rests it costs nothing, or the holding price.
func TestProration_pauses(t *testing.T) {
	t.Parallel()
	counted := calendar.Counted{By: calendar.ByDay, Zone: berlin(t)}
	may := calendar.Period{From: date("2026-05-01"), To: date("2026-06-01")}
	at := func(day string) time.Time { return date(day).Start(counted.Zone).Add(10 * time.Hour) }
	end := at("2026-05-21")
	there := lifeOf(counted, at("2026-04-01"), nil, []account.Pause{{From: at("2026-05-11"), To: &end}})
	for holding, want := range map[string]string{"": "21.00", "3.10": "22.00"} {
		p := price("31.00")
		if holding != "" {
			h := money.MustDecimal(holding)
			p.Holding = &h
		}
		got, err := there.cost(counted, p, may, may, 2)
		if err != nil || got.Fixed(2) != want {
			t.Errorf("holding %q: %s, want %s: %v", holding, got, want, err)
		}
	}
}
