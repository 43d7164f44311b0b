package billing

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/bill"
	"tollhouse/billing/catalog"
	"tollhouse/billing/desk"
	"tollhouse/billing/money"
	"tollhouse/billing/partner"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

const filmsPlan = `
code: films
names: {en: Films}
kind: third_party
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
third_party: {partner: cinema, share: {percent: 10}, per: charge}
prices: {recurring: [{code: film-fee, names: {en: Films}, amount: "119.00", months: 1, timing: arrears, prorate: none}]}
usage: [{code: content, names: {en: Films}, kind: content, rules: [{code: view, destinations: ["*"], price: "11.90", per: "1"}]}]
`

// filmBill is a bill of 100.00 net of fee and 20.00 of views, of which the
// cinema has had 10 %.
func (w *world) filmBill() (customer, bill.Document) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := partner.Put(ctx, tx, partner.Partner{Code: "cinema", Name: "Cinema Ltd", Active: true})
		return err
	})
	w.publish(filmsPlan)
	c := w.connect("films")
	for range 2 {
		view := c.data(w.key(), w.now(), 1)
		view.Kind, view.Unit, view.Destination = "content", money.Event, "film"
		w.ingest(view)
	}
	w.advance(c.Cycle.To.Start(w.Zone).Add(time.Hour))
	var d bill.Document
	w.read(func(ctx context.Context, tx tenant.Tx) (err error) {
		var id uuid.UUID
		if err = tx.QueryRow(ctx, `select id from bill where account_id = $1 and cycle_end = $2`, c.ID, c.Cycle.To).Scan(&id); err == nil {
			d, err = bill.GetDocument(ctx, tx, id)
		}
		return err
	})
	if d.Net.Text() != "120.00" {
		w.t.Fatalf("bill of %s: %+v", d.Net, d.Lines)
	}
	return c, d
}

// owed is what the cinema is owed, by its shares and by the ledger.
func (w *world) owed() string {
	w.t.Helper()
	return w.text(`select coalesce(sum(share), 0)::numeric(9,2) || ' ' ||
		(select coalesce(sum(case when credit = 'partner_payable' then amount else -amount end), 0)::numeric(9,2) from ledger_transfer where 'partner_payable' in (debit, credit))
		from partner_share where partner = 'cinema'`)
}

// Case "F: partners", by a credit note: 10 % of 100.00 net is 10.00, and a refund
// of 40.00 takes back 4.00, of fees as of use; the refund of the money moves
// nothing more.
func TestPartner_aCreditNoteTakesItsShareBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, d := w.filmBill()
	if got := w.owed(); got != "12.00 12.00" {
		t.Fatalf("owed %s", got)
	}
	w.pay(c, payment.PurposeBill, d.Total.Text())
	line := func(code string) int {
		for _, l := range d.Lines {
			if l.Code == code {
				return l.No
			}
		}
		t.Fatalf("no line %s in %+v", code, d.Lines)
		return 0
	}
	credit := func(id uuid.UUID, code, gross string) {
		amount := euro(gross)
		n := bill.NewCredit{ID: id, BillID: d.ID, Reason: "went dark", By: "clerk", Lines: []bill.CreditLine{{No: line(code), Amount: &amount}}}
		for range 2 { // a repeat takes nothing more
			w.write(func(ctx context.Context, tx tenant.Tx) error {
				_, _, err := payment.CreditBill(ctx, tx, n, payment.RestRefund)
				return err
			})
		}
	}
	credit(id7(), "film-fee", "47.60")
	if got := w.owed(); got != "8.00 8.00" {
		t.Errorf("40.00 of the fee given back: owed %s", got)
	}
	credit(id7(), "content", "11.90")
	if got := w.owed(); got != "7.00 7.00" {
		t.Errorf("one view given back: owed %s", got)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := bill.Credit(ctx, tx, bill.NewCredit{BillID: d.ID, Reason: "all of it", By: "clerk"})
		return err
	})
	if got := w.owed(); got != "0.00 0.00" {
		t.Errorf("all given back: owed %s", got)
	}
	w.mustSums()
}

