package portal_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/event"
	"tollhouse/billing/identity"
	"tollhouse/billing/report"
	"tollhouse/billing/tenant"
)

func sheetOf(t *testing.T, p page) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(p.text, "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatalf("no sheet: %v: %.300s", err, p.text)
	}
	return rows
}

// fileLink finds where the n-th table of a page leads as a file.
func fileLink(t *testing.T, p page, format string) string {
	t.Helper()
	for _, link := range p.all("a") {
		if href := attribute(link, "href"); strings.Contains(href, "export="+format) {
			return href
		}
	}
	t.Fatalf("no link to a file: %.300s", p.words())
	return ""
}

// A table of several pages comes whole, typed, and as its reader may see it.
func TestExport_isWhatTheTableShows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		for n := range 130 {
			name := fmt.Sprintf("Person %03d", n)
			if n == 7 {
				name = `=HYPERLINK("x")`
			}
			parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: name, Address: account.Address{Street: "W 1", Postcode: "1", City: "H", Country: "DE"}}})
			if err != nil {
				return err
			}
			if _, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: account.Postpaid}}); err != nil {
				return err
			}
		}
		return nil
	})
	b := w.works(identity.Owner)
	list := b.get(w.console("subscribers"))
	rows := sheetOf(t, b.get(fileLink(t, list, "csv")))
	if len(rows) != 131 {
		t.Errorf("%d rows, want 130 and a head: %q", len(rows), rows[0])
	}
	safe, seen := false, map[string]bool{}
	for _, row := range rows[1:] {
		line := strings.Join(row, "|")
		safe = safe || strings.Contains(line, `'=HYPERLINK`)
		if strings.Contains(line, "|=HYPERLINK") || seen[line] {
			t.Errorf("row %q", row)
		}
		seen[line] = true
	}
	if !safe {
		t.Error("a name became a formula")
	}
	file := b.get(fileLink(t, list, "xlsx"))
	if file.status != http.StatusOK || !strings.HasPrefix(file.text, "PK") || !strings.Contains(file.header.Get("Content-Disposition"), ".xlsx") {
		t.Errorf("xlsx: %d %s", file.status, file.header.Get("Content-Disposition"))
	}
	clerk := w.works(identity.Clerk)
	if p := clerk.get(w.console("users") + "?export=csv"); p.status != http.StatusForbidden {
		t.Errorf("a file of what one may not see: %d", p.status)
	}
}

func TestExport_figuresAndDaysArePlain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	may(w, c)
	b := w.works(identity.Owner)
	for _, path := range []string{"bill-runs", "subscribers", "users", "keys", "settings/taxes", "reports/days", "subscribers/" + c.ID.String() + "/bills"} {
		p := b.get(w.console(path))
		if p.status != http.StatusOK {
			t.Fatalf("%s: %d", path, p.status)
		}
		for _, region := range p.all(".scroll") {
			label := attribute(region, "data-table")
			if label == "" {
				continue
			}
			link := ""
			for _, a := range p.all("a") {
				if attribute(a, "aria-label") == label+", CSV" {
					link = attribute(a, "href")
				}
			}
			if link == "" {
				t.Errorf("%s: no file of %q", path, label)
				continue
			}
			if rows := sheetOf(t, b.get(link)); len(rows) < 1 {
				t.Errorf("%s: nothing in the file of %q", path, label)
			} else {
				for _, row := range rows {
					if strings.ContainsAny(strings.Join(row, ""), "€\u00a0\u2212") {
						t.Errorf("%s, %q: %q", path, label, row)
					}
				}
			}
		}
	}
}

func TestReports_pagesAndFiles(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	may(w, c)
	b := w.works(identity.Accountant)
	contains(t, "reports", b.get(w.console("reports")).words(), "Chart of accounts", "Trial balance", "Ageing by customer", "Closed days")
	for _, one := range report.All() {
		p := b.get(w.console("reports/" + string(one.Name) + "?from=2026-05-01&to=2026-06-30"))
		if p.status != http.StatusOK {
			t.Errorf("%s: %d %s", one.Name, p.status, p.words())
		}
		for _, format := range []string{"csv", "xlsx"} {
			if f := b.get(w.console("reports/" + string(one.Name) + "/file?from=2026-05-01&to=2026-06-30&format=" + format)); f.status != http.StatusOK || f.text == "" {
				t.Errorf("%s as %s: %d", one.Name, format, f.status)
			}
		}
	}
	contains(t, "trial balance", b.get(w.console("reports/trial_balance?from=2026-05-01&to=2026-06-30")).words(), "Receivables", "40,11", "Total")
	if p := b.get(w.console("reports/trial_balance?from=2026-06-30&to=2026-05-01")); p.status != http.StatusUnprocessableEntity || p.find("#to-e") == nil {
		t.Errorf("a span that ends before it begins: %d", p.status)
	}
	chart := w.console("reports/chart")
	contains(t, "chart", b.follow(chart, b.get(chart), "number-receivable", "1400", "name-receivable", "Forderungen").words(), "saved")
	contains(t, "own numbers", b.get(w.console("reports/ageing?to=2026-06-02")).words(), "40,11")
	contains(t, "own numbers", b.get(w.console("reports/trial_balance?from=2026-05-01&to=2026-06-30")).words(), "1400", "Forderungen")
	if p := b.post(chart, b.get(chart), "number-receivable", "=1"); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a number that is none: %d", p.status)
	}
}

