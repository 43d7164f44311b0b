package billing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// Bill run, cycle start, expiry: each at its own instant, in that order, and a
// walk that is cut off goes on where it stopped.
func TestAdvance_everythingInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	flex, prepaid := w.connect("flex"), w.connect("prepaid")
	w.pay(prepaid, payment.PurposeTopUp, "20.00")
	w.ingest(flex.data("may", w.now(), 1e9), prepaid.data("may2", w.now(), 1e9))
	var stops []time.Time
	ctx, cancel := context.WithCancel(t.Context())
	err := w.Advance(ctx, w.day("2026-07-10"), func(at time.Time) {
		stops = append(stops, at)
		if at.Equal(w.day("2026-06-01")) {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || !w.now().Equal(w.day("2026-06-01")) {
		t.Fatalf("stopped at %s: %v", w.now(), err)
	}
	if n := w.text(`select count(*)::text from bill`); n != "0" {
		t.Errorf("%s documents after the walk was cut off, want 0", n)
	}
	w.advance(w.day("2026-07-10"))
	if n := w.text(`select count(*)::text from bill`); n != "4" {
		t.Errorf("%s documents, want 4", n)
	}
	// everything at its own instant, though it was worked later
	for query, want := range map[string]string{
		`select string_agg(distinct kind || ' ' || (due_at at time zone 'Europe/Berlin')::date, ', ' order by kind || ' ' || (due_at at time zone 'Europe/Berlin')::date)
		 from agenda where state = 'done' and done_at = due_at and kind <> 'dunning'`: "bill_run 2026-06-01, bill_run 2026-07-01, bucket_expiry 2026-06-04, bucket_expiry 2026-07-04, cycle_start 2026-06-01, cycle_start 2026-07-01, tell_bills 2026-06-01, tell_bills 2026-07-01",
		`select string_agg(state, ',') from agenda where state <> 'done' and due_at < '2026-07-10'`: "",
	} {
		if got := w.text(`select coalesce((` + query + `), '')`); got != want {
			t.Errorf("agenda: %s, want %s", got, want)
		}
	}
	if got := w.has(flex)["package"]; got != "3000000000" {
		t.Errorf("July's allowance is %s, want 3000000000", got)
	}
	// 20.00 pays May and June; July waits for 7.99
	if got := w.has(prepaid); got["main"] != "4.02" || got["package"] != "" {
		t.Errorf("prepaid has %v, want 4.02 and no package", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
	if err := w.Advance(t.Context(), w.day("2026-07-09"), nil); !errors.Is(err, ErrClockGoesBack) {
		t.Errorf("%v, want %v", err, ErrClockGoesBack)
	}
}

func TestAdvance_refusesALiveClock(t *testing.T) {
	t.Parallel()
	s := &Stack{Ref: tenant.Ref{}}
	if err := s.Advance(t.Context(), time.Now(), nil); !errors.Is(err, ErrLiveClock) {
		t.Errorf("%v, want %v", err, ErrLiveClock)
	}
}

// What always fails is left for a person, and what is behind it is worked.
func TestAdvance_failingItemBlocksNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	flex := w.connect("flex")
	broken := uuid.New()
	w.write(func(ctx context.Context, tx tenant.Tx) error { // a start of cycles that tells no day
		return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.CycleStart, Ref: broken, DueAt: w.day("2026-05-20"), Detail: []int{1}})
	})
	w.advance(w.day("2026-06-02"))
	if got := w.text(`select state || ' ' || attempts from agenda where ref = $1`, broken); got != fmt.Sprintf("failed %d", agenda.MaxAttempts) {
		t.Errorf("the item is %s, want failed 5", got)
	}
	if reason := w.text(`select last_error from agenda where ref = $1`, broken); !strings.Contains(reason, "json") {
		t.Errorf("the reason is %q", reason)
	}
	if n := w.text(`select count(*)::text from bill where account_id = $1`, flex.ID); n != "1" {
		t.Errorf("%s bills, want 1", n)
	}
}

// toppedUpByCard is a prepaid customer who paid 30.00 by card.
func (w *world) toppedUpByCard() customer {
	w.t.Helper()
	c := w.connect("prepaid")
	intent, err := w.Checkout(w.t.Context(), payment.NewIntent{AccountID: c.ID, Purpose: payment.PurposeTopUp, Amount: euro("30.00")}, "")
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.deliver(w.event(intent, payment.EventSucceeded, w.key()), "right"); err != nil {
		w.t.Fatal(err)
	}
	w.work()
	return c
}

// askRefund asks for 5.00 of a customer's payment back.
func (w *world) askRefund(c customer) (id string) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		paid, err := payment.List(ctx, tx, c.ID, payment.Cursor{}, 1)
		if err != nil {
			return err
		}
		r, err := payment.RequestRefund(ctx, tx, payment.NewRefund{PaymentID: paid[0].ID, Amount: euro("5.00"), Reason: "asked for", By: "clerk"})
		id = r.ID.String()
		return err
	})
	return id
}

