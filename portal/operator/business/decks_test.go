package business_test

import (
	"net/http"
	"strings"
	"testing"

	"tollhouse/billing/identity"
)

// A trial and a correction ask by which decks usage is priced: those of then,
// unless the present ones are chosen; a choice that makes no sense is told beside
// its field.
func TestReplays_askByWhichDecks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.user(identity.Owner)
	text := strings.Replace(string(sample(t)), "hanse-postpaid-flex", "hanse-new", 1)
	if got := b.post("offers/import", b.get("offers/import"), "text", text); got.status != http.StatusSeeOther {
		t.Fatalf("the import answered %d: %s", got.status, got.words())
	}
	version := w.text(`select id::text from offering_version where code = 'hanse-new'`)
	form := b.get("trials")
	if got := form.in("#decks"); !strings.Contains(got, "Those in force at the time of use") || !strings.Contains(got, "The present ones") {
		t.Errorf("decks to choose from: %s", got)
	}
	for _, decks := range []string{"then", "present"} {
		got := b.post("trials", b.get("trials"), "offering_version", version, "decks", decks)
		if got.status != http.StatusSeeOther {
			t.Fatalf("%s: %d: %s", decks, got.status, got.words())
		}
		shown := b.get(got.header.Get("Location"))
		if is := strings.Contains(shown.words(), "The present ones"); is != (decks == "present") {
			t.Errorf("%s: the trial's page says %s", decks, shown.words())
		}
	}
	if got := w.text(`select string_agg(decks, ' ' order by asked_at, id) from tariff_trial`); got != "then present" {
		t.Errorf("asked for trials by %s", got)
	}
	who := w.customer(1)
	wrong := b.post("corrections", b.get("corrections"), "action", "take_back", "decks", "present", "account", who.Number)
	if wrong.status != http.StatusUnprocessableEntity || !strings.Contains(wrong.words(), "for taking back those of then") {
		t.Errorf("taking back by the present decks: %d: %s", wrong.status, wrong.words())
	}
	if got := b.post("corrections", b.get("corrections"), "action", "price_again", "decks", "present"); got.status != http.StatusSeeOther {
		t.Errorf("a correction by the present decks: %d: %s", got.status, got.words())
	}
	if got := w.text(`select decks from rerating`); got != "present" {
		t.Errorf("asked for a correction by %s", got)
	}
}
