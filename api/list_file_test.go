package api

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tollhouse/billing/identity"
)

// file asks for a list as a file.
func (w *world) listFile(token, path, accept string) response {
	w.t.Helper()
	return w.send(request{method: http.MethodGet, path: w.path(path), token: token, header: map[string]string{"Accept": accept}})
}

func TestLists_areFilesToo(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	account := w.publishAndConnect(owner)
	const n = 5
	for i := range n {
		w.post(owner, w.path("/payments"), map[string]any{"account": account, "method": "cash", "amount": map[string]string{"amount": fmt.Sprintf("1%d.50", i), "currency": "EUR"}}).want(t, 201)
	}
	// Small pages: the file goes on from one to the next.
	got := w.listFile(owner, "/payments?limit=2", "text/csv").want(t, 200)
	if kind := got.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/csv") || !strings.Contains(got.header.Get("Content-Disposition"), "payments.csv") {
		t.Errorf("answered as %s, %s", kind, got.header.Get("Content-Disposition"))
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(got.raw), "\ufeff"))).ReadAll()
	if err != nil || len(rows) != n+1 {
		t.Fatalf("%d rows, %v: %s", len(rows), err, got.raw)
	}
	column := -1
	for i, head := range rows[0] {
		if head == "payment.amount.amount" {
			column = i
		}
	}
	if column < 0 {
		t.Fatalf("no column of amounts: %v", rows[0])
	}
	seen := map[string]bool{}
	for _, row := range rows[1:] {
		seen[row[column]] = true
	}
	for i := range n {
		if amount := fmt.Sprintf("1%d.5", i); !seen[amount] && !seen[amount+"0"] {
			t.Errorf("%s is missing among %v", amount, seen)
		}
	}
	if xlsx := w.listFile(owner, "/payments", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet").want(t, 200); !strings.HasPrefix(string(xlsx.raw), "PK") {
		t.Error("no XLSX")
	}
	if plain := w.listFile(owner, "/payments", "application/json, text/csv").want(t, 200); !strings.HasPrefix(string(plain.raw), "{") {
		t.Errorf("who takes JSON first gets %.40s", plain.raw)
	}
}

func TestLists_asFilesAskForTheSameRights(t *testing.T) {
	w := newWorld(t)
	marketer := w.user(w.db, identity.Marketer, nil)
	w.listFile(marketer, "/ledger/accounts", "text/csv")
	if got := w.listFile(marketer, "/api-keys", "text/csv"); got.status != http.StatusForbidden || !strings.Contains(string(got.raw), "problem") {
		t.Errorf("answered %d %s", got.status, got.raw)
	}
	if got := w.listFile("", "/payments", "text/csv"); got.status != http.StatusUnauthorized {
		t.Errorf("a stranger is answered %d", got.status)
	}
	if got := w.listFile(marketer, "/accounts?limit=0", "text/csv"); got.status != http.StatusBadRequest {
		t.Errorf("a wrong question is answered %d", got.status)
	}
}

func TestLists_asFilesHoldNoFormula(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	id := w.publishAndConnect(owner)
	w.post(owner, w.path("/accounts/"+id+"/notes"), map[string]any{"text": `=HYPERLINK("http://evil.example")`}).want(t, 201)
	got := string(w.listFile(owner, "/accounts/"+id+"/notes", "text/csv").want(t, 200).raw)
	if !strings.Contains(got, `'=HYPERLINK`) {
		t.Errorf("a text that reckons: %s", got)
	}
}
