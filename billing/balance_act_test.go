package billing

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/alert"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/payment"
	"tollhouse/billing/points"
	"tollhouse/billing/recharge"
	"tollhouse/billing/tenant"
	"tollhouse/billing/transfer"
	"tollhouse/billing/voucher"
)

// ChargeStored answers as the card was told to.
func (c *cards) ChargeStored(_ context.Context, r payment.StoredCharge) (payment.ProviderEvent, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stored = append(c.stored, r)
	if c.broken != nil {
		return payment.ProviderEvent{}, c.broken
	}
	if c.after != nil {
		c.after()
	}
	kind, failure := payment.EventSucceeded, ""
	if c.declines {
		kind, failure = payment.EventFailed, "Your card was declined."
	}
	return payment.ProviderEvent{Provider: payment.Stripe, ID: "evt_" + r.Intent.String(), Type: "lookup", Kind: kind, Tenant: r.Tenant, Intent: r.Intent,
		PaymentRef: "pi_" + r.Intent.String(), Amount: r.Amount, Failure: failure, Created: time.Now()}, nil
}

func (w *world) mustSums() {
	w.t.Helper()
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		return report.Check()
	})
}

func (w *world) try(fn func(ctx context.Context, tx tenant.Tx) error) error {
	return w.DB.Write(context.Background(), w.TenantDB.Ref, fn)
}

// main is what an account's main balance holds.
func (w *world) mainOf(accountID uuid.UUID) money.Decimal {
	w.t.Helper()
	var value money.Decimal
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		buckets, err := balance.List(ctx, tx, accountID)
		for _, b := range buckets {
			if b.Origin == balance.Main {
				value = b.Value
			}
		}
		return err
	})
	return value
}

// cash tops an account up over the counter.
func (w *world) cash(accountID uuid.UUID, amount string) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.RecordPayment(ctx, tx, payment.NewPayment{AccountID: accountID, Purpose: payment.PurposeTopUp, Method: payment.Cash, Amount: euro(amount), By: "user:test"})
		return err
	})
}

// drain works everything that is due.
func (w *world) drain() { w.t.Helper(); w.work() }

func id7() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// storeCard has an account's payer let the provider keep a card.
func (w *world) storeCard(accountID uuid.UUID) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.AddMethods(ctx, tx, []payment.StoredMethod{{AccountID: accountID, Kind: payment.StoredCard, Provider: payment.Stripe, CustomerID: "cus_1", MethodID: "pm_1"}})
		return err
	})
}

func below(text string) *money.Decimal { d := money.MustDecimal(text); return &d }

func (w *world) order(o recharge.Order) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := recharge.Set(ctx, tx, o)
		return err
	})
}

func (w *world) orderOf(accountID uuid.UUID) (o recharge.Order) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx tenant.Tx) (err error) {
		o, err = recharge.Get(ctx, tx, accountID)
		return err
	})
	return o
}

func TestAutoTopUp_followsAChargeThatTakesTheBalanceBelow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("prepaid")
	w.cash(c.ID, "10.00") // 7.99 are the month's fee
	w.storeCard(c.ID)
	w.order(recharge.Order{AccountID: c.ID, Amount: euro("5"), Below: below("2"), DayLimit: money.NewDecimal(20), By: "user:ada"})
	w.drain()
	if len(w.cards.stored) != 0 {
		t.Fatalf("2.01 is not below 2: %+v", w.cards.stored)
	}
	w.ingest(c.call(w.key(), w.now().Add(time.Hour), 60)) // 0.0952
	w.drain()
	w.drain()
	if len(w.cards.stored) != 1 {
		t.Fatalf("the card was charged %d times, want once", len(w.cards.stored))
	}
	if got := w.mainOf(c.ID); !got.Equal(money.MustDecimal("6.9148")) {
		t.Errorf("the balance is %s, want 6.9148", got)
	}
	if o := w.orderOf(c.ID); o.State != recharge.Active || o.IntentID != nil {
		t.Errorf("%+v", o)
	}
	w.mustSums()
}

