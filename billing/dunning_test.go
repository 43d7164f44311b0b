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

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/collection"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

const netPlan = `
code: net
names: {en: Net}
billing: postpaid
services: [internet]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: monthly, names: {en: Monthly fee}, amount: "30.00", months: 1, timing: advance, prorate: day, credit_suspended: true}]}
`

const fourSteps = `
time: "00:00"
ladders:
  - code: standard
    names: {en: Standard}
    minimum: {EUR: "5"}
    reconnect_fee: {EUR: "7.50"}
    promise: {days: 10, times: 1, per_days: 90, restores: true, by_subscriber: true}
    steps:
      - {code: reminder, after_days: 3, action: remind, channels: [mail]}
      - {code: wall, after_days: 7, action: wall, channels: [mail]}
      - {code: suspend, after_days: 14, action: suspend, channels: [mail]}
      - {code: terminate, after_days: 30, action: terminate, channels: [mail]}
`

// debtor is a subscriber with a bill of 30.00 that is due on Jun 15.
type debtor struct {
	*world
	customer account.Account
	service  uuid.UUID
	sub      uuid.UUID
}

func newDebtor(t *testing.T, ladders string) *debtor {
	t.Helper()
	w := newWorld(t)
	w.publish(netPlan)
	policy, err := collection.Parse([]byte(ladders))
	if err != nil {
		t.Fatal(err)
	}
	d := &debtor{world: w}
	w.advance(w.day("2026-06-01"))
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := tx.Exec(ctx, `update operator set payment_term_days = 14`); err != nil {
			return err
		}
		_, err := collection.Put(ctx, tx, policy, "user:owner")
		return err
	})
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Siti", Email: "siti@example.id", Phone: "+4915112345678"}})
		if err != nil {
			return err
		}
		accounts, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: account.Postpaid}})
		if err != nil {
			return err
		}
		made, err := account.Subscribe(ctx, tx, []account.NewSubscription{{AccountID: accounts[0].ID, OfferingID: w.plans["net"], Services: []account.NewService{{Kind: account.Internet}}}})
		if err != nil {
			return err
		}
		d.customer, d.sub, d.service = accounts[0], made[0].ID, made[0].Services[0].ID
		if err := payment.ImportItems(ctx, tx, []payment.ImportedItem{owed(t, accounts[0], "OLD-1")}); err != nil {
			return err
		}
		return account.Activate(ctx, tx, d.sub)
	})
	return d
}

// owed is what an account owes from before: 30.00, due on Jun 15.
func owed(t testing.TB, a account.Account, number string) payment.ImportedItem {
	t.Helper()
	return payment.ImportedItem{ID: uuid.New(), AccountID: a.ID, Number: number, Issued: day(t, "2026-06-01"), DueDate: day(t, "2026-06-15"),
		Amount: euro("30.00"), Open: euro("30.00"), LegalEntity: a.LegalEntity, Branch: a.Branch}
}

func day(t testing.TB, text string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *debtor) level() access.Level {
	d.t.Helper()
	var right access.Right
	d.read(func(ctx context.Context, tx tenant.Tx) (err error) {
		right, err = access.Of(ctx, tx, d.service)
		return err
	})
	if pending := right.PendingLevel(); pending != "" {
		d.t.Errorf("the recorder has not confirmed %s", pending)
	}
	return right.Level
}

func (d *debtor) steps() string {
	d.t.Helper()
	return d.text(`select coalesce(string_agg(step || ' ' || to_char(done_on, 'MM-DD'), ', ' order by done_at, done_on, step), '') from dunning_step`)
}

// at moves the clock to a local time.
func (d *debtor) at(text string) {
	d.t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", text, d.Zone)
	if err != nil {
		d.t.Fatal(err)
	}
	d.advance(at.UTC())
}

func (d *debtor) wants(level access.Level, steps string) {
	d.t.Helper()
	if got := d.level(); got != level {
		d.t.Errorf("%s: access is %s, want %s", d.now().In(d.Zone), got, level)
	}
	if got := d.steps(); got != steps {
		d.t.Errorf("%s: steps are %q, want %q", d.now().In(d.Zone), got, steps)
	}
}