// A provider that is away for a while is asked again.
func TestWork_refundIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.toppedUpByCard()
	refund := w.askRefund(c)
	w.cards.fail(payment.ErrProviderUnavailable)
	for range 2 {
		if _, err := w.host.Work(t.Context(), w.Stack.Ref.ID, agenda.Payments); !errors.Is(err, payment.ErrProviderUnavailable) {
			t.Errorf("%v, want %v", err, payment.ErrProviderUnavailable)
		}
	}
	w.cards.fail(nil)
	w.work()
	if got := w.text(`select state from refund where id = $1`, refund); got != "succeeded" || w.cards.refunds != 3 {
		t.Errorf("the refund is %s after %d calls, want succeeded after 3", got, w.cards.refunds)
	}
	if got := w.has(c)["main"]; got != "17.01" { // 30.00 - 7.99 - 5.00
		t.Errorf("balance %s, want 17.01", got)
	}
}

// One worker at a time: a second one leaves a lane to whoever works it, and
// other lanes go on.
func TestWork_oneWorkerALane(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.askRefund(w.toppedUpByCard())
	entered, leave := make(chan struct{}), make(chan struct{})
	w.cards.during = func() { close(entered); <-leave }
	var running sync.WaitGroup
	running.Add(1)
	go func() {
		defer running.Done()
		if _, err := w.host.Work(context.Background(), w.Stack.Ref.ID, agenda.Payments); err != nil {
			t.Error(err)
		}
	}()
	<-entered
	for _, lane := range []agenda.Lane{agenda.Payments, agenda.Payments, agenda.Cycles} {
		if again, err := w.host.Work(t.Context(), w.Stack.Ref.ID, lane); again || err != nil {
			t.Errorf("a second worker of %s got %v, %v", lane, again, err)
		}
	}
	close(leave)
	running.Wait()
	if w.cards.refunds != 1 {
		t.Errorf("the provider was asked %d times, want once", w.cards.refunds)
	}
}

// An account that a run had to leave out begins its cycle like the others, and
// not again when its bill is made after all.
func TestCycles_accountThatWasLeftOutBeginsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write(func(ctx context.Context, tx tenant.Tx) error { // a rate that ends, as publishing asks for one
		_, err := tx.Exec(ctx, `insert into tax_rate (id, category, name, percent, valid_from, valid_to)
			values ($1, 'unheard', 'Other', 7, '2000-01-01', $2::date)`, uuid.New(), "2026-05-20")
		return err
	})
	w.publish(strings.NewReplacer("code: flex", "code: odd", "category: standard", "category: unheard").Replace(flexPlan))
	odd, flex := w.connect("odd"), w.connect("flex")
	w.advance(w.day("2026-06-01"))
	if a, b := w.has(odd)["package"], w.has(flex)["package"]; a != "3000000000" || b != a {
		t.Fatalf("packages %q and %q, want 3000000000 each", a, b)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := tx.Exec(ctx, `insert into tax_rate (id, category, name, percent, valid_from) values ($1, 'unheard', 'Other', 7, '2026-05-20')`, uuid.New())
		if err != nil {
			return err
		}
		_, err = bill.StartDue(ctx, tx, calendar.Date{}, "clerk")
		return err
	})
	w.work()
	if got := w.has(odd)["package"]; got != "3000000000" {
		t.Errorf("package %q, want 3000000000", got)
	}
	if n := w.text(`select count(*)::text from bill`); n != "2" {
		t.Errorf("%s bills, want 2", n)
	}
}
