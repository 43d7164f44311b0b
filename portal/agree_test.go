package portal_test

import (
	"context"
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/html"

	"tollhouse/billing/account"
	"tollhouse/billing/charging"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// debtors are customers who owe since different months, some of them at several
// ages, one nothing, one no longer active; today is 5 October.
func debtors(w *world) {
	w.t.Helper()
	var postpaid []customer
	for n := 1; n <= 5; n++ {
		postpaid = append(postpaid, w.customer(n, "hanse-postpaid-flex", "en"))
	}
	w.topUp(w.customer(6, "hanse-prepaid-200", "en"), "20")
	for i, day := range []string{"2026-06-01", "2026-07-01", "2026-08-01", "2026-09-01", "2026-10-01"} {
		w.closeCycles(day)
		w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
			for _, c := range postpaid {
				if _, err := w.host.Charging().GrantCycle(ctx, tx, c.ID); err != nil {
					return err
				}
			}
			return nil
		})
		for n, c := range postpaid {
			if n > i || n == len(postpaid)-1 { // pays for the months before its own; the last one for all
				w.pays(c)
			}
		}
	}
	w.pays(postpaid[3], "1.11") // part of one document
	w.clock("2026-10-05 12:00")
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		held, err := account.Subscriptions(ctx, tx, postpaid[0].ID)
		if err != nil {
			return err
		}
		if err := account.Suspend(ctx, tx, held[0].ID); err != nil {
			return err
		}
		for n, c := range postpaid[:2] {
			call := w.call(c, "stranger"+c.Number, "2026-10-02 10:00", "+4930123456", 60+int64(n))
			call.Identity = usage.Identity{Kind: usage.MSISDN, Value: "+4915199999999"}
			if _, err := w.host.Charging().Ingest(ctx, tx, charging.Batch{Source: w.feed.ID, Items: []usage.Item{{Line: 1, Record: &call}}}); err != nil {
				return err
			}
		}
		return nil
	})
}

// pays settles what an account owes, or an amount.
func (w *world) pays(c customer, amount ...string) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.Get(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		sum := money.New(a.Receivable, a.Currency).RoundToDocument()
		if len(amount) > 0 {
			sum = money.New(money.MustDecimal(amount[0]), a.Currency)
		}
		_, err = payment.Record(ctx, tx, payment.NewPayment{ID: uuid.Must(uuid.NewV7()), AccountID: c.ID, Purpose: payment.PurposeBill,
			Method: payment.Bank, Amount: sum, Reference: "bank", By: "test"})
		return err
	})
}

// figureOf reads "1.234,50 €" as a number.
func figureOf(t *testing.T, text string) money.Decimal {
	t.Helper()
	text = strings.NewReplacer(".", "", ",", ".", "€", "", " ", "", "\u00a0", "", "−", "-").Replace(text)
	d, err := money.ParseDecimal(text)
	if err != nil {
		t.Fatalf("%q is no figure: %v", text, err)
	}
	return d
}