func TestAutoTopUp_stopsAfterRefusalsAndTells(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("prepaid")
	w.storeCard(c.ID)
	w.cards.declines = true
	w.order(recharge.Order{AccountID: c.ID, Amount: euro("5"), Below: below("2"), DayLimit: money.NewDecimal(20), By: "user:ada"})
	for range 6 {
		w.drain()
		w.advance(w.now().Add(6 * time.Hour))
	}
	if len(w.cards.stored) != recharge.MaxFailures {
		t.Errorf("tried %d times, want %d", len(w.cards.stored), recharge.MaxFailures)
	}
	if o := w.orderOf(c.ID); o.State != recharge.Stopped || o.Failure == "" {
		t.Errorf("%+v", o)
	}
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		told, err := notice.List(ctx, tx, notice.Query{AccountID: c.ID, Limit: 20})
		n := 0
		for _, m := range told {
			if m.Kind == notice.BalanceNews && strings.Contains(m.Body, "Your card was declined.") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("told %d times that it stopped", n)
		}
		return err
	})
}

func TestAutoTopUp_cutOffIsAskedAgainUnderTheSameKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("prepaid")
	w.storeCard(c.ID)
	w.cards.fail(payment.ErrProviderUnavailable)
	w.order(recharge.Order{AccountID: c.ID, Amount: euro("5"), Below: below("2"), DayLimit: money.NewDecimal(5), By: "user:ada"})
	for range 2 {
		if _, err := w.host.Work(context.Background(), w.TenantDB.Ref.ID, agenda.Payments); !errors.Is(err, payment.ErrProviderUnavailable) {
			t.Fatal(err)
		}
	}
	w.cards.fail(nil)
	w.drain()
	if n := len(w.cards.stored); n != 3 || w.cards.stored[0].Key != w.cards.stored[2].Key {
		t.Errorf("%d calls: %+v", n, w.cards.stored)
	}
	if got := w.mainOf(c.ID); !got.Equal(money.NewDecimal(5)) {
		t.Errorf("the balance is %s, want 5", got)
	}
}

func TestAutoTopUp_daysLimitAndDate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("prepaid")
	w.storeCard(c.ID)
	w.order(recharge.Order{AccountID: c.ID, Amount: euro("5"), Below: below("100"), DayLimit: money.NewDecimal(12), By: "user:ada"})
	w.drain()
	if n := len(w.cards.stored); n != 2 {
		t.Errorf("charged %d times of 5.00 within a limit of 12.00, want 2", n)
	}
	day := 31
	w.order(recharge.Order{AccountID: c.ID, Amount: euro("5"), MonthDay: &day, DayLimit: money.NewDecimal(12), By: "user:ada"})
	for range 62 {
		w.advance(w.now().Add(24 * time.Hour))
		w.drain()
	}
	if n := len(w.cards.stored); n != 4 {
		t.Errorf("charged %d times, want 4: two more by the month's last day", n)
	}
}

// TestAlert_cutsUntilConfirmed is the limit of what roaming may cost (59.50
// euros): the service is stopped, and goes on when the subscriber says so.
func TestAlert_cutsUntilConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("flex")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return alert.Put(ctx, tx, alert.Policy{Rules: []alert.Rule{{Code: "bill-shock", Measure: alert.Spend, Value: money.MustDecimal("59.50"), Currency: "EUR",
			Lines: []string{"calls"}, Action: alert.Cut}}}, "user:owner")
	})
	for range 11 {
		w.ingest(c.call(w.key(), w.now().Add(2*time.Hour), 3600)) // 5.994
		w.drain()
	}
	state := func() (subscriptions []account.Subscription, alerts []alert.Alert) {
		w.read(func(ctx context.Context, tx tenant.Tx) (err error) {
			if subscriptions, err = account.Subscriptions(ctx, tx, c.ID); err != nil {
				return err
			}
			alerts, err = alert.List(ctx, tx, c.ID, 10)
			return err
		})
		return subscriptions, alerts
	}
	subscriptions, alerts := state()
	if len(alerts) != 1 || alerts[0].State != alert.Held || subscriptions[0].State != account.SubscriptionSuspended {
		t.Fatalf("%+v, %s", alerts, subscriptions[0].State)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := alert.Confirm(ctx, tx, c.ID, alerts[0].ID, "user:ada")
		return err
	})
	w.ingest(c.call(w.key(), w.now().Add(2*time.Hour), 3600))
	w.drain()
	if subscriptions, alerts = state(); len(alerts) != 1 || alerts[0].State != alert.Ended || subscriptions[0].State != account.SubscriptionActive {
		t.Errorf("confirmed, and more used: %+v, %s", alerts, subscriptions[0].State)
	}
	w.mustSums()
}

