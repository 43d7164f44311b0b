package billing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/desk"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
)

// Above what the role of whoever changed the plan may adjust, a person applies it.
func TestBackDated_waitsAboveTheLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(usePlan("a", perGB("1.00"), ""))
	w.publish(usePlan("b", perGB("3.00"), ""))
	eight := money.NewDecimal(8)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return balance.PutAdjustPolicy(ctx, tx, balance.AdjustPolicy{Limits: []balance.AdjustLimit{{Role: "clerk", Unit: "EUR", PerAct: eight, PerDay: eight}}}, "admin")
	})
	customers := map[int64]customer{4: w.connect("a"), 5: w.connect("a")}
	w.SetClock(t, w.day("2026-05-20"))
	for gigabytes, want := range map[int64]string{4: "applied 1 false", 5: "ready 1 true"} {
		c := customers[gigabytes]
		w.ingest(c.data(w.key(), w.day("2026-05-15"), gigabytes*gb))
		err := w.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error {
			_, err := w.ChangePlan(ctx, tx, desk.NewChange{ID: uuid.Must(uuid.NewV7()), SubscriptionID: w.running(c), OfferingID: w.plans["b"], By: "user:1", Role: "clerk",
				When: desk.OnDate, Day: calendar.DateOf(w.day("2026-05-11"), w.Zone)})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		id := w.text(`select r.id::text from rerating r join plan_change c on c.id = r.cause where c.account_id = $1`, c.ID)
		if got := w.text(`select state || ' ' || charges || ' ' || waits from rerating where id = $1`, id); got != want {
			t.Errorf("%d GB: %s, want %s", gigabytes, got, want)
		}
		if want[:5] == "ready" {
			w.write(func(ctx context.Context, tx tenant.Tx) error {
				_, err := replay.Apply(ctx, tx, uuid.MustParse(id), "right", "user:2")
				return err
			})
			w.work()
		}
		if got, want := w.used(c, "2026-05-01"), fmt.Sprintf("%d.00", 3*gigabytes); got != want {
			t.Errorf("%d GB cost %s, want %s: %s", gigabytes, got, want, w.text(`select r.state || a.state || a.problem from rerating r left join rerating_account a on a.rerating_id = r.id where r.id = $1`, id))
		}
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// A part that is cut off leaves nothing, and ends exactly once however often it
// is begun again.
func TestBackDated_cutOffAnywhereEndsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(usePlan("a", perGB("1.00"), ""))
	w.publish(usePlan("b", perGB("3.00"), ""))
	c := w.connect("a")
	w.advance(w.day("2026-07-20"))
	w.ingest(c.data(w.key(), w.day("2026-07-12"), 2*gb), c.data(w.key(), w.day("2026-07-15"), 2*gb))
	if _, err := w.changeWhen(c, "b", desk.OnDate, "2026-07-11"); err != nil {
		t.Fatal(err)
	}
	id := uuid.MustParse(w.text(`select id::text from rerating`))
	killed := errors.New("killed")
	for range 2 { // the step that begins, the one that applies
		for range 3 {
			_, err := replay.WorkRerating(t.Context(), func(ctx context.Context, fn func(context.Context, tenant.Tx) error) error {
				return w.Stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return errors.Join(fn(ctx, tx), killed) })
			}, w.Charging(), id, time.Now)
			if !errors.Is(err, killed) {
				t.Fatal(err)
			}
			if got := w.used(c, "2026-07-01"); got != "4.00" {
				t.Fatalf("killed before its end: used for %s", got)
			}
		}
		if _, err := replay.WorkRerating(t.Context(), w.Stack.Write, w.Charging(), id, time.Now); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if again, err := replay.WorkRerating(t.Context(), w.Stack.Write, w.Charging(), id, time.Now); again || err != nil {
			t.Errorf("worked again: %v, %v", again, err)
		}
	}
	w.work()
	if got, n := w.used(c, "2026-07-01"), w.text(`select count(*)::text from charge where kind = 'correction'`); got != "12.00" || n != "2" {
		t.Errorf("used for %s with %s corrections, want 12.00 with 2", got, n)
	}
	// the same change told again brings no second one
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		change, err := account.GetPlanChange(ctx, tx, uuid.MustParse(w.text(`select id::text from plan_change`)))
		if err != nil {
			return err
		}
		return replay.Follow(ctx, tx, change, "")
	})
	if n := w.text(`select count(*)::text from rerating`); n != "1" {
		t.Errorf("%s re-ratings", n)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// A member's use since the day goes on taking of what the group shares, as far as
// its limit goes, and of what its new plan includes; of the others nothing moves.
func TestBackDated_memberOfASharingGroup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(usePlan("family", perGB("1.00"), `allowances: [{code: pot, names: {en: Pot}, amount: 10 GB, kinds: [data], validity_months: 1, priority: 2, shared: {limit: 3 GB}}]`))
	w.publish(usePlan("a", perGB("1.00"), ""))
	w.publish(usePlan("b", perGB("3.00"), `allowances: [{code: own, names: {en: Own}, amount: 2 GB, kinds: [data], validity_months: 1, priority: 1}]`))
	owner, member := w.connect("family"), w.connect("a")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := balance.Found(ctx, tx, owner.ID, "Family"); err != nil {
			return err
		}
		return balance.Join(ctx, tx, owner.ID, member.ID)
	})
	w.SetClock(t, w.day("2026-05-20"))
	w.ingest(owner.data(w.key(), w.day("2026-05-06"), gb))
	for _, day := range []string{"2026-05-05", "2026-05-12", "2026-05-15"} {
		w.ingest(member.data(w.key(), w.day(day), 2*gb))
	}
	want := func(what, used, pot, taken string) {
		t.Helper()
		of := w.text(`select trim_scale(coalesce(sum(used), 0))::text from sharing_use where account_id = $1`, member.ID)
		if got, left, owners := w.used(member, "2026-05-01"), w.has(owner)["pot"], w.used(owner, "2026-05-01"); got != used || left != pot || of != taken || owners != "0.00" {
			t.Errorf("%s: the member pays %s, the pot holds %s, it took %s, its owner pays %s; want %s, %s, %s and 0.00", what, got, left, of, owners, used, pot, taken)
		}
	}
	want("at first", "3.00", "6000000000", "3000000000")
	if _, err := w.changeWhen(member, "b", desk.OnDate, "2026-05-11"); err != nil {
		t.Fatal(err)
	}
	w.work()
	// two of the pot before; then two of its own, then one of the pot and one at 3.00
	want("changed", "3.00", "6000000000", "3000000000")
	if got := w.text(`select string_agg(trim_scale(value)::text, ',') from bucket where account_id = $1 and code = 'own'`, member.ID); got != "0" {
		t.Errorf("of its own %s are left", got)
	}
	if got := w.text(`select string_agg(trim_scale(c.price + coalesce(x.price, 0))::text, ' ' order by c.at) from charge c left join charge x on x.corrects_id = c.id where c.account_id = $1 and c.kind = 'usage'`, member.ID); got != "0 0 3" {
		t.Errorf("the uses cost %s", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// A prepaid balance gets back what the new plan asks less, and pays what it asks
// more.
func TestBackDated_prepaidBalance(t *testing.T) {
	t.Parallel()
	for price, want := range map[string]string{"0.50": "3", "2.75": "-1.5"} {
		w := newWorld(t)
		for plan, price := range map[string]string{"p": "2.00", "q": price} {
			w.publish(strings.Replace(usePlan(plan, perGB(price), ""), "billing: postpaid", "billing: prepaid", 1))
		}
		c := w.connect("p")
		w.pay(c, payment.PurposeTopUp, "50.00")
		w.advance(w.day("2026-05-20"))
		w.ingest(c.data(w.key(), w.day("2026-05-12"), 2*gb))
		before := money.MustDecimal(w.has(c)["main"])
		if _, err := w.changeWhen(c, "q", desk.OnDate, "2026-05-11"); err != nil {
			t.Fatal(err)
		}
		w.work()
		if got := money.MustDecimal(w.has(c)["main"]).Sub(before).String(); got != want {
			t.Errorf("at %s the balance moves by %s, want %s; %s", price, got, want, w.reratings())
		}
		if err := w.sums(); err != nil {
			t.Error(err)
		}
	}
}