// Semantics C, E dunning. The fee of June and July is 30.00 each; nothing but
// the first bill is looked at: what later cycles bill is due later.
func TestDunning_semantics(t *testing.T) {
	t.Parallel()
	d := newDebtor(t, fourSteps)
	d.at("2026-06-17 23:59")
	d.wants(access.Allowed, "")
	d.at("2026-06-18 09:00")
	d.wants(access.Allowed, "reminder 06-18")
	d.at("2026-06-21 23:59")
	d.wants(access.Allowed, "reminder 06-18")
	d.at("2026-06-22 09:00")
	d.wants(access.Walled, "reminder 06-18, wall 06-22")
	d.at("2026-06-29 09:00")
	d.wants(access.Cut, "reminder 06-18, wall 06-22, suspend 06-29")
	d.at("2026-07-02 14:05")
	// part payment that leaves more than the threshold: it stays
	d.record(payment.NewPayment{ID: uuid.New(), AccountID: d.customer.ID, Purpose: payment.PurposeBill, Method: payment.Bank, Amount: euro("20.00"), By: "clerk"})
	d.work()
	d.wants(access.Cut, "reminder 06-18, wall 06-22, suspend 06-29")
	d.payAll()
	d.work()
	d.wants(access.Allowed, "reminder 06-18, wall 06-22, suspend 06-29")
	if got := d.text(`select string_agg(kind || ' ' || round(price, 2), ', ' order by kind, period_from) from bill_item`); got != "reconnect 7.50, suspension_credit -2.00, suspension_credit -0.97" {
		t.Errorf("items: %s", got)
	}
	if got := d.text(`select state || ' ' || closed_why from dunning_case`); got != "closed paid" {
		t.Errorf("case: %s", got)
	}
	if err := d.sums(); err != nil {
		t.Error(err)
	}
	d.at("2026-07-16 09:00")
	d.wants(access.Allowed, "reminder 06-18, wall 06-22, suspend 06-29")
}

// payAll pays what is open.
func (d *debtor) payAll() {
	d.t.Helper()
	open := d.text(`select sum(open)::text from open_item where account_id = $1`, d.customer.ID)
	d.record(payment.NewPayment{ID: uuid.New(), AccountID: d.customer.ID, Purpose: payment.PurposeBill, Method: payment.Bank, Amount: euro(strings.TrimSuffix(open, "0000000")), By: "clerk"})
}

func TestDunning_theLastStepEndsTheContract(t *testing.T) {
	t.Parallel()
	d := newDebtor(t, fourSteps)
	d.at("2026-07-15 09:00")
	d.wants(access.Cut, "reminder 06-18, wall 06-22, suspend 06-29, terminate 07-15")
	if got := d.text(`select state from subscription`); got != "terminated" {
		t.Errorf("the subscription is %s", got)
	}
	d.at("2026-08-15 09:00")
	d.payAll()
	d.work()
	if got := d.text(`select state from subscription`); got != "terminated" {
		t.Errorf("paid after the end, the subscription is %s", got)
	}
	if got := d.text(`select count(*)::text from bill_item where kind = 'reconnect'`); got != "0" {
		t.Errorf("%s reconnect fees after the end", got)
	}
	if err := d.sums(); err != nil {
		t.Error(err)
	}
}