func TestAdjustBalance_withinTheRolesLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("prepaid")
	w.cash(c.ID, "10.00")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return balance.PutAdjustPolicy(ctx, tx, balance.AdjustPolicy{
			Reasons: []balance.AdjustReason{{Code: "goodwill", Names: map[string]string{"en": "Goodwill"}}},
			Limits:  []balance.AdjustLimit{{Role: "clerk", Unit: "EUR", PerAct: money.NewDecimal(5), PerDay: money.NewDecimal(8)}}}, "user:owner")
	})
	var main balance.Bucket
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		buckets, err := balance.List(ctx, tx, c.ID)
		for _, b := range buckets {
			if b.Origin == balance.Main {
				main = b
			}
		}
		return err
	})
	clerk, owner := identity.Principal{Kind: identity.UserPrincipal, UserID: id7(), Role: identity.Clerk}, identity.Principal{Kind: identity.UserPrincipal, UserID: id7(), Role: identity.Owner}
	repeated := id7()
	for _, a := range []struct {
		who            identity.Principal
		id             uuid.UUID
		amount, reason string
		want           error
	}{
		{clerk, id7(), "1", "because", balance.ErrReasonCode},
		{clerk, id7(), "5.01", "goodwill", balance.ErrLimit},
		{clerk, repeated, "5", "goodwill", nil},
		{clerk, repeated, "5", "goodwill", nil}, // the same again: nothing moves
		{clerk, id7(), "-3.01", "goodwill", balance.ErrLimit},
		{clerk, id7(), "3", "goodwill", nil},
		{clerk, id7(), "0.01", "goodwill", balance.ErrLimit},
		{owner, id7(), "100", "goodwill", nil},
	} {
		err := w.try(func(ctx context.Context, tx tenant.Tx) error {
			_, err := w.AdjustBalance(ctx, tx, a.who, a.reason, balance.Adjustment{ID: a.id, BucketID: main.ID, Amount: money.MustDecimal(a.amount), Reason: "as agreed"})
			return err
		})
		if !errors.Is(err, a.want) {
			t.Errorf("%s adjusts by %s: %v, want %v", a.who.Role, a.amount, err, a.want)
		}
	}
	if got := w.mainOf(c.ID); !got.Equal(main.Value.Add(money.NewDecimal(108))) {
		t.Errorf("main is %s", got)
	}
	w.mustSums()
}

