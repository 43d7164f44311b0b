package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestCalendar_yearlyAndSingleDays(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	db.SetClock(t, time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	file, err := catalog.ReadHolidays([]byte("day;name;name_id\n2026-06-05;Feast;Perayaan\n12-25;Christmas;Natal\n17.08.2026;;Kemerdekaan\n02-29;Leap;\n"), catalog.TableFormat{}, 2026)
	if err != nil {
		t.Fatal(err)
	}
	before := epoch(t, db)
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := catalog.ChangeCalendar(ctx, tx, catalog.CalendarChange{Code: "id", Names: catalog.Names{"en": "Indonesia"}, Put: file.Days, Yearly: &file.Yearly})
		return err
	})
	if epoch(t, db) != before+1 {
		t.Error("the epoch stays")
	}
	var dates []calendar.Date
	var c catalog.HolidayCalendar
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		loaded, err := catalog.LoadCalendars(ctx, tx, []string{"id", "none"})
		if err != nil || len(loaded) != 1 {
			return fmt.Errorf("%d calendars, %w", len(loaded), err)
		}
		dates = loaded["id"]
		c, err = catalog.GetCalendar(ctx, tx, "id")
		return err
	})
	in := func(year int) string {
		var days []string
		for _, d := range dates {
			if d.Year == year {
				days = append(days, d.String()[5:])
			}
		}
		return strings.Join(days, " ")
	}
	if in(2025) != "" || in(2026) != "06-05 08-17 12-25" || in(2028) != "02-29 12-25" || in(2027) != "12-25" {
		t.Errorf("2025 %s; 2026 %s; 2027 %s; 2028 %s", in(2025), in(2026), in(2027), in(2028))
	}
	if year := c.In(2026); len(year) != 3 || year[2].Names.In("id") != "Natal" {
		t.Errorf("%+v", year)
	}
}

func TestCalendar_pastDaysOfSoldOfferingsNeedAWord(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	db.SetClock(t, time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	change := func(c catalog.CalendarChange) error {
		c.Code = "de"
		return try(db, func(ctx context.Context, tx tenant.Tx) error {
			_, err := catalog.ChangeCalendar(ctx, tx, c)
			return err
		})
	}
	past := []catalog.NamedDay{{Day: date(t, "2026-04-03")}}
	if err := change(catalog.CalendarChange{Put: past}); err != nil {
		t.Errorf("nobody goes by it yet: %v", err)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := tx.Exec(ctx, `insert into offering_version (id, code, version, state, document, currency, available_from, created_at, published_at)
			values ($1, 'plan', 1, 'published', '{"code": "plan", "calendar": "de"}', 'EUR', $2, $2, $2)`, uuid.Must(uuid.NewV7()), tx.At)
		return err
	})
	if err := change(catalog.CalendarChange{Remove: []calendar.Date{date(t, "2026-04-03")}}); !errors.Is(err, catalog.ErrPastDay) {
		t.Errorf("a past day was taken away: %v", err)
	}
	yearly := []catalog.YearlyHoliday{{Month: 1, Day: 1, From: 2026}}
	if err := change(catalog.CalendarChange{Yearly: &yearly}); !errors.Is(err, catalog.ErrPastDay) {
		t.Errorf("a yearly day of before: %v", err)
	}
	yearly[0].From = 2027
	if err := change(catalog.CalendarChange{Yearly: &yearly, Put: []catalog.NamedDay{{Day: date(t, "2026-05-01")}, {Day: date(t, "2026-04-03"), Names: catalog.Names{"en": "Good Friday"}}}}); err != nil {
		t.Errorf("days to come, and a name: %v", err)
	}
	if err := change(catalog.CalendarChange{Remove: []calendar.Date{date(t, "2026-04-03")}, Past: true}); err != nil {
		t.Error(err)
	}
	err := try(db, func(ctx context.Context, tx tenant.Tx) error { return catalog.RemoveCalendar(ctx, tx, "de") })
	if !errors.Is(err, catalog.ErrCalendarUsed) {
		t.Errorf("one in use was removed: %v", err)
	}
}

func TestReadHolidays_namesEveryBadLine(t *testing.T) {
	_, err := catalog.ReadHolidays([]byte("day,name\n2026-02-30,x\n13-01,y\n12-25,a\n12-25,b\n02-30,\nsoon,\n"), catalog.TableFormat{}, 2026)
	var bad *catalog.TableError
	if !errors.As(err, &bad) {
		t.Fatal(err)
	}
	var got []string
	for _, f := range bad.Faults {
		got = append(got, fmt.Sprintf("%d %s", f.Line, f.Want))
	}
	want := "a date such as 2026-12-25, or 12-25 for every year"
	if strings.Join(got, "; ") != "2 "+want+"; 3 "+want+"; 5 each day once: 12-25 stands in line 4; 6 "+want+"; 7 "+want {
		t.Error(strings.Join(got, "; "))
	}
}

