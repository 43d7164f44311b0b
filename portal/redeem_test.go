package portal_test

import (
	"context"
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/voucher"
)

func TestDesk_redeemsAVoucherForASubscriber(t *testing.T) {
	t.Parallel()
	w := newWorld(t, operator{name: "Hanse Mobil", colour: "#1d4f91", country: "DE", zone: "Europe/Berlin", currency: "EUR", language: "en", included: true,
		plans: []string{"hanse-postpaid-flex", "hanse-prepaid-200"}})
	c := w.customer(1, "hanse-prepaid-200", "en")
	stack, err := w.host.Resolve(context.Background(), w.Ref.Name)
	if err != nil {
		t.Fatal(err)
	}
	var list []byte
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		ten := money.New(money.NewDecimal(10), money.MustCurrency("EUR"))
		day, err := calendar.ParseDate("2030-12-31")
		if err != nil {
			return err
		}
		batch, err := stack.Vouchers().Make(ctx, tx, voucher.NewBatch{ID: uuid.Must(uuid.NewV7()), Code: "SUM26", Value: ten, Price: ten, Count: 10, ValidThrough: day, By: "user:owner"})
		if err != nil {
			return err
		}
		if _, err := voucher.Sell(ctx, tx, voucher.Sale{ID: uuid.Must(uuid.NewV7()), BatchID: batch.ID, PaidTo: ledger.Bank}); err != nil {
			return err
		}
		list, err = stack.Vouchers().Fetch(ctx, tx, batch.ID, "user:owner")
		return err
	})
	rows, err := csv.NewReader(strings.NewReader(string(list))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	b, at := w.works(identity.Clerk), w.console("subscribers/"+c.ID.String())
	contains(t, "the subscriber's page", b.get(at).words(), "Redeem a voucher")
	form := b.get(at + "/voucher")
	no := b.post(at+"/voucher", form, "key", form.value("key"), "pin", "1234 5678 9012 3456")
	if no.status != http.StatusUnprocessableEntity {
		t.Errorf("a wrong PIN: %d", no.status)
	}
	contains(t, "beside the PIN", no.in("#pin-e"), "This PIN is not valid")
	sent := []string{"key", no.value("key"), "pin", rows[1][1]}
	contains(t, "redeemed", b.follow(at+"/voucher", no, sent...).words(), "The voucher was added to the balance", "10,00 €")
	contains(t, "sent twice", b.follow(at+"/voucher", no, sent...).words(), "The voucher was added to the balance")
	form = b.get(at + "/voucher")
	contains(t, "another time", b.post(at+"/voucher", form, "key", form.value("key"), "pin", rows[1][1]).in("#pin-e"), "redeemed already")
	contains(t, "the trail", w.works(identity.Owner).get(w.console("audit")).words(), "Redeemed a voucher")
}
