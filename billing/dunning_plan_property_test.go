package billing

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/access"
	"tollhouse/billing/collection"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// Whatever is paid, refunded, agreed, broken and held, with payment plans among
// it: no step is taken while an agreement stands, each step once for a debt, one
// case at most is open, and who has paid all is free.
func TestDunning_plansAmongAllElse(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			d := newDebtor(t, threeSteps)
			random := rand.New(rand.NewPCG(seed, 11))
			today := day(t, "2026-06-16")
			for range 14 {
				today = today.AddDays(1 + random.IntN(3))
				steps := d.text(`select count(*)::text from dunning_step`)
				// what stands through the whole span keeps every step of it back
				stands := d.text(`select exists (select from dunning_arrangement where state = 'active' and kind = 'hold' and (until_on is null or until_on >= $1))::text`, today)
				d.advance(today.Start(d.Zone).Add(10 * time.Hour).UTC())
				if now := d.text(`select count(*)::text from dunning_step`); stands == "true" && now != steps {
					t.Errorf("%s: %s steps, %s before, though a hold stands", today, now, steps)
				}
				d.plansAct(random.IntN(6), random)
				d.work()
				d.plansHold(today.String())
			}
			if open := d.text(`select round(sum(open), 2)::text from open_item`); open != "0.00" {
				d.record(payment.NewPayment{ID: uuid.New(), AccountID: d.customer.ID, Purpose: payment.PurposeBill, Method: payment.Bank, Amount: euro(open), By: "clerk"})
				d.work()
			}
			if got := d.level(); got != access.Allowed {
				t.Errorf("all is paid, and access is %s", got)
			}
			if n := d.text(`select count(*)::text from dunning_case where state = 'open'`); n != "0" {
				t.Errorf("all is paid, and %s cases are open", n)
			}
			d.plansHold("in the end")
		})
	}
}

// plansAct does one thing; what can't be agreed on is refused in words.
func (d *debtor) plansAct(which int, random *rand.Rand) {
	d.t.Helper()
	var today = d.now().In(d.Zone)
	err := d.DB.Write(d.t.Context(), d.Stack.Ref, func(ctx context.Context, tx tenant.Tx) error {
		c := d.Collection()
		profileDay := day(d.t, today.Format(time.DateOnly))
		switch which {
		case 0:
			_, err := d.RecordPayment(ctx, tx, payment.NewPayment{ID: uuid.New(), AccountID: d.customer.ID, Purpose: payment.PurposeBill, Method: payment.Bank,
				Amount: money.FromMinor(int64(300+random.IntN(2500)), money.MustCurrency("EUR")), By: "clerk"})
			return err
		case 1:
			var overdue money.Decimal
			if err := tx.QueryRow(ctx, `select coalesce(sum(open), 0) from open_item where due_date < $1`, profileDay).Scan(&overdue); err != nil {
				return err
			}
			first := money.MustDecimal("2.00")
			_, err := c.MakePlan(ctx, tx, collection.NewPlan{AccountID: d.customer.ID, By: "user:clerk", Instalments: []collection.Instalment{
				{On: profileDay.AddDays(2), Amount: first}, {On: profileDay.AddDays(6), Amount: overdue.Sub(first)}}})
			return err
		case 2:
			_, err := c.Promise(ctx, tx, collection.NewPromise{AccountID: d.customer.ID, Until: profileDay.AddDays(random.IntN(5)), By: "user:clerk"})
			return err
		case 3:
			until := profileDay.AddDays(random.IntN(5))
			_, err := c.Hold(ctx, tx, collection.NewHold{AccountID: d.customer.ID, Until: &until, Reason: "ill", By: "user:clerk"})
			return err
		case 4:
			paid, err := payment.List(ctx, tx, d.customer.ID, payment.Cursor{}, 1)
			if err != nil || len(paid) == 0 {
				return err
			}
			_, err = payment.RequestRefund(ctx, tx, payment.NewRefund{PaymentID: paid[0].ID, Amount: paid[0].Refundable(), Reason: "test", By: "clerk"})
			return err
		}
		return nil
	})
	var refund *payment.RefundError
	for _, known := range []error{nil, collection.ErrNothingOverdue, collection.ErrPromise, collection.ErrPromises, collection.ErrPlan, collection.ErrArranged, payment.ErrAmount} {
		if errors.Is(err, known) {
			return
		}
	}
	if !errors.As(err, &refund) {
		d.t.Fatal(err)
	}
}

// plansHold is what is true at any time.
func (d *debtor) plansHold(when string) {
	d.t.Helper()
	for what, query := range map[string]string{
		"cases open for one account": `select count(*) from (select account_id from dunning_case where state = 'open' group by 1 having count(*) > 1) as x`,
		"steps taken twice":          `select count(*) from (select item_id, step from dunning_step group by 1, 2 having count(*) > 1) as x`,
		"agreements of a kind":       `select count(*) from (select kind from dunning_arrangement where state = 'active' and kind <> 'dispute' group by 1 having count(*) > 1) as x`,
		"holds without a case":       `select count(*) from access_hold h where h.cause = 'dunning' and h.ended_at is null and not exists (select from dunning_case c where c.id = h.cause_id and c.state = 'open')`,
	} {
		if n := d.text(`select (` + query + `)::text`); n != "0" {
			d.t.Errorf("%s: %s %s", when, n, what)
		}
	}
	if err := d.sums(); err != nil {
		d.t.Errorf("%s: %v", when, err)
	}
}
