package billing

import (
	"bytes"
	"context"
	"encoding/csv"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
	"tollhouse/billing/transfer"
	"tollhouse/billing/voucher"
)

// taxOf is the balance of the tax account, and of tax taken at sale.
func (w *world) taxOf(kind string) string {
	w.t.Helper()
	return w.text(`select coalesce(trim_scale(sum(case when credit = $1 then amount else -amount end))::text, '0') from ledger_transfer where $1 in (debit, credit) and unit = 'EUR'`, kind)
}

func (w *world) taxTopUpsAtSale() {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return tax.PutSettings(ctx, tx, tax.Settings{TopUps: tax.AtSale})
	})
}

// 11.90 bought: 1.90 are tax at once. A fee of 7.99 (1.275714286 of it tax) takes
// its tax from there and adds none; what is used beyond the money that was taxed
// is taxed by its use. The statement documents it all, and the books agree.
func TestTaxAtSale_topUpIsTaxedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.taxTopUpsAtSale()
	c := w.connect("prepaid")
	w.pay(c, payment.PurposeTopUp, "11.90")
	w.work()
	if got := w.taxOf("tax") + " " + w.taxOf("tax_ahead"); got != "1.9 -0.624285714" {
		t.Errorf("after the fee of 7.99: tax and tax taken at sale %s", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
	w.ingest(c.data(w.key(), w.day("2026-05-10"), 3_000_000_000)) // 1 GB beyond the allowance: 2.50
	if got := w.taxOf("tax") + " " + w.taxOf("tax_ahead"); got != "1.9 -0.225126050" && got != "1.9 -0.22512605" {
		t.Errorf("after 2.50 of data: %s", got)
	}
	w.ingest(c.data(w.key(), w.day("2026-05-11"), 2_000_000_000)) // 5.00, of which 1.41 is there
	if got := w.taxOf("tax_ahead"); got != "0" {
		t.Errorf("left of the tax taken at sale: %s", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
	w.advance(w.day("2026-06-02"))
	if got := w.text(`select trim_scale(max(tax))::text from bill where kind = 'statement' and account_id = $1`, c.ID); got == "0" || got == "" {
		t.Errorf("the statement documents %s", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// Money that goes back to its buyer takes its tax along; what is left is that of
// the use.
func TestTaxAtSale_refundGivesTheTaxBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.taxTopUpsAtSale()
	c := w.connect("prepaid")
	id := w.pay(c, payment.PurposeTopUp, "31.89").ID // 5.09 of it tax; the fee of 7.99 takes its part
	w.work()
	refund := func(amount string) {
		w.write(func(ctx context.Context, tx tenant.Tx) error {
			_, err := payment.RequestRefund(ctx, tx, payment.NewRefund{PaymentID: id, Amount: euro(amount), Reason: "wrong account", By: "clerk"})
			return err
		})
	}
	refund("11.95")
	if got := w.taxOf("tax") + " " + w.taxOf("tax_ahead"); got != "3.18 -1.904285714" {
		t.Errorf("half given back: %s", got)
	}
	refund("11.95")
	if got := w.taxOf("tax") + " " + w.taxOf("tax_ahead"); got != "1.275714286 0" {
		t.Errorf("all given back: %s", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// A voucher for one purpose is taxed when it is sold, whoever sells it on; one
// for several when its money is used. Ended ones leave their tax owed.
func TestTaxAtSale_voucherByItsKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("prepaid")
	sell := func(code string, single bool) (pins []string, batch uuid.UUID) {
		desk := w.Vouchers()
		w.write(func(ctx context.Context, tx tenant.Tx) error {
			b, err := desk.Make(ctx, tx, voucher.NewBatch{ID: uuid.Must(uuid.NewV7()), Code: code, Value: euro("11.90"), Price: euro("11.90"), Count: 2, SinglePurpose: single,
				ValidThrough: mustDay("2026-05-31"), By: "user:owner"})
			if err != nil {
				return err
			}
			batch = b.ID
			list, err := desk.Fetch(ctx, tx, b.ID, "user:owner")
			if err != nil {
				return err
			}
			rows, err := csv.NewReader(bytes.NewReader(list)).ReadAll()
			if err != nil {
				return err
			}
			for _, row := range rows[1:] {
				pins = append(pins, row[1])
			}
			_, err = voucher.Sell(ctx, tx, voucher.Sale{ID: uuid.Must(uuid.NewV7()), BatchID: b.ID, PaidTo: "bank"})
			return err
		})
		return pins, batch
	}
	multi, _ := sell("MULTI", false)
	if got := w.taxOf("tax"); got != "0" {
		t.Errorf("a voucher for several purposes is taxed at its sale: %s", got)
	}
	single, _ := sell("SINGLE", true)
	if got := w.taxOf("tax"); got != "3.8" {
		t.Errorf("two for one purpose: tax %s", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
	for _, pin := range []string{multi[0], single[0]} {
		w.write(func(ctx context.Context, tx tenant.Tx) error {
			_, err := w.Vouchers().Redeem(ctx, tx, voucher.Redemption{ID: uuid.Must(uuid.NewV7()), AccountID: c.ID, PIN: pin, By: "clerk"})
			return err
		})
	}
	if got := w.taxOf("tax") + " " + w.taxOf("tax_ahead"); got != "3.8 -1.9" {
		t.Errorf("redeemed: %s", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
	w.advance(w.day("2026-06-02"))
	// one of each has ended: 11.90 are breakage, and 10.00 beside the tax that stays owed
	if got := w.taxOf("breakage"); got != "21.9" {
		t.Errorf("breakage %s", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// Money that a bank takes back, or that goes to another balance, takes the tax
// of its sale along; what is won back has it again.
func TestTaxAtSale_followsItsMoney(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(goPlan)
	w.taxTopUpsAtSale()
	ahead := func(c customer) string {
		return w.text(`select trim_scale(tax_ahead)::text from bucket where account_id = $1 and origin = 'main'`, c.ID)
	}
	want := func(when string, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
		if err := w.sums(); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	giver, taker := w.connect("go"), w.connect("go")
	id := w.pay(giver, payment.PurposeTopUp, "23.80").ID
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if err := transfer.Put(ctx, tx, transfer.Policy{Enabled: true, Minimum: money.NewDecimal(1), Maximum: money.NewDecimal(20)}, "user:owner"); err != nil {
			return err
		}
		_, err := w.SendMoney(ctx, tx, transfer.Order{ID: id7(), From: giver.ID, To: taker.ID, Amount: euro("11.90"), By: "user:clerk"})
		return err
	})
	want("half given on", ahead(giver)+" "+ahead(taker)+" of "+w.taxOf("tax"), "1.9 1.9 of 3.8")
	var dispute payment.Dispute
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		dispute, err = payment.TakeBack(ctx, tx, payment.TakenBack{Kind: payment.Chargeback, Provider: "bank", Ref: "r1", PaymentID: id, Amount: euro("5.95"), Reason: "fraudulent"})
		return err
	})
	want("a quarter taken back", ahead(giver)+" of "+w.taxOf("tax"), "0.95 of 2.85")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.WinDispute(ctx, tx, dispute.ID)
		return err
	})
	want("and won", ahead(giver)+" of "+w.taxOf("tax"), "1.9 of 3.8")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.TakeBack(ctx, tx, payment.TakenBack{Kind: payment.Returned, Provider: "bank", Ref: "r2", PaymentID: id, Amount: euro("23.80"), Reason: "insufficient funds"})
		return err
	})
	want("all taken back, more than is there", ahead(giver)+" "+ahead(taker)+" of "+w.taxOf("tax"), "0 1.9 of 1.9")
}
