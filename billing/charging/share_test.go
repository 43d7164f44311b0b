package charging_test

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/partner"
	"tollhouse/billing/tenant"
)

const filmPlan = `
code: film
names: {en: Films}
kind: third_party
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
third_party: {partner: cinema, share: {percent: 10}, per: charge}
prices: {recurring: [{code: film-fee, names: {en: Films}, amount: "119.00", months: 1, timing: advance, prorate: none}]}
usage: [{code: content, names: {en: Films}, kind: content, rules: [{code: view, destinations: ["*"], price: "2.38", per: "1"}]}]
`

// Case "F: partners": 10 % of 100.00 net is 10.00, and a refund of 40.00 takes
// back 4.00.
func TestShare_ofChargesAndBackOnRefund(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := partner.Put(ctx, tx, partner.Partner{Code: "cinema", Name: "Cinema Ltd", Active: true})
		return err
	})
	w.publish(filmPlan)
	a := w.customers("film", account.Prepaid, 1, 1)[0]
	w.topUp(a, "200.00")
	w.renew(a)
	w.wantSums(map[string]string{"partner_payable EUR": "-10", "revenue EUR": "-90"})
	view := w.data("v", 1, w.noon(3), 1)
	view.Kind, view.Unit = "content", money.Event
	w.ingest(view)
	w.ingest(view) // a repeat shares nothing
	w.wantSums(map[string]string{"partner_payable EUR": "-10.2"})
	var fee uuid.UUID
	var period calendar.Date
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select id, period from charge where line_code = 'film-fee'`).Scan(&fee, &period)
	})
	off := money.MustDecimal("47.60")
	refund := charging.Correction{ID: uuid.Must(uuid.NewV7()), Account: a.ID, Period: period, Charge: fee, Reason: "went dark", Off: &off}
	for range 2 {
		w.write(func(ctx context.Context, tx tenant.Tx) error {
			_, err := w.engine.Correct(ctx, tx, refund)
			return err
		})
	}
	w.wantSums(map[string]string{"partner_payable EUR": "-6.2"})
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		owed, err := partner.List(ctx, tx)
		if err != nil || len(owed) != 1 || owed[0].Share.String() != "6.2" || owed[0].Lines != 3 {
			t.Errorf("owed %+v, %v", owed, err)
		}
		return nil
	})
}

// A view that is charged online is shared as well, and a repeat shares nothing.
func TestShare_ofOnlineDebits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := partner.Put(ctx, tx, partner.Partner{Code: "cinema", Name: "Cinema Ltd", Active: true})
		return err
	})
	w.publish(filmPlan)
	a := w.customers("film", account.Prepaid, 1, 1)[0]
	w.topUp(a, "200.00")
	o := w.online()
	view := w.data("v", 1, w.noon(3), 1)
	view.Kind, view.Unit = "content", money.Event
	for range 2 {
		if _, err := o.Debit(t.Context(), w.Ref, w.feed.ID, view); err != nil {
			t.Fatal(err)
		}
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		owed, err := partner.List(ctx, tx)
		if err != nil || len(owed) != 1 || owed[0].Share.String() != "10.2" || owed[0].Lines != 2 { // of the fee, whose cycle the debit begins, and of the view
			t.Errorf("owed %+v, %v", owed, err)
		}
		return nil
	})
}
