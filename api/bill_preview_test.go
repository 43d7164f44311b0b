package api

import (
	"strings"
	"testing"

	"tollhouse/billing/identity"
)

// What bills of a day would differ by is listed account by account, over pages,
// and as a file; whoever may not run bills does not see it.
func TestPreviewDifferences_areListed(t *testing.T) {
	w := newWorld(t)
	owner, support := w.user(w.db, identity.Owner, nil), w.user(w.db, identity.Support, nil)
	first := w.publishAndConnect(owner)
	second := w.connect(owner, 2)
	at := w.path("/bill-preview/differences")
	w.get(support, at).want(t, 403)
	w.billed(owner, first)
	w.post(owner, w.path("/usage-sources"), map[string]any{"name": "api", "preset": "json-events"}).want(t, 201)
	use := usageEvent("a", 2, 2_000_000_000)
	use["start"], use["end"] = "2026-06-01T05:00:00Z", "2026-06-01T05:10:00Z"
	if got := w.send(request{method: "POST", path: w.path("/usage-events"), token: owner, body: map[string]any{"source": "api", "events": []any{use}}}).want(t, 200); got.at("accepted") != 1.0 {
		t.Fatalf("usage: %s", got.raw)
	}
	got := w.get(owner, at).want(t, 200)
	if got.at("items", 1) != nil || got.text("items", 0, "account") != second || got.text("items", 0, "kind") != "usage" || got.text("items", 0, "now", "amount") != "2.00" ||
		got.text("items", 0, "last", "amount") != "0.00" || got.text("items", 0, "change", "amount") != "2.00" || got.at("next") != nil {
		t.Errorf("differences: %s", got.raw)
	}
	var found int
	for page, pages := "?limit=1", 0; page != ""; pages++ {
		got := w.get(owner, at+page).want(t, 200)
		if got.at("items", 0) != nil {
			found++
		}
		page = ""
		if got.at("next") != nil && pages < 5 {
			page = "?limit=1&cursor=" + got.text("next")
		}
	}
	if found != 1 {
		t.Errorf("over pages %d are found", found)
	}
	if none := w.get(owner, at+"?cycle_end=2031-01-01").want(t, 200); none.at("items", 0) != nil {
		t.Errorf("of a day on which nothing ends: %s", none.raw)
	}
	w.get(owner, at+"?cycle_end=soon").want(t, 400)
	file := w.send(request{method: "GET", path: at + "?limit=1", token: owner, header: map[string]string{"Accept": "text/csv"}}).want(t, 200)
	if rows := strings.Split(strings.TrimSpace(string(file.raw)), "\n"); len(rows) != 2 || !strings.Contains(rows[0], "change.amount") || !strings.Contains(rows[1], second) {
		t.Errorf("as a file: %s", file.raw)
	}
}
