package business_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
)

func TestDesigner_tellsOfTheLastTrialAndWhatPublishingWaitsFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.user(identity.Owner)
	text := strings.Replace(string(sample(t)), "hanse-postpaid-flex", "hanse-new", 1)
	if got := b.post("offers/import", b.get("offers/import"), "text", text); got.status != http.StatusSeeOther {
		t.Fatalf("the import answered %d: %s", got.status, got.words())
	}
	edit := b.get("offers/hanse-new/edit")
	if got := words(edit.find("#p-trial").Parent.Parent); !strings.Contains(got, "not tried yet") || !strings.Contains(got, "Try it") {
		t.Errorf("an untried draft's card says %s", got)
	}
	if err := w.stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error { return catalog.RequireTrial(ctx, tx, true) }); err != nil {
		t.Fatal(err)
	}
	edit = b.get("offers/hanse-new/edit")
	if got := words(edit.find("#publish")); !strings.Contains(got, "has to be tried") {
		t.Errorf("before publishing the dialog says %s", got)
	}
	if got := b.post("offers/hanse-new/publish", edit, "from", "2026-06-01"); got.status != http.StatusUnprocessableEntity {
		t.Errorf("an untried draft was published: %d", got.status)
	}
	version := w.text(`select id::text from offering_version where code = 'hanse-new'`)
	err := w.stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error {
		_, err := replay.AskTrial(ctx, tx, replay.NewTrial{Offering: uuid.MustParse(version), Days: calendar.Period{From: calendar.Date{Year: 2026, Month: 4, Day: 1}, To: calendar.Date{Year: 2026, Month: 5, Day: 1}}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := words(b.get("offers/hanse-new/edit").find("#p-trial").Parent.Parent); !strings.Contains(got, "See this trial") {
		t.Errorf("the card of a draft on trial says %s", got)
	}
}
