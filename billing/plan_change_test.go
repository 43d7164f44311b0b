package billing

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/desk"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

const largerPlans = `
code: flex-xl
names: {en: Flex XL}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices:
  one_time: [{code: sim, names: {en: SIM card}, amount: "9.95"}]
  recurring: [{code: monthly, names: {en: Monthly fee}, amount: "19.99", months: 1, timing: advance, prorate: day}]
allowances: [{code: large, names: {en: 10 GB}, amount: 10 GB, kinds: [data], validity_months: 1, priority: 1}]
usage:
  - {code: calls, names: {en: Calls}, kind: voice, rules: [{code: all, destinations: ["*"], price: "0.05", per: 1 min, increments: {first: 60 s, next: 60 s}}]}
  - {code: data, names: {en: Data}, kind: data, rules: [{code: bytes, destinations: ["*"], price: "1.00", per: 1 GB}]}
`

const largerPrepaid = `
code: prepaid-l
names: {en: Prepaid L}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: monthly, names: {en: Monthly}, amount: "9.99", months: 1, timing: advance, prorate: none}]}
allowances: [{code: large, names: {en: 5 GB}, amount: 5 GB, kinds: [data], validity_months: 1, priority: 1}]
usage:
  - {code: calls, names: {en: Calls}, kind: voice, rules: [{code: all, destinations: ["*"], price: "0.05", per: 1 min, increments: {first: 60 s, next: 60 s}}]}
  - {code: data, names: {en: Data}, kind: data, rules: [{code: bytes, destinations: ["*"], price: "2.00", per: 1 GB}]}
`

// changeTo schedules a change of a customer's only running subscription.
func (w *world) changeTo(c customer, plan string, id uuid.UUID) (change account.PlanChange, err error) {
	w.t.Helper()
	subscription := w.running(c)
	err = w.Stack.Write(w.t.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		change, err = desk.Schedule(ctx, tx, w.Desk(), desk.NewChange{ID: id, SubscriptionID: subscription, OfferingID: w.plans[plan], Reason: "wants more", By: "clerk"})
		return err
	})
	return change, err
}

func (w *world) running(c customer) (id uuid.UUID) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		all, err := account.Subscriptions(ctx, tx, c.ID)
		for _, s := range all {
			if s.State != account.SubscriptionTerminated {
				id = s.ID
			}
		}
		return err
	})
	return id
}

// bills are the totals of an account's documents, oldest first.
func (w *world) bills(c customer) string {
	w.t.Helper()
	return w.text(`select coalesce(string_agg(trim_scale(total)::text, ' ' order by cycle_start), '') from bill where account_id = $1`, c.ID)
}