// A promise keeps the next step back and gives services back; broken, the
// ladder goes on and no step comes twice.
func TestDunning_promise(t *testing.T) {
	t.Parallel()
	d := newDebtor(t, fourSteps)
	d.at("2026-06-23 10:00")
	d.wants(access.Walled, "reminder 06-18, wall 06-22")
	promise := func(id uuid.UUID, until string) (err error) {
		return d.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error {
			_, err := d.Collection().Promise(ctx, tx, collection.NewPromise{ID: id, AccountID: d.customer.ID, Until: day(t, until), By: "user:siti", Subscriber: true})
			return err
		})
	}
	if err := promise(uuid.New(), "2026-07-20"); !errors.Is(err, collection.ErrPromise) {
		t.Errorf("too far ahead: %v", err)
	}
	id := uuid.New()
	for range 2 { // a repeat changes nothing
		if err := promise(id, "2026-07-01"); err != nil {
			t.Fatal(err)
		}
	}
	d.work()
	d.wants(access.Allowed, "reminder 06-18, wall 06-22")
	d.at("2026-07-01 23:00")
	d.wants(access.Allowed, "reminder 06-18, wall 06-22")
	d.at("2026-07-02 09:00")
	d.wants(access.Cut, "reminder 06-18, wall 06-22, suspend 07-02")
	if err := promise(uuid.New(), "2026-07-05"); !errors.Is(err, collection.ErrPromises) {
		t.Errorf("a second promise in 90 days: %v", err)
	}
	if got := d.text(`select string_agg(kind, ' ' order by created_at, id) from notice where account_id = $1 and kind like 'promise%'`, d.customer.ID); got != "promise_taken promise_broken" {
		t.Error(got)
	}
}

func TestDunning_planDisputeAndHold(t *testing.T) {
	t.Parallel()
	d := newDebtor(t, fourSteps)
	d.at("2026-06-23 10:00")
	agree := func(fn func(ctx context.Context, tx tenant.Tx, c *collection.Collector) (collection.Arrangement, error)) (a collection.Arrangement) {
		d.write(func(ctx context.Context, tx tenant.Tx) (err error) {
			a, err = fn(ctx, tx, d.Collection())
			return err
		})
		d.work()
		return a
	}
	agree(func(ctx context.Context, tx tenant.Tx, c *collection.Collector) (collection.Arrangement, error) {
		return c.MakePlan(ctx, tx, collection.NewPlan{AccountID: d.customer.ID, By: "user:clerk", Instalments: []collection.Instalment{
			{On: day(t, "2026-06-30"), Amount: euro("10").Decimal()}, {On: day(t, "2026-07-10"), Amount: euro("20").Decimal()}}})
	})
	d.wants(access.Allowed, "reminder 06-18, wall 06-22")
	d.record(payment.NewPayment{ID: uuid.New(), AccountID: d.customer.ID, Purpose: payment.PurposeBill, Method: payment.Bank, Amount: euro("10.00"), By: "clerk"})
	d.at("2026-07-10 23:00")
	d.wants(access.Allowed, "reminder 06-18, wall 06-22")
	hold := agree(func(ctx context.Context, tx tenant.Tx, c *collection.Collector) (collection.Arrangement, error) {
		return c.Hold(ctx, tx, collection.NewHold{AccountID: d.customer.ID, Reason: "in hospital", By: "user:clerk"})
	})
	d.at("2026-07-12 09:00") // the plan is broken, the hold keeps the step back
	d.wants(access.Walled, "reminder 06-18, wall 06-22")
	agree(func(ctx context.Context, tx tenant.Tx, c *collection.Collector) (collection.Arrangement, error) {
		return c.End(ctx, tx, d.customer.ID, hold.ID, "user:clerk")
	})
	d.wants(access.Walled, "reminder 06-18, wall 06-22")
	d.at("2026-07-13 09:00")
	d.wants(access.Cut, "reminder 06-18, wall 06-22, suspend 07-13")
	item := uuid.MustParse(d.text(`select id::text from open_item where number = 'OLD-1'`))
	until := day(t, "2026-07-20")
	agree(func(ctx context.Context, tx tenant.Tx, c *collection.Collector) (collection.Arrangement, error) {
		return c.Hold(ctx, tx, collection.NewHold{AccountID: d.customer.ID, ItemID: item, Until: &until, Reason: "says it was never delivered", By: "user:clerk"})
	})
	d.wants(access.Allowed, "reminder 06-18, wall 06-22, suspend 07-13")
	d.at("2026-07-21 09:00")
	if got := d.level(); got != access.Cut {
		t.Errorf("the dispute is over: %s", got)
	}
	if got := strings.Count(d.steps(), "suspend 07-13"); got != 1 {
		t.Errorf("suspended %d times for one debt", got)
	}
}

