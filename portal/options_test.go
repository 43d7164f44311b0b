package portal_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/migration"
	"tollhouse/billing/tenant"
)

const holidayOption = `
code: hanse-holiday
kind: option
names: {en: Holiday, id: Liburan, ru: Отпуск}
billing: postpaid
services: []
currency: EUR
tax: {category: standard, included: true}
option: {for: [hanse-postpaid-flex]}
prices:
  recurring:
  - {code: holiday, names: {en: Holiday, id: Liburan, ru: Отпуск}, amount: "3.00", months: 1, timing: arrears, prorate: day}
`

// sells publishes an offering's document.
func (w *world) sells(document string) (id uuid.UUID) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		o, _, err := catalog.ParseLines([]byte(document))
		if err != nil {
			return err
		}
		draft, err := catalog.SaveDraft(ctx, tx, o)
		if err != nil {
			return err
		}
		id = draft.ID
		_, err = catalog.Publish(ctx, tx, id, time.Time{})
		return err
	})
	return id
}

// my is the address of a subscriber's page.
func (w *world) my(path string) string { return "/t/" + w.Ref.Name + "/" + path }

func TestOptions_boughtSeenAndEndedByTheSubscriber(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	option := w.sells(holidayOption)
	w.clock("2026-05-10 12:00")
	b := w.browser()
	if home := b.signIn(w, c); !strings.Contains(home.text, "/options") {
		t.Error("the home page does not lead to the options")
	}
	list := b.get(w.my("options"))
	if !strings.Contains(list.words(), "Holiday") || !strings.Contains(list.words(), "3,00") {
		t.Fatalf("the list: %s", list.words())
	}
	var subscription string
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select id::text from subscription where account_id = $1 and part is null`, c.ID).Scan(&subscription)
	})
	at := "options/" + subscription + "/buy/" + option.String()
	sure := b.get(w.my(at))
	if !strings.Contains(sure.words(), "Begin now") {
		t.Fatalf("the question: %d %s", sure.status, sure.words())
	}
	for range 2 { // a second tap buys nothing more
		if got := b.post(w.my(at), sure, "when", "now", "key", sure.value("key")); got.status != http.StatusSeeOther && got.status != http.StatusOK {
			t.Fatalf("buying: %d %s", got.status, got.words())
		}
	}
	var bought string
	var n int
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select min(id::text), count(*) from subscription where account_id = $1 and part = 'option' and state = 'active'`, c.ID).Scan(&bought, &n)
	})
	if list = b.get(w.my("options")); n != 1 || !strings.Contains(list.words(), "End it") {
		t.Fatalf("%d options after one tap and a second: %s", n, list.words())
	}
	stranger := w.browser()
	stranger.signIn(w, w.customer(2, "hanse-postpaid-flex", "en"))
	if got := stranger.get(w.my("options/" + bought + "/end")); got.status != http.StatusNotFound {
		t.Errorf("another's option answered %d", got.status)
	}
	ending := b.get(w.my("options/" + bought + "/end"))
	if got := b.post(w.my("options/"+bought+"/end"), ending, "when", "next", "key", ending.value("key")); got.status != http.StatusSeeOther && got.status != http.StatusOK {
		t.Fatalf("ending: %d %s", got.status, got.words())
	}
	if list = b.get(w.my("options")); !strings.Contains(list.words(), "Ends after") {
		t.Errorf("after ending: %s", list.words())
	}
}

func TestPlannedChange_isToldAtHomeAndCanBeDeclined(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	var old, next catalog.Stored
	var subscription uuid.UUID
	w.clock("2026-05-10 12:00")
	w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		if old, err = catalog.Current(ctx, tx, "hanse-postpaid-flex", tx.At); err != nil {
			return err
		}
		draft, err := catalog.SaveDraft(ctx, tx, old.Offering)
		if err != nil {
			return err
		}
		if _, err = catalog.Publish(ctx, tx, draft.ID, time.Time{}); err != nil {
			return err
		}
		next.ID = draft.ID
		return tx.QueryRow(ctx, `select id from subscription where account_id = $1`, c.ID).Scan(&subscription)
	})
	plan := migration.New{ID: uuid.Must(uuid.NewV7()), To: next.ID, From: []uuid.UUID{old.ID}, StartsOn: calendar.Date{Year: 2026, Month: 7, Day: 1}, NoticeDays: 30, Reason: "a better plan", By: "test"}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := migration.Plan(ctx, tx, plan)
		return err
	})
	w.clock("2026-06-05 12:00")
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := migration.Work(ctx, tx, nil, plan.ID, 100)
		return err
	})
	b := w.browser()
	home := b.signIn(w, c)
	at := "changes/" + plan.ID.String() + "/" + subscription.String()
	if !strings.Contains(home.text, at) {
		t.Fatalf("the home page is silent about it: %s", home.words())
	}
	detail := b.get(w.my(at))
	if !strings.Contains(detail.words(), "a better plan") {
		t.Errorf("the detail: %s", detail.words())
	}
	if got := b.post(w.my(at), detail, "when", "stay", "key", detail.value("key")); got.status != http.StatusSeeOther && got.status != http.StatusOK {
		t.Fatalf("declining: %d %s", got.status, got.words())
	}
	if home = b.get(w.my("")); strings.Contains(home.text, at) {
		t.Error("a change that was declined is still told")
	}
	var state string
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select state from offering_migration_member where subscription_id = $1`, subscription).Scan(&state)
	})
	if state != string(migration.OptedOut) {
		t.Errorf("the member is %s", state)
	}
}
