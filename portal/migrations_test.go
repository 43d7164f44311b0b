package portal_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

func TestMigrations_previewedPlannedAndCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	w.customer(1, "hanse-postpaid-flex", "en")
	var from, to string
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		old, err := catalog.Current(ctx, tx, "hanse-postpaid-flex", tx.At)
		if err != nil {
			return err
		}
		dearer := old.Offering
		dearer.Prices.Recurring[0].Amount = dearer.Prices.Recurring[0].Amount.Add(money.NewDecimal(2))
		draft, err := catalog.SaveDraft(ctx, tx, dearer)
		if err != nil {
			return err
		}
		from, to = old.ID.String(), draft.ID.String()
		_, err = catalog.Publish(ctx, tx, draft.ID, time.Time{})
		return err
	})
	b := w.works(identity.Owner)
	fresh := b.get(w.console("migrations/new"))
	pairs := []string{"to", to, "from", from, "starts_on", "2026-08-01", "notice_days", "30", "reason", "dearer"}
	if got := b.post(w.console("migrations/new"), fresh, "to", to, "starts_on", "2026-08-01", "notice_days", "30", "key", fresh.value("key")); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.words(), "Choose sold versions") {
		t.Errorf("without versions to move: %d %s", got.status, got.words())
	}
	looked := b.post(w.console("migrations/new"), fresh, append(pairs, "again", "1", "key", fresh.value("key"))...)
	if looked.status != http.StatusOK || !strings.Contains(looked.words(), "1 subscription would move") || !strings.Contains(looked.words(), "+2,00 €") {
		t.Fatalf("the preview: %d %s", looked.status, looked.words())
	}
	planned := b.post(w.console("migrations/new"), looked, append(pairs, "confirmed", "1", "key", looked.value("key"))...)
	if planned.status != http.StatusSeeOther {
		t.Fatalf("planning: %d %s", planned.status, planned.words())
	}
	one := b.get(planned.header.Get("Location"))
	if !strings.Contains(one.words(), "Not told yet 1") || !strings.Contains(one.words(), "dearer") {
		t.Errorf("the plan's page: %s", one.words())
	}
	var id string
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select id::text from offering_migration`).Scan(&id)
	})
	if got := b.post(w.console("migrations/"+id+"/cancel"), one, "key", one.value("key")); got.status != http.StatusSeeOther {
		t.Fatalf("cancelling: %d %s", got.status, got.words())
	}
	if list := b.get(w.console("migrations")); !strings.Contains(list.words(), "Cancelled") {
		t.Errorf("the list: %s", list.words())
	}
}
