package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"tollhouse/billing/identity"
)

// What offers refer to is kept on pages of its own, with what is wrong beside
// its field; the whole catalog goes out and comes in as one file.
func TestProduct_partnersSpecificationsAndTheCatalogAsAFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	w.sells(holidayOption)
	b := w.works(identity.Marketer)

	at := w.console("partners")
	form := b.get(at)
	contains(t, "no partner", form.words(), "No partner yet")
	if no := b.post(at, form, "code", "Bad Code", "name", "Cinema"); no.status != http.StatusUnprocessableEntity || no.find("#code-e") == nil || no.value("name") != "Cinema" {
		t.Errorf("a code that is none: %d %s", no.status, no.words())
	}
	contains(t, "a partner", b.follow(at, form, "code", "cinema", "name", "City Cinema", "active", "on", "key", form.value("key")).words(), "The partner was saved", "City Cinema", "Sold", "0,00 €")

	at = w.console("specifications")
	form = b.get(at)
	if no := b.post(at, form, "code", "fibre", "names.en", "Fibre line", "lines", "download; wrong; Download"); no.status != http.StatusUnprocessableEntity || no.find("#lines-e") == nil {
		t.Errorf("a type that is none: %d %s", no.status, no.words())
	}
	sent := []string{"code", "fibre", "names.en", "Fibre line", "services", "internet", "lines", "download; number; Download; Mbit/s; 100\ncolour; choice; Colour; ; white|black", "key", form.value("key")}
	contains(t, "a specification", b.follow(at, form, sent...).words(), "Saved", "Fibre line", "Internet", "Download, Colour")
	edit := b.get(at + "/fibre")
	contains(t, "to be changed", edit.words(), "Change fibre", "download; number; Download; Mbit/s; 100", "colour; choice; Colour; ; white|black")
	contains(t, "removed", b.follow(at+"/fibre/remove", edit, "key", edit.value("key")).words(), "Saved", "No specification yet")

	file := b.get(w.console("catalog.yaml"))
	if file.status != http.StatusOK || !strings.Contains(file.text, "code: hanse-holiday") || strings.Count(file.text, "---") < 2 {
		t.Errorf("the catalog: %d %.300s", file.status, file.text)
	}
	form = b.get(w.console("offers/import"))
	done := b.follow(w.console("offers/import"), form, "text", strings.ReplaceAll(file.text, "code: hanse-", "code: new-"), "key", form.value("key"))
	contains(t, "imported", done.words(), "offers were stored as drafts", "new-holiday")
	wrong := b.post(w.console("offers/import"), form, "text", strings.Replace(file.text, "billing: postpaid", "billing: never", 1))
	if wrong.status != http.StatusUnprocessableEntity {
		t.Errorf("a catalog with a fault: %d %s", wrong.status, wrong.words())
	}
}