func TestDays_signedOffByAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	may(w, c)
	w.clock("2026-06-03 09:00")
	b := w.works(identity.Accountant)
	contains(t, "days", b.get(w.console("reports/days")).words(), "2 Jun 2026", "Open")
	path := w.console("reports/days/2026-06-01")
	day := b.get(path)
	contains(t, "a day", day.words(), "Control sums", "Holds", "Sign the day off")
	contains(t, "signed", b.follow(path, day, "note", "all well").words(), "signed off", "Rini Hartono", "all well")
	contains(t, "days", b.get(w.console("reports/days")).words(), "Signed off")
	if p := b.post(w.console("reports/days/2026-06-03"), day); p.status != http.StatusUnprocessableEntity {
		t.Errorf("today: %d", p.status)
	}
}

func TestSchedules_areMadeAndShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Accountant)
	fresh := b.get(w.console("reports/schedules/new"))
	who := ""
	for _, box := range fresh.all("input") {
		if attribute(box, "name") == "recipients" {
			who = attribute(box, "value")
		}
	}
	path := w.console("reports/schedules/new")
	if p := b.post(path, fresh, "name", "", "report", "vat", "format", "xlsx", "every", "week", "on_day", "9", "at_hour", "7", "recipients", who); p.status != http.StatusUnprocessableEntity {
		t.Errorf("without a name: %d", p.status)
	}
	contains(t, "schedules", b.follow(path, b.get(path), "name", "Month end", "report", "vat", "format", "xlsx", "every", "month", "on_day", "31", "at_hour", "7", "recipients", who, "state", "active").words(), "Month end", "Tax", "Each month", "In force")
}

func TestWebhooks_fromTheConsole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	b := w.works(identity.Owner)
	path := w.console("webhooks")
	start := b.get(path)
	contains(t, "webhooks", start.words(), "This is a sandbox", "No program is told yet")
	if p := b.post(path, start, "url", "ftp://x"); p.status != http.StatusUnprocessableEntity || p.find("#url-e") == nil {
		t.Errorf("a bad address: %d", p.status)
	}
	made := b.post(path, b.get(path), "url", "https://hooks.example.com/in", "description", "CRM", "types", "party.created")
	secret := made.find("code")
	if made.status != http.StatusOK || secret == nil || !strings.HasPrefix(secret.FirstChild.Data, "whsec_") {
		t.Fatalf("no secret: %d %s", made.status, made.words())
	}
	var e event.Endpoint
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		list, err := event.Endpoints(ctx, tx)
		if len(list) != 1 {
			return errors.New("no endpoint")
		}
		e = list[0]
		return err
	})
	one := w.console("webhooks/" + e.ID.String())
	contains(t, "trial", b.follow(one+"/try", b.get(one)).words(), "A trial is on its way", "webhook.test", "Recorded")
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Ada"}})
		return err
	})
	contains(t, "deliveries", b.get(one).words(), "party.created", `"kind":"individual"`)
	if p := b.post(one+"/rotate", b.get(one)); p.find("code") == nil {
		t.Errorf("rotate: %d", p.status)
	}
	contains(t, "rotated", b.get(one).words(), "The secret before signs too")
	contains(t, "off", b.follow(one+"/off", b.get(one)).words(), "Off")
	if p := b.post(one+"/try", b.get(one)); p.status != http.StatusConflict {
		t.Errorf("a trial of what is off: %d", p.status)
	}
	contains(t, "on", b.follow(one+"/on", b.get(one)).words(), "Active")
	contains(t, "replay", b.follow(one+"/replay", b.get(one), "from", "2020-01-01", "to", time.Now().AddDate(1, 0, 0).Format("2006-01-02")).words(), "on their way again")
	if p := b.post(path+"/settings", b.get(path), "networks", "8.8.8.0/24"); p.status != http.StatusUnprocessableEntity {
		t.Errorf("a network that is not the host's to allow: %d", p.status)
	}
	contains(t, "removed", b.follow(one+"/remove", b.get(one)).words(), "No program is told yet")
}