func TestSendMoney_withinLimitsAndBothAreTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.connect("prepaid"), w.connect("prepaid")
	w.cash(a.ID, "30.00")
	w.cash(b.ID, "10.00")
	send := func(from, to uuid.UUID, amount string) error {
		return w.try(func(ctx context.Context, tx tenant.Tx) error {
			_, err := w.SendMoney(ctx, tx, transfer.Order{ID: id7(), From: from, To: to, Amount: euro(amount), By: "user:ada", Self: true})
			return err
		})
	}
	if err := send(a.ID, b.ID, "1"); !errors.Is(err, transfer.ErrOff) {
		t.Errorf("before it is offered: %v", err)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return transfer.Put(ctx, tx, transfer.Policy{Enabled: true, SubscribersDo: true, Minimum: money.NewDecimal(1), Maximum: money.NewDecimal(10),
			DayCount: 3, MonthAmount: money.NewDecimal(15), Fee: money.MustDecimal("0.10")}, "user:owner")
	})
	for _, c := range []struct {
		amount string
		want   error
	}{{"0.99", transfer.ErrAmount}, {"10.01", transfer.ErrAmount}, {"10", nil}, {"5.01", transfer.ErrLimit}, {"4", nil}, {"1", nil}, {"1", transfer.ErrLimit}} {
		if err := send(a.ID, b.ID, c.amount); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.amount, err, c.want)
		}
	}
	if err := send(b.ID, b.ID, "1"); !errors.Is(err, transfer.ErrSelf) {
		t.Errorf("to itself: %v", err)
	}
	// 30 − 7.99 − 15 − 0.30, and 10 − 7.99 + 15
	if x, y := w.mainOf(a.ID), w.mainOf(b.ID); !x.Equal(money.MustDecimal("6.71")) || !y.Equal(money.MustDecimal("17.01")) {
		t.Errorf("%s and %s", x, y)
	}
	// each fee is a charge with its tax inside, for the statement
	if got := w.text(`select count(*) || ' ' || trim_scale(sum(net)) || ' ' || trim_scale(sum(tax)) || ' ' || trim_scale(sum(paid_from_balance))
		from charge where account_id = $1 and line_code = 'transfer-fee' and kind = 'one_time'`, a.ID); got != "3 0.252100839 0.047899161 0.3" {
		t.Errorf("fees: %s", got)
	}
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		to, name, err := transfer.Find(ctx, tx, b.msisdn)
		if err != nil || to != b.ID || strings.Contains(name, "Petersen") {
			t.Errorf("found %s %q, %v", to, name, err)
		}
		told, err := notice.List(ctx, tx, notice.Query{AccountID: b.ID, Limit: 50})
		if err != nil || len(told) < 3 {
			t.Errorf("%d messages to the receiver, %v", len(told), err)
		}
		return nil
	})
	w.mustSums()
	// what is left, 6.71, covers no 6.65 with its fee
	if err := send(a.ID, b.ID, "6.65"); !errors.Is(err, transfer.ErrLimit) {
		t.Errorf("beyond the month's limit: %v", err)
	}
	w.advance(w.day("2026-06-02"))
	if got := w.text(`select l.description from bill_line as l join bill as b on b.id = l.bill_id where b.account_id = $1 and l.code = 'transfer-fee'`, a.ID); got != "Fee for a transfer" {
		t.Errorf("the statement says %q", got)
	}
	if err := send(b.ID, a.ID, "8.95"); !errors.Is(err, balance.ErrInsufficient) { // 17.01 − 7.99 = 9.02
		t.Errorf("the amount, and no fee with it: %v", err)
	}
	w.mustSums()
}