// Semantics C dunning: payment while the cut job runs. Whoever comes first, what
// is paid ends as allowed, and the ledger stays right.
func TestDunning_paymentWhileTheCutRuns(t *testing.T) {
	t.Parallel()
	for n := range 4 {
		d := newDebtor(t, fourSteps)
		d.at("2026-06-28 23:00")
		d.SetClock(t, day(t, "2026-06-29").Start(d.Zone).Add(time.Minute))
		var both sync.WaitGroup
		both.Add(2)
		go func() {
			defer both.Done()
			for again, err := true, error(nil); again && err == nil; {
				again, err = d.host.Work(context.Background(), d.Stack.Ref.ID, "collection")
				if err != nil {
					t.Error(err)
				}
			}
		}()
		go func() {
			defer both.Done()
			time.Sleep(time.Duration(n*4) * time.Millisecond)
			d.payAll()
		}()
		both.Wait()
		d.work()
		if got := d.level(); got != access.Allowed {
			t.Errorf("paid, and %s; steps %s", got, d.steps())
		}
		fees := d.text(`select count(*)::text from bill_item where kind = 'reconnect'`)
		cut := strings.Contains(d.steps(), "suspend")
		if (fees == "1") != cut {
			t.Errorf("steps %s and %s reconnect fees", d.steps(), fees)
		}
		if err := d.sums(); err != nil {
			t.Error(err)
		}
	}
}

// Access is back within five seconds of the payment: by the dispatcher, with
// nobody's help.
func TestDunning_accessComesBackWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	d := newDebtor(t, fourSteps)
	d.at("2026-06-29 09:00")
	if got := d.level(); got != access.Cut {
		t.Fatalf("%s", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() { defer close(stopped); d.host.Dispatch(ctx, &direct{host: d.host}) }()
	defer func() { cancel(); <-stopped }()
	began := time.Now()
	d.payAll()
	for {
		var right access.Right
		d.read(func(ctx context.Context, tx tenant.Tx) (err error) {
			right, err = access.Of(ctx, tx, d.service)
			return err
		})
		if right.Level == access.Allowed && right.Intent.State == access.IntentConfirmed {
			break
		}
		if time.Since(began) > slower*5*time.Second {
			t.Fatalf("after %s: %+v", time.Since(began), right)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Killed between any two portions, a day's review goes on where it was.
func TestDunning_killedBetweenPortions(t *testing.T) {
	t.Parallel()
	d := newDebtor(t, fourSteps)
	d.write(func(ctx context.Context, tx tenant.Tx) error {
		for n := range 7 {
			parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: fmt.Sprint("Debtor ", n), Email: "x@example.id"}})
			if err != nil {
				return err
			}
			accounts, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: account.Postpaid}})
			if err != nil {
				return err
			}
			if err := payment.ImportItems(ctx, tx, []payment.ImportedItem{owed(t, accounts[0], fmt.Sprint("OLD-", n+2))}); err != nil {
				return err
			}
		}
		return nil
	})
	d.at("2026-06-17 23:00")
	d.SetClock(t, day(t, "2026-06-18").Start(d.Zone).Add(time.Minute))
	killed := errors.New("killed")
	for n := 0; ; n++ {
		item, found, err := d.firstDue(t.Context(), "collection")
		if err != nil || !found {
			t.Fatal(err, found)
		}
		again := false
		err = d.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error {
			if again, err = d.Collection().Day(ctx, tx, item, 3); err != nil {
				return err
			}
			if n%2 == 0 {
				return killed
			}
			return nil
		})
		if err != nil && !errors.Is(err, killed) {
			t.Fatal(err)
		}
		if err == nil && !again {
			break
		}
	}
	if got := d.text(`select count(*) || ' ' || count(distinct item_id) from dunning_step where step = 'reminder'`); got != "8 8" {
		t.Errorf("%s", got)
	}
	if got := d.text(`select count(*)::text from notice where kind = 'dunning_reminder'`); got != "8" {
		t.Errorf("%s reminders", got)
	}
}
