package billing

import (
	"context"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/agenda"
	"tollhouse/billing/collection"
	"tollhouse/billing/notice"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// paysItself is a subscriber with a monthly bill and a stored card that pays it.
func (w *world) paysItself() customer {
	w.t.Helper()
	c := w.connect("flex")
	w.storeCard(c.ID)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		methods, err := payment.Methods(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		return payment.SetAutoPay(ctx, tx, c.ID, methods[0].ID, true)
	})
	return c
}

// toldKinds are the kinds of what an account was told, oldest first.
func (w *world) toldKinds(c customer) string {
	w.t.Helper()
	var kinds []string
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		list, err := notice.List(ctx, tx, notice.Query{AccountID: c.ID, Limit: 50})
		for i := len(list) - 1; i >= 0; i-- {
			kinds = append(kinds, string(list[i].Kind))
		}
		return err
	})
	return strings.Join(kinds, " ")
}

// A bill becomes final, is told, charged to the stored card on its due day and
// paid: once, with a receipt.
func TestAutoPay_aFinalBillPaysItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.paysItself()
	w.advance(w.day("2026-06-01").Add(time.Hour))
	if n := w.text(`select count(*)::text from bill where state = 'final'`); n != "1" || len(w.cards.stored) != 0 {
		t.Fatalf("%s bills, charged %+v before anything is due", n, w.cards.stored)
	}
	due := w.text(`select due_date::text from open_item`)
	w.advance(w.day(due).Add(8 * time.Hour))
	if len(w.cards.stored) != 0 {
		t.Fatalf("charged before nine o'clock of the due day: %+v", w.cards.stored)
	}
	w.advance(w.day(due).AddDate(0, 0, 1))
	if len(w.cards.stored) != 1 {
		t.Fatalf("charged %d times, want once", len(w.cards.stored))
	}
	if got := w.text(`select p.method || ' ' || (p.amount = (select total from bill)) || ' ' || (select sum(open) from open_item) from payment p`); got != "card true 0.000000000" {
		t.Errorf("the payment: %s", got)
	}
	if got := w.toldKinds(c); got != "bill_ready payment_received" {
		t.Errorf("told: %s", got)
	}
	w.mustSums()
}

const twoSteps = `
time: "00:00"
ladders:
  - code: standard
    names: {en: Standard}
    steps:
      - {code: reminder, after_days: 3, action: remind, channels: [mail]}
      - {code: wall, after_days: 20, action: wall, channels: [mail]}
`

// A card that is refused is tried again by the operator's ladder, with a word to
// its owner each time; then the ladder of dunning takes over, and paying by hand
// ends it.
func TestAutoPay_refusedTriedAgainThenDunned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	policy, err := collection.Parse([]byte(twoSteps))
	if err != nil {
		t.Fatal(err)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := collection.Put(ctx, tx, policy, "user:owner")
		return err
	})
	c := w.paysItself()
	w.cards.declines = true
	w.advance(w.day("2026-06-01").Add(time.Hour))
	due := w.day(w.text(`select due_date::text from open_item`))
	w.advance(due.AddDate(0, 0, 19)) // tries on the day itself, and 3, 8 and 15 days later
	if len(w.cards.stored) != 4 {
		t.Fatalf("tried %d times, want 4", len(w.cards.stored))
	}
	keys := map[string]bool{}
	for _, s := range w.cards.stored {
		keys[s.Key] = true
	}
	if len(keys) != 4 {
		t.Errorf("each try is a charge of its own: %v", keys)
	}
	if got := w.text(`select string_agg(step, ' ') from dunning_step`); got != "reminder" {
		t.Errorf("steps: %s", got)
	}
	if got := w.toldKinds(c); strings.Count(got, "payment_failed") != 4 || !strings.Contains(got, "dunning_reminder") {
		t.Errorf("told: %s", got)
	}
	if got := w.text(`select body from notice where kind = 'payment_failed' order by id desc limit 1`); !strings.Contains(got, "Your card was declined.") || !strings.Contains(got, "will not try it any more") || !strings.Contains(got, "/link/") {
		t.Errorf("the last word: %s", got)
	}
	w.advance(due.AddDate(0, 0, 21))
	if got := w.intended(c.ID); got != "walled confirmed" {
		t.Errorf("after the ladder: %s", got)
	}
	open := w.text(`select round(sum(open), 2)::text from open_item`)
	w.pay(c, payment.PurposeBill, open)
	w.work()
	if got := w.intended(c.ID); got != "allowed confirmed" {
		t.Errorf("paid: %s", got)
	}
	w.mustSums()
}

// Killed between the provider's charge and our commit: the charge is asked for
// again under the same key, and booked once.
func TestAutoPay_killedBeforeTheAnswerIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.paysItself()
	w.advance(w.day("2026-06-01").Add(time.Hour))
	due := w.day(w.text(`select due_date::text from open_item`))
	work, kill := context.WithCancel(t.Context())
	w.cards.after = kill
	w.SetClock(t, due.Add(10*time.Hour))
	if _, err := w.host.Work(work, w.Stack.Ref.ID, agenda.Payments); err == nil {
		t.Error("a killed worker reports nothing")
	}
	if n := w.text(`select count(*)::text from payment`); n != "0" || len(w.cards.stored) != 1 {
		t.Fatalf("%s payments of %d charges before the answer was kept", n, len(w.cards.stored))
	}
	w.cards.after = nil
	w.advance(due.AddDate(0, 0, 1))
	keys := map[string]bool{}
	for _, s := range w.cards.stored {
		keys[s.Key] = true
	}
	if len(keys) != 1 || len(w.cards.stored) < 2 {
		t.Errorf("asked again under %v", keys)
	}
	if n := w.text(`select count(*) || ' ' || (select sum(open) from open_item) from payment`); n != "1 0.000000000" {
		t.Errorf("payments and what is open: %s", n)
	}
	w.mustSums()
}

// An own word of the operator's is what a bill's letter says, all places filled;
// a bill sent by hand counts as sent.
func TestTellBills_inTheOperatorsOwnWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("flex")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := notice.Change(ctx, tx, notice.Edition{Kind: notice.BillReady, Channel: notice.Mail, Language: "en", By: "user:owner",
			Words: notice.Words{Subject: "{number} for {account}", Body: "{name} / {account} / {operator} / {period} / {amount} / {open} / {due} / {to_pay} / {pay}"}})
		return err
	})
	w.advance(w.day("2026-06-02"))
	told := w.letters()
	if len(told) != 1 || !strings.HasSuffix(told[0].Subject, " for "+c.Number) || !strings.Contains(told[0].Body, " / "+c.Number+" / ") || strings.Contains(told[0].Body, " /  / ") ||
		!strings.HasSuffix(told[0].Body, told[0].Link) {
		t.Fatalf("%+v", told)
	}
	if got := w.text(`select (sent_at is not null)::text from bill`); got != "true" {
		t.Error("the bill does not count as sent")
	}
}
