package report_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/report"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

// debtBook is an account's debts, changed at random, and what stood open at the
// end of each day, reckoned from scratch on that day.
type debtBook struct {
	*pgtest.TenantDB
	t       *testing.T
	account uuid.UUID
	random  *rand.Rand
	made    int
	days    map[string]string
}

func (b *debtBook) try(fn func(ctx context.Context, tx tenant.Tx) error) {
	b.t.Helper()
	err := b.DB.Write(b.t.Context(), b.Ref, fn)
	var field *account.FieldError
	var refund *payment.RefundError
	switch {
	case err == nil, errors.As(err, &field), errors.As(err, &refund), errors.Is(err, payment.ErrNothingOwed), errors.Is(err, bill.ErrWriteOff), errors.Is(err, bill.ErrNoItemOpen),
		errors.Is(err, bill.ErrInstalments), errors.Is(err, payment.ErrAmount), errors.Is(err, payment.ErrNotFound):
	default:
		b.t.Fatal(err)
	}
}

func (b *debtBook) euro(most int) money.Amount {
	return money.New(money.MustDecimal(fmt.Sprintf("%d.%02d", b.random.IntN(most), 1+b.random.IntN(99))), money.MustCurrency("EUR"))
}

// one is the id of one of some rows, chosen at random; Nil where there is none.
func (b *debtBook) one(query string) (id uuid.UUID) {
	var ids []uuid.UUID
	b.Read(b.t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select coalesce(array_agg(id order by id), '{}') from (`+query+`) as x`).Scan(&ids)
	})
	if len(ids) > 0 {
		id = ids[b.random.IntN(len(ids))]
	}
	return id
}

// act does one thing that changes what is owed.
func (b *debtBook) act(today calendar.Date) {
	b.t.Helper()
	b.made++
	switch b.random.IntN(9) {
	case 0, 1:
		amount := b.euro(80)
		b.try(func(ctx context.Context, tx tenant.Tx) error {
			owner, err := account.Get(ctx, tx, b.account)
			if err != nil {
				return err
			}
			return payment.ImportItems(ctx, tx, []payment.ImportedItem{{ID: uuid.New(), AccountID: b.account, Number: fmt.Sprint("OLD-", b.made), Issued: today,
				DueDate: today.AddDays(b.random.IntN(40) - 20), Amount: amount, Open: amount, LegalEntity: owner.LegalEntity, Branch: owner.Branch}})
		})
	case 2, 3:
		amount := b.euro(90)
		b.try(func(ctx context.Context, tx tenant.Tx) error {
			_, err := payment.Record(ctx, tx, payment.NewPayment{ID: uuid.New(), AccountID: b.account, Purpose: payment.PurposeBill, Method: payment.Bank, Amount: amount, By: "test"})
			return err
		})
	case 4:
		if id := b.one(`select id from payment`); id != uuid.Nil {
			amount := b.euro(20)
			b.try(func(ctx context.Context, tx tenant.Tx) error {
				_, err := payment.RequestRefund(ctx, tx, payment.NewRefund{PaymentID: id, Amount: amount, Reason: "test", By: "test"})
				return err
			})
		}
	case 5:
		if id := b.one(`select id from payment where amount > refunded + charged_back + moved`); id != uuid.Nil {
			b.try(func(ctx context.Context, tx tenant.Tx) error {
				paid, err := payment.Get(ctx, tx, id)
				if err == nil {
					_, err = payment.TakeBack(ctx, tx, payment.TakenBack{Kind: payment.Returned, Provider: "bank", Ref: fmt.Sprint("R", b.made), PaymentID: id, Amount: paid.Refundable(), Reason: "AM04"})
				}
				return err
			})
		}
	case 6:
		if id := b.one(`select id from open_item where open > 0`); id != uuid.Nil {
			b.try(func(ctx context.Context, tx tenant.Tx) error {
				_, err := bill.WriteDebtOff(ctx, tx, bill.NewWriteOff{OpenItemID: id, Reason: "gone", By: "test"})
				return err
			})
		}
	case 7:
		if id := b.one(`select bill_id as id from open_item where open > 0 and bill_id is not null and part = 0`); id != uuid.Nil {
			b.try(func(ctx context.Context, tx tenant.Tx) error {
				_, err := bill.Instal(ctx, tx, bill.NewInstalments{BillID: id, Due: []calendar.Date{today.AddDays(5), today.AddDays(35)}, By: "test"})
				return err
			})
		}
	case 8:
		if id := b.one(`select bill_id as id from open_item where open > 0 and part > 0`); id != uuid.Nil {
			b.try(func(ctx context.Context, tx tenant.Tx) error { _, err := bill.CallIn(ctx, tx, id); return err })
		}
	}
}

// reckon is what is open now, by how long it is overdue on a day.
func (b *debtBook) reckon(day calendar.Date) (text string) {
	b.Read(b.t, func(ctx context.Context, tx tenant.Tx) error {
		var sums [5]money.Decimal
		var total, receivable money.Decimal
		items, err := payment.OpenItems(ctx, tx, b.account)
		if err != nil {
			return err
		}
		for _, i := range items {
			n, late := 0, i.DueDate.DaysUntil(day)
			for _, least := range []int{1, 31, 61, 91} {
				if late >= least {
					n++
				}
			}
			sums[n], total = sums[n].Add(i.Open.Decimal()), total.Add(i.Open.Decimal())
		}
		if err := tx.QueryRow(ctx, `select receivable from billing_account where id = $1`, b.account).Scan(&receivable); err != nil {
			return err
		}
		if !receivable.Equal(total) {
			b.t.Errorf("%s: the receivable is %s, open items are %s", day, receivable, total)
		}
		if !total.IsZero() {
			text = fmt.Sprint(sums, total)
		}
		return nil
	})
	return text
}

// Whatever is paid, refunded, taken back, written off or parted: the ageing of a
// past day is what a reckoning on that day gave.
func TestAgeing_ofPastDaysIsAsReckonedThen(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			w, accountID := shop(t)
			b := &debtBook{TenantDB: w, t: t, account: accountID, random: rand.New(rand.NewPCG(seed, 7)), days: map[string]string{}}
			start := day("2026-05-02")
			for n := range 75 {
				today := start.AddDays(n)
				if today.Day == 1 {
					closeCycle(t, w, today)
				}
				w.SetClock(t, today.Start(w.Zone).Add(10*time.Hour))
				for range b.random.IntN(3) {
					b.act(today)
				}
				b.days[today.String()] = b.reckon(today)
			}
			for on, want := range b.days {
				table, got := read(t, w, report.Ageing, "", on), ""
				if len(table.Rows) > 0 {
					row := table.Rows[0]
					var sums [5]money.Decimal
					for i := range sums {
						sums[i] = row[4+i].(money.Decimal)
					}
					got = fmt.Sprint(sums, row[9])
				}
				if got != want {
					t.Errorf("%s: %s, reckoned then %s", on, got, want)
				}
			}
			w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
				sums, err := ledger.ControlSums(ctx, tx)
				if err != nil {
					return err
				}
				return sums.Check()
			})
		})
	}
}
