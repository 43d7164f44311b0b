package bill_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/catalog"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

const metered = `
code: metered
names: {en: Metered, id: Metered, ru: Metered}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: %t}
usage: [{code: calls, names: {en: Calls}, kind: voice, rules: [{code: any, destinations: ["*"], price: "0.10", per: 1 min}]}]
`

// newMetered is an operator whose only offering charges use and nothing else,
// so that a bill is exactly what was used.
func newMetered(t testing.TB, basis tax.Basis) *world {
	t.Helper()
	w := &world{TenantDB: pgtest.Tenant(t), t: t}
	w.zone = w.Zone
	o, err := catalog.Parse(fmt.Appendf(nil, metered, basis == tax.Inclusive))
	if err != nil {
		t.Fatal(err)
	}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		profile, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		profile.PricesIncludeTax = basis == tax.Inclusive
		if err := account.PutProfile(ctx, tx, profile); err != nil {
			return err
		}
		v, err := catalog.SaveDraft(ctx, tx, o)
		if err != nil {
			return err
		}
		w.offering = v.ID
		_, err = catalog.Publish(ctx, tx, v.ID, tx.At)
		return err
	})
	w.clock("2026-05-01 00:00")
	return w
}

// owe uses so much and closes the cycle: a bill over these lines, each with its
// own code.
func (w *world) owe(c connected, basis tax.Basis, prices ...string) bill.Document {
	w.t.Helper()
	for i, price := range prices {
		w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
			parts, err := tax.Split(euros(price), tax.Rate{Percent: money.NewDecimal(19)}, basis, money.Scale)
			if err != nil {
				return err
			}
			priced := parts
			if basis == tax.Exclusive {
				priced.Gross = parts.Net // the price of a charge is as the offering writes it
			}
			id, err := w.charge(ctx, tx, c, "usage", "calls-"+string(rune('a'+i)), "second", tx.At, priced, 60, money.Decimal{})
			if err != nil {
				return err
			}
			return ledger.Post(ctx, tx, w.event(ledger.Usage, id, tx.At), []ledger.Transfer{{
				Debit: ledger.Of(ledger.Unbilled, c.ID), Credit: ledger.General(ledger.Revenue),
				Amount: parts.Net.Decimal(), Unit: "EUR", AccountID: c.ID,
			}})
		})
	}
	end := w.cycle(c)
	w.clock(end + " 00:00")
	if run := w.run(end, 10); run.Failed != 0 {
		w.t.Fatalf("run %+v", run)
	}
	return w.latest(c)
}

// cycle is the day on which the account's open cycle ends.
func (w *world) cycle(c connected) (end string) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.Get(ctx, tx, c.ID)
		end = a.Cycle.To.String()
		return err
	})
	return end
}

func euros(text string) money.Amount {
	return money.New(money.MustDecimal(text), money.MustCurrency("EUR"))
}

// credit writes a credit note.
func (w *world) credit(n bill.NewCredit) bill.Note {
	w.t.Helper()
	note, err := w.tryCredit(n)
	if err != nil {
		w.t.Fatal(err)
	}
	return note
}

func (w *world) tryCredit(n bill.NewCredit) (note bill.Note, err error) {
	if n.Reason == "" {
		n.Reason = "agreed"
	}
	n.By = "clerk"
	err = w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		note, err = bill.Credit(ctx, tx, n)
		return err
	})
	return note, err
}

// cash pays a bill, or what is due first.
func (w *world) cash(c connected, price string, billID uuid.UUID) payment.Payment {
	w.t.Helper()
	var p payment.Payment
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		p, err = payment.Record(ctx, tx, payment.NewPayment{AccountID: c.ID, Purpose: payment.PurposeBill, Method: payment.Cash,
			Amount: euros(price), BillID: billID, By: "clerk"})
		return err
	})
	return p
}

// head is a document as it stands now.
func (w *world) head(id uuid.UUID) (b bill.Bill) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		b, err = bill.Get(ctx, tx, id)
		return err
	})
	return b
}

// position is what an account owes and has, as "receivable/credit".
func (w *world) position(c connected) (text string) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.Get(ctx, tx, c.ID)
		text = a.Receivable.Fixed(2) + "/" + a.Credit.Fixed(2)
		return err
	})
	return text
}

// left is what can still be credited of a bill.
func (w *world) left(id uuid.UUID) (text string) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		c, err := bill.GetCreditable(ctx, tx, id)
		text = c.Left.Text()
		return err
	})
	return text
}

// document reads a document in full.
func (w *world) document(id uuid.UUID) (d bill.Document) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		d, err = bill.GetDocument(ctx, tx, id)
		return err
	})
	return d
}

// parts is a document's lines as "net+tax".
func parts(d bill.Document) string {
	var list []string
	for _, l := range d.Lines {
		list = append(list, l.Net.Text()+"+"+l.Tax.Text())
	}
	return strings.Join(list, " ")
}
