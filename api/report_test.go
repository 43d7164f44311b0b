package api

import (
	"strings"
	"testing"

	"tollhouse/billing/identity"
)

// A report is read for its days, as rows and as a file; days that are none are
// told by their field.
func TestReports_ofSomeDays(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.billed(owner, w.publishAndConnect(owner))
	const days = "?from=2026-05-01&to=2026-06-30"
	trial := w.get(owner, w.path("/reports/trial_balance"+days)).want(t, 200)
	if debit := trial.text("totals", 0, "sums", "debit"); debit == "0" || debit != trial.text("totals", 0, "sums", "credit") || trial.text("totals", 0, "sums", "closing") != "0" {
		t.Errorf("trial balance %s", trial.raw)
	}
	w.get(owner, w.path("/reports/ageing?to=2026-06-30")).want(t, 200)
	file := w.get(owner, w.path("/reports/journal/file"+days+"&format=csv")).want(t, 200)
	if lines := strings.Count(string(file.raw), "\n"); lines < 3 {
		t.Errorf("a journal of %d lines:\n%s", lines, file.raw)
	}
	for query, field := range map[string]string{"?from=2026-05-01": "to", "?from=2026-06-30&to=2026-05-01": "to", "?from=gestern&to=2026-05-01": "from"} {
		if fields, err := w.get(owner, w.path("/reports/trial_balance"+query)).want(t, 400).faults(); err != nil || len(fields) != 1 || fields[0] != field {
			t.Errorf("%s is told of %v, %v", query, fields, err)
		}
	}
}