func TestPlanChange_postpaidFromTheNextCycleOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(largerPlans)
	c := w.connect("flex")
	w.advance(w.day("2026-05-10"))
	id := uuid.Must(uuid.NewV7())
	change, err := w.changeTo(c, "flex-xl", id)
	if err != nil || change.TakesEffect.String() != "2026-06-01" || change.State != account.ChangeScheduled {
		t.Fatalf("%+v, %v", change, err)
	}
	if again, err := w.changeTo(c, "flex-xl", id); err != nil || again.ID != id {
		t.Errorf("a repeat: %+v, %v", again, err)
	}
	if _, err := w.changeTo(c, "flex-xl", uuid.Must(uuid.NewV7())); !errors.Is(err, account.ErrChangeScheduled) {
		t.Errorf("a second change: %v", err)
	}
	// Before the day the old plan holds, its allowance with it.
	w.ingest(c.data(w.key(), w.day("2026-05-20"), 1_000_000_000))
	w.advance(w.day("2026-06-02"))
	if got := w.has(c); got["large"] != "10000000000" || got["package"] != "" {
		t.Errorf("in June there is %v", got)
	}
	// The SIM card, May of the old plan, June of the new one.
	if got := w.bills(c); got != "42.93" {
		t.Errorf("billed %s", got)
	}
	w.ingest(c.data(w.key(), w.day("2026-06-02"), 4_000_000_000), c.call(w.key(), w.day("2026-06-02"), 61))
	// Late use of May is priced by the plan of May and takes of its allowance.
	w.ingest(c.data(w.key(), w.day("2026-05-31"), 1_000_000_000))
	if got := w.has(c); got["large"] != "6000000000" {
		t.Errorf("left %v", got)
	}
	w.advance(w.day("2026-07-02"))
	if got := w.bills(c); got != "42.93 20.09" { // July's fee and two minutes at 0.05
		t.Errorf("billed %s", got)
	}
	if n := w.text(`select count(*)::text from plan_change where state = 'done'`); n != "1" {
		t.Errorf("%s changes were done", n)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

func TestPlanChange_prepaidPaysTheNewFee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(largerPrepaid)
	c := w.connect("prepaid")
	w.pay(c, payment.PurposeTopUp, "50.00")
	w.advance(w.day("2026-05-10"))
	if got := w.has(c)["main"]; got != "42.01" {
		t.Fatalf("after May's fee there is %s", got)
	}
	if _, err := w.changeTo(c, "prepaid-l", uuid.Must(uuid.NewV7())); err != nil {
		t.Fatal(err)
	}
	w.advance(w.day("2026-06-02"))
	if got := w.has(c); got["main"] != "32.02" || got["large"] != "5000000000" || got["package"] != "" {
		t.Errorf("in June there is %v", got)
	}
	w.advance(w.day("2026-07-02"))
	if got := w.has(c); got["main"] != "22.03" {
		t.Errorf("in July there is %v", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// The cycle's first usage, or a top-up, may come before the job that changes
// plans: nobody pays for both, and the new plan prices it.
func TestPlanChange_useBeforeTheJobTakesNoSecondFee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(largerPrepaid)
	w.publish(largerPlans)
	before, after := w.connect("prepaid"), w.connect("flex")
	w.pay(before, payment.PurposeTopUp, "50.00")
	for c, plan := range map[customer]string{before: "prepaid-l", after: "flex-xl"} {
		if _, err := w.changeTo(c, plan, uuid.Must(uuid.NewV7())); err != nil {
			t.Fatal(err)
		}
	}
	w.SetClock(t, w.day("2026-06-01"))
	at := w.day("2026-06-01")
	w.ingest(before.data(w.key(), at, 1_000_000), after.data(w.key(), at, 1_000_000_000))
	w.work()
	if got := w.has(before); got["large"] != "4999000000" || got["package"] != "" {
		t.Errorf("prepaid has %v", got)
	}
	w.advance(w.day("2026-06-20"))
	if got := w.has(after); got["large"] != "9000000000" || got["package"] != "" {
		t.Errorf("postpaid has %v", got)
	}
	if n := w.text(`select count(*)::text from charge where account_id = $1 and kind = 'recurring' and cycle_start = '2026-06-01'`, before.ID); n != "1" {
		t.Errorf("%s fees for June", n)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

func TestPlanChange_cancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(largerPlans)
	c := w.connect("flex")
	change, err := w.changeTo(c, "flex-xl", uuid.Must(uuid.NewV7()))
	if err != nil {
		t.Fatal(err)
	}
	cancel := func() error {
		return w.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error {
			_, err := account.CancelPlanChange(ctx, tx, change.ID)
			return err
		})
	}
	if err := cancel(); err != nil {
		t.Fatal(err)
	}
	if err := cancel(); !errors.Is(err, account.ErrChangeEnded) {
		t.Errorf("cancelled twice: %v", err)
	}
	w.advance(w.day("2026-06-02"))
	if got := w.has(c); got["package"] != "3000000000" {
		t.Errorf("there is %v", got)
	}
	if got := w.bills(c); got != "35.93" { // 9.95 + 2 × 12.99
		t.Errorf("billed %s", got)
	}
}

func TestPlanChange_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("flex")
	if _, err := w.changeTo(c, "flex", uuid.Must(uuid.NewV7())); !errors.Is(err, desk.ErrSamePlan) {
		t.Errorf("the same: %v", err)
	}
	if _, err := w.changeTo(c, "prepaid", uuid.Must(uuid.NewV7())); !errors.Is(err, desk.ErrOtherBilling) {
		t.Errorf("prepaid: %v", err)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := account.SetStanding(ctx, tx, 1, account.Standing{State: account.OperatorSuspended, Since: time.Now(), ServiceUntil: time.Now().Add(time.Hour)})
		return err
	})
	w.publish(largerPlans)
	if _, err := w.changeTo(c, "flex-xl", uuid.Must(uuid.NewV7())); !errors.Is(err, account.ErrSuspended) {
		t.Errorf("while the operator is suspended: %v", err)
	}
}

