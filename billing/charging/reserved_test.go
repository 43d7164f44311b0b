package charging_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// monthlyPayg is payAsYouGo for 5.00 a month.
var monthlyPayg = strings.Replace(payAsYouGo, "tax: ", `prices: {recurring: [{code: fee, names: {en: Fee}, amount: "5.00", months: 1, timing: advance, prorate: none}]}
tax: `, 1)

// What a session holds back pays no fee: the renewal waits, and is made when
// the reservation is over, without a top-up.
func TestReserved_paysNoFee(t *testing.T) {
	t.Parallel()
	w := newWorld(t, monthlyPayg)
	w.quota(func(p *session.Policy) { p.Voice.Units = twoEuro })
	a := w.customers("payg", account.Prepaid, 1, 1)[0]
	w.topUp(a, "11.00")
	w.renew(a)
	end := a.Cycle.To.Start(w.Zone).UTC()
	w.one(end.Add(-time.Minute), start("late", 1))
	w.stands(a, end.Add(-time.Minute), "6", "2", "4")
	w.SetClock(t, end)
	if done := w.renew(a); len(done.Renewed) != 0 || len(done.Waiting) != 1 {
		t.Errorf("a fee of 5.00 with 4.00 available: %+v", done)
	}
	w.stands(a, end, "6", "2", "4")
	var due time.Time
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select due_at from agenda where kind = $1 and ref = $2 and done_at is null`, agenda.Renewal, a.ID).Scan(&due)
	})
	if want := end.Add(10 * time.Minute); !due.Equal(want) {
		t.Errorf("the renewal is tried again at %s, want %s", due, want)
	}
	w.SetClock(t, due)
	if done := w.renew(a); len(done.Renewed) != 1 {
		t.Errorf("with 6.00 available: %+v", done)
	}
	w.stands(a, due, "1", "0", "1")
}

// An adjustment takes nothing that sessions hold back, those of a group's
// members neither.
func TestReserved_isNotAdjustedAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, payAsYouGo, planWith(monthlyGB+", shared: {limit: 3 GB}}"))
	w.quota(func(p *session.Policy) { p.Voice.Units, p.Data.Units = twoEuro, 2e9 })
	a := w.customers("payg", account.Prepaid, 1, 1)[0]
	owner := w.customers("bundle", account.Prepaid, 2, 1)[0]
	w.share(owner, a)
	w.topUp(a, "10.00")
	at := w.noon(4)
	w.SetClock(t, at)
	w.renew(owner)
	w.one(at, start("call", 1))
	w.one(at, surf("data", 1))
	adjust := func(bucket uuid.UUID, amount string) (err error) {
		w.write(func(ctx context.Context, tx tenant.Tx) error {
			_, err = balance.Adjust(ctx, tx, balance.Adjustment{ID: uuid.Must(uuid.NewV7()), BucketID: bucket, Amount: money.MustDecimal(amount), Reason: "as agreed"})
			if errors.Is(err, balance.ErrInsufficient) {
				return nil
			}
			return err
		})
		return err
	}
	main, shared := w.bucketOf(a, "main"), w.bucketOf(owner, "data")
	for _, c := range []struct {
		bucket        uuid.UUID
		above, within string
	}{{main, "-8.01", "-8.00"}, {shared, "-8000000001", "-8000000000"}} {
		if err := adjust(c.bucket, c.above); !errors.Is(err, balance.ErrInsufficient) {
			t.Errorf("taking %s: %v", c.above, err)
		}
		if err := adjust(c.bucket, c.within); err != nil {
			t.Errorf("taking %s: %v", c.within, err)
		}
	}
	w.stands(a, at, "2", "2", "0")
	w.wantValues(owner, map[string]string{"data": gb(2)})
}

// surf is start for data.
func surf(name string, customer int) session.Step {
	return session.Step{Kind: session.Start, Source: "test", Name: name, Who: usage.Identity{Kind: usage.MSISDN, Value: msisdn(customer)},
		Reports: []session.Report{{Service: "data", Kind: usage.Data, Ask: true}}}
}

func (w *world) bucketOf(a account.Account, code string) (id uuid.UUID) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select id from bucket where account_id = $1 and code = $2`, a.ID, code).Scan(&id)
	})
	return id
}

