package charging_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// planWith is the plan without a fee, with allowances.
func planWith(allowances string) string {
	return strings.Replace(paygPlan, "code: payg", "code: bundle", 1) + "allowances: [" + allowances + "]\n"
}

const monthlyGB = "{code: data, names: {en: Data}, kinds: [data], priority: 2, validity_months: 1, amount: 10 GB"

func gb(n int64) string { return money.NewDecimal(n * 1e9).String() }

func TestRollover_restLivesOnAndTheRemainderExpires(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, rollover     string
		use                int64 // in May, in GB
		rolled             string
		second             int64 // in June
		rolledNow, dataNow string
	}{
		{"all of it", "{periods: 1}", 4, gb(6), 7, "0", gb(9)},
		{"half", "{share: 50, periods: 1}", 4, gb(3), 2, gb(1), gb(10)},
		{"at most 2 GB", "{amount: 2 GB, periods: 1}", 4, gb(2), 3, "0", gb(9)},
		{"the lesser of both", "{share: 10, amount: 2 GB, periods: 1}", 4, "600000000", 0, "600000000", gb(10)},
		{"used after the new one", "{periods: 1, use: last}", 4, gb(6), 3, gb(6), gb(7)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, planWith(monthlyGB+", rollover: "+c.rollover+"}"))
			a := w.customers("bundle", account.Prepaid, 1, 1)[0]
			if _, err := w.debit(w.data("may", 1, w.noon(2), c.use*1e9)); err != nil {
				t.Fatal(err)
			}
			end := a.Cycle.To.Start(w.Zone).UTC()
			w.SetClock(t, end.Add(time.Hour))
			if c.second > 0 { // use of the new cycle rolls over what is left, before the agenda does
				if _, err := w.debit(w.data("june", 1, end.Add(time.Hour), c.second*1e9)); err != nil {
					t.Fatal(err)
				}
			}
			w.expire(end)
			if c.second == 0 {
				w.renew(a)
			}
			w.wantValues(a, map[string]string{"data rolled": c.rolledNow, "data": c.dataNow})
			// what rolled over ends with its period, for good
			last := a.Cycles(calendar.Clamp).Containing(a.Cycle.To).To.Start(w.Zone).UTC()
			w.SetClock(t, last.Add(balance.LateUsage))
			w.expire(last.Add(balance.LateUsage))
			w.wantValues(a, map[string]string{"data rolled": "0"})
		})
	}
}

