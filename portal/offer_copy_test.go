package portal_test

import (
	"net/http"
	"strings"
	"testing"

	"tollhouse/billing/identity"
)

// A marketer begins an offer from another under a new code, and sees in words
// what is different between any two versions.
func TestOffers_copiedUnderANewCodeAndCompared(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	w.sells(holidayOption)
	b, at := w.works(identity.Marketer), w.console("offers/hanse-holiday")
	contains(t, "the offer", b.get(at).words(), "Compare", "Copy")
	form := b.get(at + "/copy")
	if no := b.post(at+"/copy", form, "code", "hanse-holiday"); no.status != http.StatusUnprocessableEntity || no.find("#code-e") == nil {
		t.Errorf("a code that is taken: %d %s", no.status, no.words())
	}
	if no := b.post(at+"/copy", form, "code", "Not A Code"); no.status != http.StatusUnprocessableEntity || no.find("#code-e") == nil {
		t.Errorf("no code: %d %s", no.status, no.words())
	}
	draft := b.follow(at+"/copy", form, "code", "hanse-weekend", "names.en", "Weekend", "key", form.value("key"))
	contains(t, "the draft", draft.words(), "Draft: Weekend", "The copy is a draft")
	compare := b.get(w.console("offers/hanse-weekend/compare"))
	contains(t, "nothing to compare with yet", compare.words(), "Choose two versions")
	var from, to string
	for _, n := range compare.all("option") {
		label := words(n)
		switch value := attribute(n, "value"); {
		case strings.HasPrefix(label, "Holiday,"):
			from = value
		case strings.HasPrefix(label, "Weekend,"):
			to = value
		}
	}
	contains(t, "the differences", b.get(w.console("offers/hanse-weekend/compare?from="+from+"&to="+to)).words(), "Holiday, version 1 → Weekend, version 1", "Weekend")
	if got := b.get(w.console("offers/nothing/compare")); got.status != http.StatusNotFound {
		t.Errorf("an offer that is not there: %d", got.status)
	}
}