// TestCommands_keepSumsAndMoveOnce: whatever is done with balances in whatever
// order, repeats among it, the control sums hold and nothing moves twice.
func TestCommands_keepSumsAndMoveOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t)
		people := []customer{w.connect("prepaid"), w.connect("prepaid"), w.connect("prepaid")}
		for _, p := range people {
			w.cash(p.ID, "50.00")
		}
		pins := w.laidDown()
		owner := identity.Principal{Kind: identity.UserPrincipal, UserID: id7(), Role: identity.Owner}
		used := 0
		for range rapid.IntRange(5, 20).Draw(r, "commands") {
			who := people[rapid.IntRange(0, 2).Draw(r, "who")]
			id := id7()
			var do func(ctx context.Context, tx tenant.Tx) error
			what := rapid.SampledFrom([]string{"redeem", "transfer", "burn", "adjust", "call", "later"}).Draw(r, "what")
			switch what {
			case "redeem":
				pin := pins[used%len(pins)]
				used++
				do = func(ctx context.Context, tx tenant.Tx) error {
					_, err := w.Vouchers().Redeem(ctx, tx, voucher.Redemption{ID: id, AccountID: who.ID, PIN: pin, By: "user:x"})
					return err
				}
			case "transfer":
				to, amount := people[rapid.IntRange(0, 2).Draw(r, "to")], rapid.IntRange(1, 30).Draw(r, "amount")
				do = func(ctx context.Context, tx tenant.Tx) error {
					_, err := w.SendMoney(ctx, tx, transfer.Order{ID: id, From: who.ID, To: to.ID, Amount: euro(fmt.Sprint(amount)), By: "user:x"})
					return err
				}
			case "burn":
				reward := rapid.SampledFrom([]string{"money", "data"}).Draw(r, "reward")
				do = func(ctx context.Context, tx tenant.Tx) error {
					_, err := w.BurnPoints(ctx, tx, points.Burn{ID: id, AccountID: who.ID, Reward: reward, By: "user:x"})
					return err
				}
			case "adjust":
				by := rapid.IntRange(-20, 20).Filter(func(n int) bool { return n != 0 }).Draw(r, "by")
				do = func(ctx context.Context, tx tenant.Tx) error {
					main, err := balance.LockMain(ctx, tx, who.ID)
					if err != nil {
						return err
					}
					_, err = w.AdjustBalance(ctx, tx, owner, "", balance.Adjustment{ID: id, BucketID: main.ID, Amount: money.NewDecimal(int64(by)), Reason: "test"})
					return err
				}
			case "call":
				w.ingest(who.call(w.key(), w.now().Add(time.Hour), int64(rapid.IntRange(1, 3000).Draw(r, "seconds"))))
				continue
			case "later":
				w.advance(w.now().AddDate(0, 0, rapid.IntRange(1, 40).Draw(r, "days")))
				w.drain()
				continue
			}
			err := w.try(do)
			before := w.ledgerRows()
			if again := w.try(do); (err == nil) != (again == nil) {
				t.Fatalf("%s: %v, then %v", what, err, again)
			}
			if after := w.ledgerRows(); after != before {
				t.Fatalf("%s moved again: %d transfers, then %d", what, before, after)
			}
		}
		w.drain()
		w.mustSums()
	})
}

func (w *world) ledgerRows() (n int) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from ledger_transfer`).Scan(&n)
	})
	return n
}

// laidDown allows transfers, has points earned and burnt, and sells a batch of
// vouchers, whose PINs it gives.
func (w *world) laidDown() (pins []string) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if err := transfer.Put(ctx, tx, transfer.Policy{Enabled: true, Minimum: money.NewDecimal(1), Fee: money.MustDecimal("0.05")}, "user:owner"); err != nil {
			return err
		}
		err := points.Put(ctx, tx, points.Policy{Months: 1,
			Earnings: []points.Earning{{Source: points.Use, Points: 10, PerAmount: money.MustDecimal("0.10"), Currency: "EUR"},
				{Source: points.TopUp, Points: 1, PerAmount: money.NewDecimal(1), Currency: "EUR"}},
			Rewards: []points.Reward{{Code: "money", Names: map[string]string{"en": "1 euro"}, Points: 20, Amount: money.NewDecimal(1), Unit: "EUR", Days: 10},
				{Code: "data", Names: map[string]string{"en": "1 GB"}, Points: 15, Amount: money.NewDecimal(1e9), Unit: money.Byte, Days: 5}}}, "user:owner")
		if err != nil {
			return err
		}
		b, err := w.Vouchers().Make(ctx, tx, voucher.NewBatch{ID: id7(), Code: "PROP", Value: euro("7"), Price: euro("6.50"), Count: 6,
			ValidThrough: calendar.DateOf(tx.At, w.Zone).AddDays(60), By: "user:owner"})
		if err != nil {
			return err
		}
		list, err := w.Vouchers().Fetch(ctx, tx, b.ID, "user:owner")
		if err != nil {
			return err
		}
		rows, err := csv.NewReader(strings.NewReader(string(list))).ReadAll()
		for _, row := range rows[1:] {
			pins = append(pins, row[1])
		}
		if err != nil {
			return err
		}
		_, err = voucher.Sell(ctx, tx, voucher.Sale{ID: id7(), BatchID: b.ID, PaidTo: ledger.Bank})
		return err
	})
	return pins
}