// A subscription that ends before its change's day has no successor.
func TestPlanChange_droppedWithItsSubscription(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(largerPlans)
	c := w.connect("flex")
	if _, err := w.changeTo(c, "flex-xl", uuid.Must(uuid.NewV7())); err != nil {
		t.Fatal(err)
	}
	gone := w.running(c)
	w.write(func(ctx context.Context, tx tenant.Tx) error { return account.Terminate(ctx, tx, gone) })
	w.advance(w.day("2026-06-02"))
	if state := w.text(`select state from plan_change`); state != string(account.ChangeDropped) {
		t.Errorf("the change is %s", state)
	}
	if w.running(c) != uuid.Nil {
		t.Error("a subscription came back")
	}
}

// What the network knows goes over: the number, the secret's order, the day.
func TestPlanChange_servicesGoOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(largerPlans)
	c := w.connect("flex")
	if _, err := w.changeTo(c, "flex-xl", uuid.Must(uuid.NewV7())); err != nil {
		t.Fatal(err)
	}
	old := w.running(c)
	w.advance(w.day("2026-06-02"))
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		was, err := account.GetSubscription(ctx, tx, old)
		if err != nil {
			return err
		}
		is, err := account.GetSubscription(ctx, tx, w.running(c))
		if err != nil {
			return err
		}
		if was.State != account.SubscriptionTerminated || is.State != account.SubscriptionActive || !is.ActivatedAt.Equal(*was.TerminatedAt) {
			t.Errorf("%+v, then %+v", was, is)
		}
		if len(is.Services) != 1 || len(is.Services[0].Identities) != 2 || len(was.Services[0].Identities) != 0 {
			t.Errorf("services %+v, then %+v", was.Services, is.Services)
		}
		for at, want := range map[time.Time]uuid.UUID{w.day("2026-06-01").Add(-time.Microsecond): was.Services[0].ID, w.day("2026-06-01"): is.Services[0].ID} {
			if got, err := account.ServiceAt(ctx, tx, account.Identity{Kind: account.MSISDN, Value: c.msisdn}, at); err != nil || got != want {
				t.Errorf("at %s the number is %s's: %v", at, got, err)
			}
		}
		if missing, err := w.Desk().MissingForChange(ctx, tx, is, w.plans["flex"]); err != nil || len(missing) != 0 {
			t.Errorf("back again there is missing %v, %v", missing, err)
		}
		return nil
	})
}

func TestPlanChange_neverCutsWhatIsPaidFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(largerPlans)
	yearly := `
code: yearly
names: {en: Yearly}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: year, names: {en: Year}, amount: "120.00", months: 12, timing: advance, prorate: day}]}
usage:
  - {code: data, names: {en: Data}, kind: data, rules: [{code: bytes, destinations: ["*"], price: "1.00", per: 1 GB}]}
`
	w.publish(yearly)
	c := w.connect("yearly")
	w.advance(w.day("2026-07-10"))
	change, err := w.changeTo(c, "flex-xl", uuid.Must(uuid.NewV7()))
	if want := (calendar.Date{Year: 2027, Month: time.May, Day: 1}); err != nil || change.TakesEffect != want {
		t.Errorf("takes effect on %s, %v", change.TakesEffect, err)
	}
}

func TestGoodwill_paysWhatIsOwedThenWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("flex")
	w.advance(w.day("2026-06-02")) // a bill of 35.93
	give := func(id uuid.UUID, amount, reason string) (p payment.Payment, err error) {
		err = w.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
			p, err = payment.GiveCredit(ctx, tx, payment.NewCredit{ID: id, AccountID: c.ID, Amount: euro(amount), Reason: reason, By: "clerk"})
			return err
		})
		return p, err
	}
	if _, err := give(uuid.Must(uuid.NewV7()), "5.00", " "); !errors.Is(err, payment.ErrReason) {
		t.Errorf("without a reason: %v", err)
	}
	id := uuid.Must(uuid.NewV7())
	for range 2 { // a repeat changes nothing
		if p, err := give(id, "40.00", "line was down"); err != nil || p.Unapplied.Decimal().String() != "4.07" {
			t.Fatalf("%+v, %v", p, err)
		}
	}
	if got := w.text(`select receivable::text || ' ' || trim_scale(credit)::text from billing_account where id = $1`, c.ID); got != "0.000000000 4.07" {
		t.Errorf("the account stands at %s", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
	w.advance(w.day("2026-07-02"))
	if got := w.text(`select trim_scale(due)::text from bill where account_id = $1 order by cycle_start desc limit 1`, c.ID); got != "8.92" {
		t.Errorf("of 12.99 there is %s to pay", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}
