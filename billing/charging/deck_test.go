package charging_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// zonePlan prices calls by the zones of a deck, Sundays and holidays cheaper,
// and calls to the satellite in dollars.
const zonePlan = `
code: zones
names: {en: Zones}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: false}
calendar: de
destinations:
  - {code: near, deck: world, zones: [de]}
  - {code: mobile, deck: world, zones: [de-mobile]}
  - {code: space, prefixes: ["+870"]}
usage:
  - code: voice
    names: {en: Calls}
    kind: voice
    rules:
      - {code: near, destinations: [near], windows: [{days: [mon, tue, wed, thu, fri, sat]}], price: 0.10, per: 1 min}
      - {code: near-free, destinations: [near], windows: [{days: [sun, holiday]}], price: 0.01, per: 1 min}
      - {code: mobile, destinations: [mobile], price: 0.20, per: 1 min}
      - {code: space, destinations: [space], currency: USD, price: 2, per: 1 min}
`

// deckLive takes lines "prefix zone" live as the deck "world".
func (w *world) deckLive(lines string, from time.Time) (v catalog.DeckVersion) {
	w.t.Helper()
	file, err := catalog.ReadDeck([]byte(strings.ReplaceAll(strings.ReplaceAll(lines, ", ", "\n"), " ", ",")), catalog.DeckFormat{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		draft, err := catalog.SaveDeck(ctx, tx, catalog.NewDeckVersion{Deck: "world", File: file, By: "test"})
		if err == nil {
			_, err = catalog.CheckDeck(ctx, tx, draft.ID)
		}
		if err == nil {
			v, err = catalog.GoLive(ctx, tx, catalog.SwitchDeck{ID: draft.ID, From: from})
		}
		return err
	})
	return v
}

// price sends a call of 60 s and gives its price, or why there is none.
func (w *world) price(key string, at time.Time, destination string) string {
	w.t.Helper()
	r := w.call(key, 1, at, 60)
	r.Destination = destination
	o := w.ingest(r)[0]
	if o.Status != charging.Accepted {
		return o.Problem.Reason
	}
	return o.Price.String()
}

func TestTariff_standsOnReferenceData(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.SetClock(t, w.noon(1))
	usd, eur := money.MustCurrency("USD"), money.MustCurrency("EUR")
	day := func(n int) catalog.NamedDay { return catalog.NamedDay{Day: calendar.DateOf(w.noon(n), w.Zone)} }

	offering, err := catalog.Parse([]byte(zonePlan))
	if err != nil {
		t.Fatal(err)
	}
	err = w.transact(context.Background(), func(ctx context.Context, tx tenant.Tx) error {
		draft, err := catalog.SaveDraft(ctx, tx, offering)
		if err == nil {
			_, err = catalog.Publish(ctx, tx, draft.ID, tx.At)
		}
		return err
	})
	var unclean *catalog.NotCleanError
	if !errors.As(err, &unclean) || len(unclean.Findings) != 4 {
		t.Fatalf("published without deck, calendar and rate: %v", err)
	}

	w.deckLive("49 de, 4916 de-mobile", time.Time{})
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := catalog.ChangeCalendar(ctx, tx, catalog.CalendarChange{Code: "de", Put: []catalog.NamedDay{day(5)}}); err != nil {
			return err
		}
		_, err := catalog.PutRates(ctx, tx, catalog.NewRatesEntry{Rates: []catalog.ExchangeRate{
			{From: usd, To: eur, Day: day(1).Day, Value: money.MustDecimal("0.9")}, {From: usd, To: eur, Day: day(8).Day, Value: money.MustDecimal("0.95")}}})
		return err
	})
	w.publish(zonePlan)
	w.customers("zones", account.Postpaid, 1, 1)
	if got := w.price("warm", w.noon(1), "+49151777"); got != "0.1" {
		t.Errorf("before any switch: %s", got)
	}
	w.deckLive("49 de, 4915 de-mobile, 4916 de-mobile", w.noon(12))
	w.SetClock(t, w.noon(20)) // nothing happens at the switch itself: tariffs know it
	o := w.online()
	for _, row := range []struct {
		name, destination string
		at                time.Time
		want              string
	}{
		{"weekday", "+4930123", w.noon(4), "0.1"},
		{"Sunday", "+4930123", w.noon(3), "0.01"},
		{"holiday of the calendar", "+4930123", w.noon(5), "0.01"},
		{"late, before the switch", "+49151777", w.noon(12).Add(-time.Microsecond), "0.1"},
		{"the switch's own instant", "+49151777", w.noon(12), "0.2"},
		{"after it", "+49151777", w.noon(13), "0.2"},
		{"own prefix in dollars", "+870123", w.noon(6), "1.8"},
		{"at the next rate", "+870123", w.noon(9), "1.9"},
	} {
		if got := w.price(row.name, row.at, row.destination); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
		if got := w.dial(o, "online "+row.name, row.at, row.destination); got != row.want {
			t.Errorf("%s, online: %s, want %s", row.name, got, row.want)
		}
	}
	w.deckLive("49 de, 4915 de, 4916 de-mobile", time.Time{})
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := catalog.ChangeCalendar(ctx, tx, catalog.CalendarChange{Code: "de", Put: []catalog.NamedDay{day(20)}})
		return err
	})
	for _, row := range []struct {
		name string
		at   time.Time
		want string
	}{{"the switch counts at once, and today's new holiday", w.noon(20), "0.01"}, {"late use keeps its own", w.noon(14), "0.2"}, {"and older its own", w.noon(2), "0.1"}} {
		if got := w.price(row.name, row.at, "+49151777"); got != row.want {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
		if got := w.dial(o, "online "+row.name, row.at, "+49151777"); got != row.want {
			t.Errorf("%s, online: %s, want %s", row.name, got, row.want)
		}
	}
	w.sums()
}

