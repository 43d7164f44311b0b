package portal_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

// A plan that demands a deposit is connected at the desk with how it was paid:
// its step does not let the clerk on without.
func TestConnect_takesTheDeposit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Clerk)
	var version string
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		known, err := catalog.Current(ctx, tx, "hanse-postpaid-flex", tx.At)
		if err != nil {
			return err
		}
		secured := known.Offering
		secured.Code, secured.Deposit = "secured", &catalog.Deposit{Amount: money.NewDecimal(50)}
		draft, err := catalog.SaveDraft(ctx, tx, secured)
		if err != nil {
			return err
		}
		version = draft.ID.String()
		_, err = catalog.Publish(ctx, tx, draft.ID, tx.At)
		return err
	})
	form := b.get(w.console("orders/new"))
	person := b.follow(w.console("orders/new"), form, "key", form.value("key"), "offering", version)
	var order string
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		orders, err := w.host.Desk().List(ctx, tx, onboarding.Acknowledged, uuid.Nil, 1)
		order = w.console("orders/" + orders[0].ID.String() + "/")
		return err
	})
	address := b.follow(order+"person", person, "party-kind", "individual", "party-name", "Ada Byron", "party-email", "ada@example.com", "party-language", "en")
	law := b.follow(order+"address", address, "address-street", "Kaiserstr. 1", "address-postcode", "20457", "address-city", "Hamburg", "address-country", "DE")
	contains(t, "the step", law.words(), "50,00 € is asked for and not held")
	facts := []string{"party-birth_date", "1990-12-10", "party-id_document", "passport C01X00T47", "party-id_verified", "desk", "identity_number", "C01X00T47"}
	if none := b.post(order+"law", law, facts...); none.status != http.StatusUnprocessableEntity || none.in("#deposit-method-e") == "" {
		t.Errorf("without a deposit: %d %s", none.status, none.words())
	}
	network := b.follow(order+"law", law, append(facts, "deposit-method", "cash", "deposit-reference", "R 12")...)
	review := b.follow(order+"network", network, "mobile-msisdn", "0151 23456789", "mobile-imsi", "262010000000001")
	contains(t, "review", review.words(), "Deposit", "In cash", "R 12")
	b.follow(order+"review", review, "key", review.value("key"))
	var held string
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select (d.amount - o.open)::numeric(9,2)::text from deposit d join open_item o on o.deposit_id = d.id`).Scan(&held)
	})
	if held != "50.00" {
		t.Errorf("held %s", held)
	}
	w.sums()
}
