package billing

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/alert"
	"tollhouse/billing/balance"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/recharge"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// debit charges a use online.
func (w *world) debit(r usage.Record) (charging.Debited, error) {
	return w.Online().Debit(w.t.Context(), w.Stack.Ref, w.feed.ID, r)
}

// soon is an end of use whose beginning is after the subscriber's activation.
func (w *world) soon() time.Time { return w.now().Add(2 * time.Hour) }

func (w *world) mustDebit(r usage.Record) charging.Debited {
	w.t.Helper()
	d, err := w.debit(r)
	if err != nil {
		w.t.Fatalf("debit %s: %v", r.Key, err)
	}
	return d
}

// subjects are what an account was told, oldest first.
func (w *world) subjects(c customer) (list []string) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		told, err := notice.List(ctx, tx, notice.Query{AccountID: c.ID, Limit: 50})
		for i := len(told) - 1; i >= 0; i-- {
			list = append(list, told[i].Subject)
		}
		return err
	})
	return list
}

// An online debit that takes the balance below what was ordered has the stored
// card charged, off session and once, however many debits follow.
func TestOnline_debitTopsUpFromTheStoredCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("prepaid")
	w.cash(c.ID, "10.00") // 7.99 are the month's fee
	w.storeCard(c.ID)
	w.order(recharge.Order{AccountID: c.ID, Amount: euro("5"), Below: below("2"), DayLimit: money.NewDecimal(20), By: "user:ada"})
	w.drain()
	call := c.call("call", w.soon(), 60) // 0.0952 of 2.01
	first := w.mustDebit(call)
	if again := w.mustDebit(call); !again.Repeat || again.ChargeID != first.ChargeID {
		t.Errorf("again: %+v", again)
	}
	w.mustDebit(c.call("next", w.soon(), 60))
	w.drain()
	w.drain()
	if len(w.cards.stored) != 1 || w.cards.stored[0].Amount.String() != "5.00 EUR" {
		t.Fatalf("the card was charged %+v, want once 5.00", w.cards.stored)
	}
	if got := w.mainOf(c.ID); got.String() != "6.8196" {
		t.Errorf("the balance is %s, want 6.8196", got)
	}
	// a refused card: the debit stands, and the subscriber is told in the end
	w.cards.declines = true
	w.mustDebit(c.data("much", w.soon(), 2_000_000_000)) // the allowance
	w.mustDebit(c.data("more", w.soon(), 2_000_000_000)) // 5.00
	w.drain()
	if got := w.mainOf(c.ID); got.String() != "1.8196" {
		t.Errorf("the balance is %s, want 1.8196", got)
	}
	if len(w.cards.stored) != 2 {
		t.Errorf("the card was asked %d times, want twice", len(w.cards.stored))
	}
	w.mustSums()
}

// Thresholds are watched in online batches: crossed once, told once, and a cut
// holds for the next request.
func TestOnline_debitCrossesThresholds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, talker := w.connect("prepaid"), w.connect("flex")
	w.cash(c.ID, "10.00")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return alert.Put(ctx, tx, alert.Policy{Rules: []alert.Rule{
			{Code: "low", Measure: alert.Balance, Value: money.NewDecimal(2), Currency: "EUR", Action: alert.Notify},
			{Code: "used-80", Measure: alert.Allowance, Value: money.NewDecimal(80), Action: alert.Notify},
			{Code: "bill-shock", Measure: alert.Spend, Value: money.NewDecimal(20), Currency: "EUR", Lines: []string{"calls"}, Action: alert.Cut},
		}}, "user:owner")
	})
	crossed := func(who customer) (codes []string) {
		w.read(func(ctx context.Context, tx tenant.Tx) error {
			list, err := alert.List(ctx, tx, who.ID, 10)
			for i := len(list) - 1; i >= 0; i-- {
				codes = append(codes, list[i].Rule+" "+string(list[i].State))
			}
			return err
		})
		return codes
	}
	w.mustDebit(c.data("most of the allowance", w.soon(), 1_500_000_000))
	w.drain()
	if got := crossed(c); len(got) != 0 {
		t.Errorf("75 %% are used: %v", got)
	}
	before := len(w.subjects(c))
	w.mustDebit(c.data("more of it", w.soon(), 200_000_000)) // 85 %
	w.mustDebit(c.call("call", w.soon(), 60))                // 1.9148
	w.mustDebit(c.call("another", w.soon(), 60))
	w.mustDebit(c.call("another", w.soon(), 60)) // a repeat
	w.drain()
	if got := strings.Join(crossed(c), ", "); got != "used-80 told, low told" && got != "low told, used-80 told" {
		t.Errorf("crossed: %s", got)
	}
	if told := w.subjects(c); len(told)-before != 2 {
		t.Errorf("told %v", told[before:])
	}
	for n := range 4 { // 5.994 net each
		w.mustDebit(talker.call(w.key(), w.soon(), 3600))
		_ = n
	}
	w.drain()
	if got := strings.Join(crossed(talker), ", "); got != "bill-shock held" {
		t.Errorf("crossed: %s", got)
	}
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		subscriptions, err := account.Subscriptions(ctx, tx, talker.ID)
		if err == nil && subscriptions[0].State != account.SubscriptionSuspended {
			t.Errorf("the subscription is %s, want it cut", subscriptions[0].State)
		}
		return err
	})
	w.mustSums()
}