func TestRates_filesOfBothForms(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"lines", "from,to,day,rate\nEUR,USD,2026-11-30,1.0825\nusd,idr,30.11.2026,16450\n", "EUR USD 2026-11-30 1.0825, USD IDR 2026-11-30 16450"},
		{"comma as point", "from;to;day;rate\nEUR;USD;2026-11-30;1,0825\n", "EUR USD 2026-11-30 1.0825"},
		{"daily table", "Date, USD, JPY, BGN, \n30 November 2026, 1.0825, 163.34, N/A, \n", "EUR USD 2026-11-30 1.0825, EUR JPY 2026-11-30 163.34"},
		{"history", "Date,USD,IDR,\n2026-11-30,1.0825,17654.12,\n2026-11-27,1.0801,17600.00,\n",
			"EUR USD 2026-11-30 1.0825, EUR IDR 2026-11-30 17654.12, EUR USD 2026-11-27 1.0801, EUR IDR 2026-11-27 17600"},
	} {
		file, err := catalog.ReadRates([]byte(row.text), catalog.RatesFormat{})
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		var got []string
		for _, r := range file.Rates {
			got = append(got, fmt.Sprintf("%s %s %s %s", r.From, r.To, r.Day, r.Value))
		}
		if strings.Join(got, ", ") != row.want {
			t.Errorf("%s: %s", row.name, strings.Join(got, ", "))
		}
	}
	_, err := catalog.ReadRates([]byte("from,to,day,rate\nEUR,EUR,2026-11-30,1\nEUR,XXY,2026-11-30,1\nEUR,USD,soon,1\nEUR,USD,2026-11-30,-1\nEUR,USD,2026-11-30,\"1,5\"\nEUR,USD,2026-11-30,1\nEUR,USD,2026-11-30,2\n"), catalog.RatesFormat{})
	var bad *catalog.TableError
	if !errors.As(err, &bad) || bad.Total != 6 {
		t.Fatalf("%+v", bad)
	}
	if f := bad.Faults[5]; f.Line != 8 || f.Want != "each day once: line 7 has a rate from EUR to USD on 2026-11-30" {
		t.Errorf("%+v", f)
	}
}

func TestRates_storedAndPastOnesNeedAWord(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	db.SetClock(t, time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	eur, usd := money.MustCurrency("EUR"), money.MustCurrency("USD")
	put := func(day, value string, past bool) (changed int, err error) {
		err = try(db, func(ctx context.Context, tx tenant.Tx) (err error) {
			changed, err = catalog.PutRates(ctx, tx, catalog.NewRatesEntry{Source: "test", Past: past,
				Rates: []catalog.ExchangeRate{{From: eur, To: usd, Day: date(t, day), Value: money.MustDecimal(value), BothWays: true}}})
			return err
		})
		return changed, err
	}
	before := epoch(t, db)
	if n, err := put("2026-05-01", "1.0825", false); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if n, err := put("2026-05-01", "1.0825", false); err != nil || n != 0 || epoch(t, db) != before+1 {
		t.Errorf("the same again: %d, %v, epoch %d", n, err, epoch(t, db)-before)
	}
	if _, err := put("2026-04-30", "1.07", false); !errors.Is(err, catalog.ErrPastDay) {
		t.Error(err)
	}
	if n, err := put("2026-04-30", "1.07", true); err != nil || n != 1 {
		t.Error(n, err)
	}
	if _, err := put("2026-05-02", "0", false); !errors.Is(err, catalog.ErrRate) {
		t.Error(err)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		rates, err := catalog.LoadRates(ctx, tx, []money.Currency{eur, usd})
		if err != nil {
			return err
		}
		c, err := rates.Rate(usd, eur, date(t, "2026-04-30"))
		if err != nil || c.Den.String() != "1.07" {
			return fmt.Errorf("%+v, %w", c, err)
		}
		list, err := catalog.ListRates(ctx, tx, catalog.RateQuery{From: eur, Limit: 1})
		if err != nil || len(list) != 1 || list[0].Day != date(t, "2026-05-01") || list[0].Source != "test" {
			return fmt.Errorf("%+v, %w", list, err)
		}
		list, err = catalog.ListRates(ctx, tx, catalog.RateQuery{Before: &list[0].ExchangeRate})
		if err != nil || len(list) != 1 || list[0].Day != date(t, "2026-04-30") {
			return fmt.Errorf("second page: %+v, %w", list, err)
		}
		if err := catalog.RemoveRate(ctx, tx, eur, usd, date(t, "2026-04-30"), false); !errors.Is(err, catalog.ErrPastDay) {
			return fmt.Errorf("a past rate was removed: %w", err)
		}
		return catalog.RemoveRate(ctx, tx, eur, usd, date(t, "2026-04-30"), true)
	})
}