// A price in a currency without a rate of the day is refused online, and use
// that has happened waits in suspense, with the reason.
func TestTariff_withoutExchangeRate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.SetClock(t, w.noon(1))
	w.deckLive("49 de, 4916 de-mobile", time.Time{})
	late := catalog.ExchangeRate{From: money.MustCurrency("USD"), To: money.MustCurrency("EUR"), Day: calendar.DateOf(w.noon(8), w.Zone), Value: money.MustDecimal("0.95")}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := catalog.ChangeCalendar(ctx, tx, catalog.CalendarChange{Code: "de", Put: []catalog.NamedDay{{Day: late.Day}}}); err != nil {
			return err
		}
		_, err := catalog.PutRates(ctx, tx, catalog.NewRatesEntry{Rates: []catalog.ExchangeRate{late}})
		return err
	})
	w.SetClock(t, w.noon(8))
	w.publish(zonePlan)
	w.SetClock(t, w.noon(1))
	w.customers("zones", account.Postpaid, 1, 1)
	w.SetClock(t, w.noon(9))
	record := w.call("early", 1, w.noon(7), 60)
	record.Destination = "+870123"
	outcome := w.ingest(record)[0]
	if outcome.Status != charging.Suspended || outcome.Problem.Code != usage.NoPrice || !strings.Contains(outcome.Problem.Reason, "USD") {
		t.Errorf("before the first rate: %+v %+v", outcome, outcome.Problem)
	}
	o := w.online()
	record.Key = "online"
	var refused *charging.DebitError
	if _, err := o.Debit(t.Context(), w.Ref, w.feed.ID, record); !errors.As(err, &refused) || refused.Problem.Code != usage.NoPrice || refused.Problem.Want == "" {
		t.Errorf("online before the first rate: %v", err)
	}
	if got := w.dial(o, "later", w.noon(9), "+870123"); got != "1.9" {
		t.Errorf("from the first rate on: %s", got)
	}
	w.sums()
}

// A trial prices use of any time by the decks of its time.
func TestTrial_standsOnReferenceData(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.SetClock(t, w.noon(1))
	w.deckLive("49 de, 4916 de-mobile", time.Time{})
	w.deckLive("49 de, 4915 de-mobile, 4916 de-mobile", w.noon(12))
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		day := calendar.DateOf(w.noon(5), w.Zone)
		if _, err := catalog.ChangeCalendar(ctx, tx, catalog.CalendarChange{Code: "de", Put: []catalog.NamedDay{{Day: day}}}); err != nil {
			return err
		}
		rate := catalog.ExchangeRate{From: money.MustCurrency("USD"), To: money.MustCurrency("EUR"), Day: day, Value: money.MustDecimal("0.9")}
		_, err := catalog.PutRates(ctx, tx, catalog.NewRatesEntry{Rates: []catalog.ExchangeRate{rate}})
		return err
	})
	w.SetClock(t, w.noon(20))
	draft, err := catalog.Parse([]byte(zonePlan))
	if err != nil {
		t.Fatal(err)
	}
	uses := make([]charging.TrialUse, 5)
	for i, at := range []time.Time{w.noon(4), w.noon(5), w.noon(6), w.noon(13), w.noon(4)} {
		uses[i].Record = w.call("", 1, at, 60)
		uses[i].Record.Destination = []string{"+49151777", "+49151777", "+870123", "+49151777", "+870123"}[i]
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		trial, err := w.engine.NewTrial(ctx, tx, draft)
		if err != nil {
			return err
		}
		day := calendar.DateOf(w.noon(1), w.Zone)
		who := &charging.TrialAccount{ID: w.feed.ID, Currency: draft.Currency, Cycle: calendar.Cycle{Anchor: day, Months: 1}, Open: calendar.Period{From: day, To: day.AddMonths(1)}}
		want := []string{"0.1", "0.01", "1.8", "0.2", ""}
		return trial.Price(who, day, uses, func(i int, got charging.Tried) {
			if (got.Problem != nil) != (want[i] == "") || got.Problem == nil && got.Net.String() != want[i] {
				t.Errorf("use %d: %s %+v, want %q", i, got.Net, got.Problem, want[i])
			}
		})
	})
}