// Debits at the same time, of which some share a batch, cross a threshold once.
func TestOnline_manyDebitsCrossOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("prepaid")
	w.cash(c.ID, "10.00")
	w.storeCard(c.ID)
	w.order(recharge.Order{AccountID: c.ID, Amount: euro("5"), Below: below("1.50"), DayLimit: money.NewDecimal(20), By: "user:ada"})
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return alert.Put(ctx, tx, alert.Policy{Rules: []alert.Rule{{Code: "low", Measure: alert.Balance, Value: money.NewDecimal(1), Currency: "EUR", Action: alert.Notify}}}, "user:owner")
	})
	at := w.soon()
	var calls sync.WaitGroup
	for range 15 { // 15 × 0.0952 of 2.01
		record := c.call(w.key(), at, 60)
		calls.Go(func() {
			if _, err := w.debit(record); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	if got := w.mainOf(c.ID); got.String() != "0.582" {
		t.Errorf("the balance is %s, want 0.582", got)
	}
	w.drain()
	w.drain()
	if len(w.cards.stored) != 1 || w.mainOf(c.ID).String() != "5.582" {
		t.Errorf("the card was charged %d times, the balance is %s", len(w.cards.stored), w.mainOf(c.ID))
	}
	if n := w.text(`select count(*)::text from alert where account_id = $1`, c.ID); n != "1" {
		t.Errorf("%s alerts, want one", n)
	}
	w.mustSums()
}

// Of what expires people are told once, so many days before, at nine in the
// morning; what was used up by then is not worth a word.
func TestReminder_ofWhatExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, other := w.connect("prepaid"), w.connect("prepaid")
	w.cash(c.ID, "8.00")
	w.cash(other.ID, "8.00")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if err := balance.PutReminder(ctx, tx, balance.Reminder{Days: 3}, "user:owner"); err != nil {
			return err
		}
		for _, who := range []customer{c, other} {
			_, err := balance.Give(ctx, tx, balance.Gift{ID: id7(), AccountID: who.ID, Code: "gift", Unit: money.Byte, Amount: money.NewDecimal(1e9), Priority: 1,
				ExpiresAt: w.day("2026-05-12"), Reason: "welcome"})
			if err != nil {
				return err
			}
		}
		return nil
	})
	w.mustDebit(other.data("all of it", w.soon(), 1_000_000_000))
	before, others := len(w.subjects(c)), len(w.subjects(other))
	w.advance(w.day("2026-05-09").Add(9*time.Hour - time.Minute))
	if told := w.subjects(c); len(told) != before {
		t.Errorf("too early: %v", told[before:])
	}
	w.advance(w.day("2026-05-09").Add(9 * time.Hour))
	told := w.subjects(c)
	if len(told) != before+1 || !strings.Contains(told[before], "expire soon") {
		t.Errorf("three days before: %v", told[before:])
	}
	w.advance(w.day("2026-05-13"))
	if again := w.subjects(c); len(again) != before+1 {
		t.Errorf("told again: %v", again[before:])
	}
	if told := w.subjects(other); len(told) != others {
		t.Errorf("told of nothing: %v", told[others:])
	}
	if got := w.has(c)["gift"]; got != "" && got != "0" {
		t.Errorf("the gift still holds %s", got)
	}
	w.mustSums()
}

// A session's reservation counts for debits that are charged from memory.
func TestOnline_debitsLeaveWhatASessionHolds(t *testing.T) {
	t.Parallel()
	w, c := sessionWorld(t)
	for n := range 3 { // remembered from now on: 9.70
		_ = n
		w.mustDebit(c.call(w.key(), w.soon(), 60))
	}
	id := w.calls(c, "call").Session
	w.stands(c, "9.7", "2", "7.7")
	if _, err := w.debit(c.call("too much", w.soon(), 77*60+1)); !errors.Is(err, charging.ErrInsufficient) {
		t.Errorf("7.7017 of 7.70: %v", err)
	}
	w.mustDebit(c.call("all of it", w.soon(), 77*60))
	w.stands(c, "2", "2", "0")
	if _, err := w.debit(c.call("nothing left", w.soon(), 60)); !errors.Is(err, charging.ErrInsufficient) {
		t.Errorf("0.10 of nothing: %v", err)
	}
	w.ends(id, 1, 600)
	w.stands(c, "1", "0", "1")
	w.mustDebit(c.call("free again", w.soon(), 60))
	w.stands(c, "0.9", "0", "0.9")
}