// rowsOf reads a list's file as maps by its heads.
func rowsOf(t *testing.T, b *browser, address string) []map[string]string {
	t.Helper()
	by := "?"
	if strings.Contains(address, "?") {
		by = "&"
	}
	file := b.get(address + by + "format=csv")
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.text, "\ufeff"))).ReadAll()
	if err != nil || file.status != http.StatusOK || len(lines) == 0 {
		t.Fatalf("%s as a file: %d %v", address, file.status, err)
	}
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, head := range lines[0] {
			row[head] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func sumOf(t *testing.T, rows []map[string]string, column string) (sum money.Decimal) {
	t.Helper()
	for _, row := range rows {
		sum = sum.Add(money.MustDecimal(row[column]))
	}
	return sum
}

// cells are the words of a row's cells.
func cells(row *html.Node) (texts []string) {
	for n := range row.ChildNodes() {
		if n.Type == html.ElementNode && (n.Data == "td" || n.Data == "th") {
			texts = append(texts, words(n))
		}
	}
	return texts
}

// statOf is the figure of the dashboard that leads to an address, and the words
// below it.
func statOf(t *testing.T, dashboard page, address string) (value, more string) {
	t.Helper()
	for _, a := range dashboard.all(".stat") {
		if attribute(a, "href") != address {
			continue
		}
		for n := range a.ChildNodes() {
			switch class := " " + attribute(n, "class") + " "; {
			case strings.Contains(class, " v "):
				value = words(n)
			case strings.Contains(class, " d "):
				more = words(n)
			}
		}
		return value, more
	}
	t.Fatalf("no figure leads to %s", address)
	return "", ""
}

// What the dashboard tells is what the list behind it holds, to the cent.
func TestDashboard_figuresAreThoseOfTheListsTheyOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	debtors(w)
	b := w.works(identity.Owner)
	shown := b.get(w.console(""))
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(shown.text, "console/revenue/2026-10") && time.Now().Before(deadline); {
		shown = b.get(w.console("")) // revenue is still being summed up
	}
	list := func(query string) string { return w.console("subscribers?" + query) }

	active, _ := statOf(t, shown, list("state=active"))
	if rows := rowsOf(t, b, list("state=active")); figureOf(t, active).Cmp(money.NewDecimal(int64(len(rows)))) != 0 || len(rows) != 5 {
		t.Errorf("%s active, %d in the list", active, len(rows))
	}
	overdue, more := statOf(t, shown, list("owing=overdue"))
	rows := rowsOf(t, b, list("owing=overdue"))
	for _, column := range []string{"overdue", "aged"} {
		if sum := sumOf(t, rows, column); figureOf(t, overdue).Cmp(sum) != 0 || sum.IsZero() {
			t.Errorf("%s are overdue, %s in the list's %s", overdue, sum, column)
		}
	}
	contains(t, "debtors", more, money.NewDecimal(int64(len(rows))).String())

	ages := 0
	for _, row := range shown.all("tr") {
		link := (page{tree: row}).find("a[href]")
		if link == nil || !strings.Contains(attribute(link, "href"), "owing=") {
			continue
		}
		ages++
		at, told := attribute(link, "href"), cells(row)
		rows := rowsOf(t, b, at)
		if sum := sumOf(t, rows, "aged"); figureOf(t, told[1]).Cmp(money.NewDecimal(int64(len(rows)))) != 0 || figureOf(t, told[2]).Cmp(sum) != 0 {
			t.Errorf("%v, and %d with %s in the list", told, len(rows), sum)
		}
		var listed money.Decimal
		found := b.get(at)
		for _, one := range found.all("tr") {
			if texts := cells(one); len(texts) == 7 && (page{tree: one}).find("a[href]") != nil {
				listed = listed.Add(figureOf(t, texts[6]))
			}
		}
		if listed.Cmp(figureOf(t, told[2])) != 0 {
			t.Errorf("%v, and %s on the page it opens: %s", told, listed, found.words())
		}
	}
	if ages != 5 {
		t.Errorf("%d ages have a list", ages)
	}

	revenue, _ := statOf(t, shown, w.console("revenue/2026-10"))
	if sum := sumOf(t, rowsOf(t, b, w.console("revenue/2026-10")), "total"); figureOf(t, revenue).Cmp(sum) != 0 {
		t.Errorf("revenue is %s, and %s by days", revenue, sum)
	}
	waiting, _ := statOf(t, shown, w.console("suspense"))
	var held money.Decimal
	for _, row := range b.get(w.console("suspense")).all("tr") {
		if row.Parent.Data != "tbody" {
			continue
		}
		for _, n := range (page{tree: row}).all(".num") {
			if n.Data == "td" {
				held = held.Add(figureOf(t, words(n)))
				break
			}
		}
	}
	if figureOf(t, waiting).Cmp(held) != 0 || held.Cmp(money.NewDecimal(2)) != 0 {
		t.Errorf("%s wait, and %s by reasons", waiting, held)
	}
}

func TestDesk_plansAreCalledByTheirNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	b := w.works(identity.Owner)
	for _, path := range []string{"subscribers", "subscribers/" + c.ID.String() + "/services"} {
		shown := b.get(w.console(path))
		contains(t, path, shown.words(), "Hanse Flex")
		if strings.Contains(shown.words(), "hanse-postpaid-flex") {
			t.Errorf("%s shows the plan's code: %s", path, shown.words())
		}
	}
}