// A bill that is void takes its shares with it, unless its lines are billed
// again.
func TestPartner_aVoidBillTakesItsSharesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, d := w.filmBill()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		rules, err := bill.GetRules(ctx, tx)
		if err != nil {
			return err
		}
		rules.Void = bill.VoidUnpaid
		if err := bill.PutRules(ctx, tx, rules, "owner"); err != nil {
			return err
		}
		return bill.Cancel(ctx, tx, bill.Voiding{BillID: d.ID, Reason: "never happened", By: "clerk"})
	})
	if got := w.owed(); got != "0.00 0.00" {
		t.Errorf("owed %s", got)
	}
	w.mustSums()
}

// Revenue of one line that two partners share goes back from both.
func TestPartner_aCreditNoteTakesBothSharesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, d := w.filmBill()
	reels := catalog.ThirdParty{Partner: "studio", Per: catalog.PerCharge}
	reels.Share.Percent = new(money.Decimal)
	*reels.Share.Percent = money.NewDecimal(20)
	var views bill.Line
	for _, l := range d.Lines {
		if l.Code == "content" {
			views = l
		}
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error { // of the one view, beside the cinema
		if _, err := partner.Put(ctx, tx, partner.Partner{Code: "studio", Name: "Studio", Active: true}); err != nil {
			return err
		}
		var charge, offering uuid.UUID
		err := tx.QueryRow(ctx, `select id, offering_id from charge where account_id = $1 and line_code = 'content' order by id limit 1`, c.ID).Scan(&charge, &offering)
		if err != nil {
			return err
		}
		return partner.Accrue(ctx, tx, w.Zone, []partner.Line{{Source: charge, Line: "studio", Account: c.ID, Subscription: views.Subscription, OfferingID: offering,
			Net: money.NewDecimal(10), Currency: d.Currency}}, map[uuid.UUID]catalog.Offering{offering: {Code: "reels", ThirdParty: &reels}})
	})
	of := func(who string) string {
		return w.text(`select coalesce(sum(share), 0)::numeric(9,2) from partner_share where partner = $1`, who)
	}
	if got := of("cinema") + " " + of("studio"); got != "12.00 2.00" {
		t.Fatalf("shares %s", got)
	}
	half := euro("11.90") // 10.00 of 20.00
	n := bill.NewCredit{ID: id7(), BillID: d.ID, Reason: "went dark", By: "clerk", Lines: []bill.CreditLine{{No: views.No, Amount: &half}}}
	for range 2 { // a repeat takes nothing more
		w.write(func(ctx context.Context, tx tenant.Tx) error {
			_, err := bill.Credit(ctx, tx, n)
			return err
		})
	}
	if got := of("cinema") + " " + of("studio"); got != "11.00 1.00" {
		t.Errorf("half of the views given back: shares %s", got)
	}
	w.mustSums()
}

// A pause gives a part of the fee back and its partner's share with it; the end
// of the pause asks for both again.
func TestPartner_aPauseTakesItsShareBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := partner.Put(ctx, tx, partner.Partner{Code: "cinema", Name: "Cinema Ltd", Active: true})
		return err
	})
	w.publish(strings.Replace(filmsPlan, "timing: arrears, prorate: none", "timing: advance, prorate: day", 1))
	c := w.connect("films")
	w.advance(c.Cycle.To.Start(w.Zone).Add(time.Hour)) // May, and June in advance
	had := w.owed()
	var subscription uuid.UUID
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select id from subscription where account_id = $1`, c.ID).Scan(&subscription)
	})
	w.advance(w.day("2026-06-11"))
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return w.Pause(ctx, tx, desk.NewPause{SubscriptionID: subscription, Reason: "abroad", By: "clerk"})
	})
	if got := w.owed(); got != had {
		t.Errorf("before the bill that gives it back %s are owed, not %s", got, had)
	}
	w.advance(w.day("2026-06-21"))
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return w.Resume(ctx, tx, desk.NewPause{SubscriptionID: subscription, By: "clerk"})
	})
	w.advance(w.day("2026-07-02"))
	tenth := w.text(`select (sum(l.net) / 10)::numeric(9,2) || ' ' || (sum(l.net) / 10)::numeric(9,2) from bill_line as l join bill as b on b.id = l.bill_id where b.account_id = $1 and l.code = 'film-fee'`, c.ID)
	given := w.text(`select string_agg(sign(l.net)::text, ' ' order by l.net) from bill_line as l join bill as b on b.id = l.bill_id where b.account_id = $1 and l.kind = 'item'`, c.ID)
	if got := w.owed(); got != tenth || given != "-1 1" {
		t.Errorf("after items of %s, owed %s, a tenth of the fees is %s", given, got, tenth)
	}
	w.mustSums()
}
