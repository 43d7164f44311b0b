package portal_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"tollhouse/billing/identity"
)

// An operator changes its taxes on one page; what is wrong is told beside its
// field, and nothing has changed.
func TestSettings_taxes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Owner)
	at := w.console("settings/taxes")
	page := b.get(at)
	contains(t, "page", page.words(), "Tax rates", "Tax categories", "Sales over a border", "Strict VAT", "Attach the PDF")
	if strings.Contains(page.text, "papers.") {
		t.Errorf("a key is shown: %s", page.words())
	}
	wrong := b.post(at+"/rates", page, "key", page.value("key"), "category", "standard", "rate_name", "VAT", "percent", "many", "position", "1", "from", "2027-01-01")
	if wrong.status != http.StatusUnprocessableEntity || !strings.Contains(wrong.words(), "A number from 0 to 100") {
		t.Errorf("%d %s", wrong.status, wrong.words())
	}
	after := b.follow(at+"/rates", page, "key", "rate", "category", "standard", "rate_name", "USt. 21 %", "percent", "21", "position", "1", "from", "2027-01-01")
	contains(t, "rate", after.words(), "21 %", "to come")
	after = b.follow(at+"/rules", after, "key", "rule", "seller", "de", "buyer", "CH", "kind", "business", "rule_service", "", "treatment", "not_subject")
	contains(t, "rule", after.words(), "DE → CH")
	after = b.follow(at+"/settings", after, "key", "settings", "rounding", "line", "strict", "on")
	after = b.follow(at+"/documents", after, "key", "documents", "attach", "on")
	after = b.follow(at+"/categories", after, "key", "described", "category_key", "standard", "title", "Standard rate", "code", "S", "service", "telecom")
	contains(t, "category", after.words(), "standard Standard rate")
	if !ticked(after, "strict") || !ticked(after, "attach") {
		t.Error("a setting was not kept")
	}
}

// A clerk sees what tax a customer pays and why, exempts it and ends that.
func TestDesk_tax(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	may(w, c)
	b := w.works(identity.Owner)
	at := w.console("subscribers/" + c.ID.String())
	page := b.get(at + "/tax")
	contains(t, "page", page.words(), "What tax this customer pays today", "the seller's own rate", "not exempt", "withholds", "Itemised usage")
	if strings.Contains(page.text, "papers.") {
		t.Errorf("a key is shown: %s", page.words())
	}
	wrong := b.post(at+"/tax/exemptions", page, "key", "x1", "code", "E", "reason", "", "from", "2020-01-01")
	if wrong.status != http.StatusUnprocessableEntity || !strings.Contains(wrong.words(), "Why the customer is exempt") {
		t.Errorf("%d %s", wrong.status, wrong.words())
	}
	page = b.follow(at+"/tax/exemptions", page, "key", "x2", "code", "E", "reason", "Embassy of Utopia", "certificate", "A-17", "from", "2020-01-01")
	contains(t, "exempt", page.words(), "Saved.", "Embassy of Utopia (A-17)")
	page = b.follow(at+"/tax/withholding", page, "key", "x3", "name", "PPh 23", "percent", "2,5")
	if page.value("percent") != "2,5" {
		t.Errorf("withheld %q", page.value("percent"))
	}
	page = b.follow(at+"/tax/papers", page, "key", "x4", "annex", "on")
	if !ticked(page, "annex") {
		t.Error("the wish was not kept")
	}
	for format, media := range map[string]string{"pdf": "application/pdf", "csv": "text/csv; charset=utf-8"} {
		if got := b.get(at + "/statement?from=2026-05-01&to=2026-05-31&format=" + format); got.status != http.StatusOK || got.header.Get("Content-Type") != media {
			t.Errorf("%s: %d %s", format, got.status, got.header.Get("Content-Type"))
		}
	}
	bills := b.get(at + "/bills")
	for _, n := range bills.all("a") {
		href := attribute(n, "href")
		if !strings.Contains(href, "/console/bills/") {
			continue
		}
		if got := b.get(href + "/ubl"); got.status != http.StatusOK || got.header.Get("Content-Type") != "application/xml" {
			t.Errorf("UBL: %d %s", got.status, got.words())
		}
		if got := b.get(href + "/csv"); got.status != http.StatusOK {
			t.Errorf("CSV: %d", got.status)
		}
	}
}

// ticked says whether a page's box is.
func ticked(p page, name string) bool {
	for _, n := range p.all("input[name=" + name + "]") {
		if slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "checked" }) {
			return true
		}
	}
	return false
}