func TestRollover_lateUseFindsWhatRolled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, planWith(monthlyGB+", rollover: {share: 50, periods: 1}}"))
	a := w.customers("bundle", account.Prepaid, 1, 1)[0]
	w.renew(a)
	end := a.Cycle.To.Start(w.Zone).UTC()
	w.SetClock(t, end.Add(time.Hour))
	w.expire(end)
	w.wantValues(a, map[string]string{"data rolled": gb(5)})
	// 8 GB of the old cycle: what rolled, and what expired, pay
	wantStatuses(t, w.ingest(w.data("late", 1, end.Add(-time.Hour), 8e9)), charging.Accepted)
	w.wantValues(a, map[string]string{"data rolled": "0", "main EUR": "0"})
	var left money.Decimal
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select sum(expired) from bucket where account_id = $1`, a.ID).Scan(&left)
	})
	if left.String() != gb(2) {
		t.Errorf("%s bytes stay expired, want 2 GB", left)
	}
}

func (w *world) share(owner account.Account, members ...account.Account) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := balance.Found(ctx, tx, owner.ID, "The family"); err != nil {
			return err
		}
		for _, m := range members {
			if err := balance.Join(ctx, tx, owner.ID, m.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestShared_membersTakeWithinTheirLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, planWith(monthlyGB+", shared: {limit: 3 GB}}"), paygPlan)
	owner := w.customers("bundle", account.Prepaid, 1, 1)[0]
	members := w.customers("payg", account.Prepaid, 2, 3)
	w.share(owner, members[0], members[1])
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return balance.Limit(ctx, tx, owner.ID, members[1].ID, money.Byte, decimal("1000000000"))
	})
	for _, m := range members {
		w.topUp(m, "5.00")
	}
	for i, c := range []struct {
		customer int
		gb       int64
		main     string // of the member afterwards
	}{
		{2, 2, "5"}, {2, 2, "4"}, // 3 GB are shared, 1 is paid
		{3, 1, "5"}, {3, 2, "3"}, // 1 GB is shared
		{4, 1, "4"}, // no member
	} {
		if _, err := w.debit(w.data(string(rune('a'+i)), c.customer, w.noon(2), c.gb*1e9)); err != nil {
			t.Fatal(err)
		}
		w.wantValues(members[c.customer-2], map[string]string{"main EUR": c.main})
	}
	w.wantValues(owner, map[string]string{"data": gb(6)})
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		g, err := balance.GroupOwnedBy(ctx, tx, owner.ID)
		if err != nil {
			return err
		}
		if len(g.Members) != 2 || g.Members[0].UsedOf(money.Byte).String() != gb(3) || g.Members[1].UsedOf(money.Byte).String() != gb(1) {
			t.Errorf("use of members: %+v", g.Members)
		}
		m, err := balance.MembershipOf(ctx, tx, members[1].ID)
		if err == nil && (m.GroupName != "The family" || len(m.Buckets) != 1 || !m.Room(&m.Buckets[0]).IsZero()) {
			t.Errorf("membership: %+v", m)
		}
		return err
	})
	// the charge stays the member's
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		var n int
		err := tx.QueryRow(ctx, `select count(*) from charge where account_id = $1 and kind = 'usage'`, owner.ID).Scan(&n)
		if n != 0 {
			t.Errorf("%d charges of members stand at the owner", n)
		}
		return err
	})
	// in the next cycle the limit is whole again; who has left takes nothing
	end := owner.Cycle.To.Start(w.Zone).UTC()
	w.SetClock(t, end.Add(time.Hour))
	w.write(func(ctx context.Context, tx tenant.Tx) error { return balance.Leave(ctx, tx, owner.ID, members[1].ID) })
	for i, main := range []string{"4", "2"} {
		if _, err := w.debit(w.data("june"+string(rune('a'+i)), i+2, end.Add(time.Hour), 1e9)); err != nil {
			t.Fatal(err)
		}
		w.wantValues(members[i], map[string]string{"main EUR": main})
	}
}

func TestShared_moneyPaysForMembers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, planWith("{code: pot, names: {en: Pot}, amount: 6.00 EUR, priority: 1, validity: cycle, shared: {limit: 4.00 EUR}}"), paygPlan)
	owner := w.customers("bundle", account.Prepaid, 1, 1)[0]
	member := w.customers("payg", account.Prepaid, 2, 1)[0]
	w.share(owner, member)
	w.topUp(member, "1.00")
	wantStatuses(t, w.ingest(w.data("owner", 1, w.noon(2), 1e9), w.data("one", 2, w.noon(2), 3e9), w.data("two", 2, w.noon(2), 2e9), w.data("again", 1, w.noon(2), 1e9)),
		charging.Accepted, charging.Accepted, charging.Accepted, charging.Accepted)
	w.wantValues(owner, map[string]string{"pot": "0"})
	w.wantValues(member, map[string]string{"main EUR": "0"})
}

func TestShared_refusesWhoSharesAlready(t *testing.T) {
	t.Parallel()
	w := newWorld(t, paygPlan)
	all := w.customers("payg", account.Prepaid, 1, 4)
	w.share(all[0], all[1])
	try := func(fn func(ctx context.Context, tx tenant.Tx) error) error {
		return w.DB.Write(context.Background(), w.Ref, fn)
	}
	for _, c := range []struct {
		name string
		do   func(ctx context.Context, tx tenant.Tx) error
		want error
	}{
		{"owner of two", func(ctx context.Context, tx tenant.Tx) error {
			_, err := balance.Found(ctx, tx, all[0].ID, "Two")
			return err
		}, balance.ErrShares},
		{"a member founds", func(ctx context.Context, tx tenant.Tx) error {
			_, err := balance.Found(ctx, tx, all[1].ID, "Two")
			return err
		}, balance.ErrShares},
		{"joins twice", func(ctx context.Context, tx tenant.Tx) error { return balance.Join(ctx, tx, all[0].ID, all[1].ID) }, balance.ErrShares},
		{"joins itself", func(ctx context.Context, tx tenant.Tx) error { return balance.Join(ctx, tx, all[0].ID, all[0].ID) }, balance.ErrShares},
		{"joins no group", func(ctx context.Context, tx tenant.Tx) error { return balance.Join(ctx, tx, all[2].ID, all[3].ID) }, balance.ErrGroup},
		{"nobody joins", func(ctx context.Context, tx tenant.Tx) error {
			return balance.Join(ctx, tx, all[0].ID, uuid.Must(uuid.NewV7()))
		}, balance.ErrNotFound},
		{"a stranger leaves", func(ctx context.Context, tx tenant.Tx) error { return balance.Leave(ctx, tx, all[0].ID, all[2].ID) }, balance.ErrNotMember},
		{"a name is missing", func(ctx context.Context, tx tenant.Tx) error {
			_, err := balance.Found(ctx, tx, all[2].ID, " ")
			return err
		}, account.ErrInvalid},
		{"a limit below zero", func(ctx context.Context, tx tenant.Tx) error {
			return balance.Limit(ctx, tx, all[0].ID, all[1].ID, money.Byte, decimal("-1"))
		}, account.ErrInvalid},
	} {
		if err := try(c.do); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error { return balance.Dissolve(ctx, tx, all[0].ID) })
	w.share(all[1], all[0])
}

func TestRefill_onPaymentEventActivationAndBirthday(t *testing.T) {
	t.Parallel()
	w := newWorld(t, planWith(`{code: paid, names: {en: P}, kinds: [data], priority: 1, validity_days: 30, amount: 1 GB, refill: {on: payment, minimum: "10.00"}},
  {code: install, names: {en: I}, kinds: [data], priority: 1, validity_months: 1, amount: 2 GB, refill: {on: event, event: app-install, times: 1}},
  {code: hello, names: {en: H}, kinds: [data], priority: 1, validity_days: 7, amount: 3 GB, refill: {on: event, event: activation}},
  {code: birthday, names: {en: B}, amount: 5.00 EUR, priority: 1, validity_days: 1, refill: {on: event, event: birthday}}`))
	a := w.customers("bundle", account.Prepaid, 1, 1)[0]
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := tx.Exec(ctx, `update party set birth_date = '1996-05-20' where id = $1`, a.PartyID)
		return err
	})
	w.renew(a)
	w.renew(a)
	w.wantValues(a, map[string]string{"hello": gb(3), "birthday": "5"})
	given := func(r charging.Refill) int {
		r.Account = a.ID
		if r.ID == uuid.Nil {
			r.ID = uuid.Must(uuid.NewV7())
		}
		n := 0
		w.write(func(ctx context.Context, tx tenant.Tx) error {
			made, err := w.engine.Refill(ctx, tx, r)
			n = len(made)
			return err
		})
		return n
	}
	for _, c := range []struct {
		name   string
		refill charging.Refill
		want   int
	}{
		{"too little", charging.Refill{Paid: decimal("9.99")}, 0},
		{"enough", charging.Refill{Paid: decimal("10.00")}, 1},
		{"enough again", charging.Refill{Paid: decimal("25.00")}, 1},
		{"an event nobody waits for", charging.Refill{Event: "nothing"}, 0},
		{"the first install", charging.Refill{Event: "app-install"}, 1},
		{"the second install", charging.Refill{Event: "app-install"}, 0},
		{"of another subscription", charging.Refill{Event: "app-install", Subscription: uuid.Must(uuid.NewV7())}, 0},
	} {
		if n := given(c.refill); n != c.want {
			t.Errorf("%s gives %d, want %d", c.name, n, c.want)
		}
	}
	// the birthday's money pays on that day, and on no other
	for i, day := range []int{19, 20, 22} {
		w.SetClock(t, w.noon(day))
		_, err := w.debit(w.data(string(rune('a'+i)), 1, w.noon(day), 8e9)) // more than is included
		if refused := errors.Is(err, charging.ErrInsufficient); refused != (day != 20) {
			t.Errorf("May %d: %v", day, err)
		}
	}
	w.sums()
}