// What a member's sessions hold back of a shared balance uses its limit up: the
// limit of the allowance, and one of its own.
func TestReserved_countsAgainstTheMembersLimit(t *testing.T) {
	t.Parallel()
	for name, own := range map[string]bool{"of the allowance": false, "of its own": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shared := monthlyGB + ", shared: {limit: 3 GB}}"
			if own {
				shared = monthlyGB + ", shared: {}}"
			}
			w := newWorld(t, payAsYouGo, planWith(shared))
			w.quota(func(p *session.Policy) { p.Data.Units = 2e9 })
			owner := w.customers("bundle", account.Prepaid, 1, 1)[0]
			members := w.customers("payg", account.Prepaid, 2, 2)
			w.share(owner, members...)
			at := w.noon(4)
			w.SetClock(t, at)
			w.renew(owner)
			if own {
				w.write(func(ctx context.Context, tx tenant.Tx) error {
					for _, m := range members {
						if err := balance.Limit(ctx, tx, owner.ID, m.ID, money.Byte, decimal("3000000000")); err != nil {
							return err
						}
					}
					return nil
				})
			}
			first := w.one(at, surf("one", 2))
			if g := first.Services[0].Granted; g != 2e9 {
				t.Fatalf("the first session got %d", g)
			}
			second := w.one(at, surf("two", 2))
			if g := second.Services[0]; g.Granted != 1e9 || g.Final == nil {
				t.Errorf("the second session got %+v, want the last GB of the limit", g)
			}
			if third := w.steps(at, surf("three", 2))[0]; third.Err == nil && third.Answer.Services[0].Granted > 0 {
				t.Errorf("a third session got %+v beyond the limit", third.Answer.Services[0])
			}
			if _, err := w.debit(w.data("debit", 2, at, 1)); !errors.Is(err, charging.ErrInsufficient) {
				t.Errorf("a debit beyond the limit: %v", err)
			}
			if other := w.one(at, surf("other", 3)); other.Services[0].Granted != 2e9 {
				t.Errorf("another member got %+v", other.Services[0])
			}
			// half of the first is used, the rest is free again
			w.one(at, session.Step{Kind: session.Terminate, Source: "test", Session: first.Session, Number: 1, Reports: []session.Report{{Service: "data", Used: 1e9}}})
			got := w.one(at, session.Step{Kind: session.Update, Source: "test", Session: second.Session, Number: 1, Reports: []session.Report{{Service: "data", Used: 1e9, Ask: true}}})
			if g := got.Services[0]; g.Granted != 1e9 || g.Final == nil {
				t.Errorf("the second session got %+v, want the GB that the first left", g)
			}
			w.wantValues(owner, map[string]string{"data": gb(8)})
			w.sums()
		})
	}
}

// Money of another currency pays what main has, but a session holds back.
func TestReserved_isNotConverted(t *testing.T) {
	t.Parallel()
	w := phones(t)
	a := w.customers("payg", account.Prepaid, 1, 1)[0]
	w.topUp(a, "3.00")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := catalog.PutRates(ctx, tx, catalog.NewRatesEntry{Past: true, Source: "test", Rates: []catalog.ExchangeRate{{From: a.Currency, To: money.MustCurrency("USD"),
			Day: calendar.Date{Year: 2026, Month: 1, Day: 1}, Value: money.MustDecimal("1.10")}}})
		return err
	})
	w.give(balance.NewBucket{AccountID: a.ID, Code: "dollars", Unit: money.MustCurrency("USD").Unit(), Origin: balance.Promotion, Amount: money.MustDecimal("10.00"), Priority: 50})
	at := w.noon(4)
	w.SetClock(t, at)
	w.one(at, start("call", 1)) // 2.00
	if _, err := w.debit(w.data("two", 1, at, 2e9)); err != nil {
		t.Fatal(err)
	}
	w.stands(a, at, "2", "2", "0")
	w.wantValues(a, map[string]string{"main EUR": "2", "dollars": "8.9"})
	if _, err := w.debit(w.data("ten", 1, at, 1e10)); !errors.Is(err, charging.ErrInsufficient) {
		t.Errorf("ten euros of nine dollars: %v", err)
	}
}
