package business_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/identity"
	"tollhouse/billing/insight"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// lived is a world in which two months have passed: bills, calls, a payment.
func lived(t *testing.T) (*world, []customer) {
	w := newWorld(t)
	customers := []customer{w.customer(1), w.customer(2), w.customer(3)}
	w.SetClock(t, w.at("2026-05-20 12:00"))
	w.use(w.call(customers[0].identity, "a", "2026-05-10 10:00", 300), w.call(customers[1].identity, "b", "2026-05-11 10:00", 60))
	if err := w.stack.Advance(t.Context(), w.at("2026-07-03 12:00"), nil); err != nil {
		t.Fatal(err)
	}
	w.pay(customers[0], "500")
	w.use(w.call(customers[0].identity, "c", "2026-07-02 10:00", 120))
	return w, customers
}

func TestDashboard_figuresAreTheSumsOfTheirLists(t *testing.T) {
	t.Parallel()
	w, _ := lived(t)
	b := w.user(identity.Owner)
	home := b.get("")
	if home.status != http.StatusOK {
		t.Fatalf("the dashboard answered %d: %s", home.status, home.words())
	}
	stats := home.in(".stats")
	for _, want := range []string{"Active subscribers 3", "In suspense 0"} {
		if !strings.Contains(stats, want) {
			t.Errorf("the strip has no %q: %s", want, stats)
		}
	}
	for month, first := range map[string]string{"2026-05": "2026-05-01", "2026-06": "2026-06-01", "2026-07": "2026-07-01"} {
		inLedger := w.text(`select coalesce(sum(case when credit = 'revenue' then amount else -amount end), 0)::text from ledger_transfer
			where (credit = 'revenue' or debit = 'revenue') and period = $1::text::date`, first)
		inLedger = money.New(money.MustDecimal(inLedger), money.MustCurrency("EUR")).RoundToDocument().Text()
		list := b.get("revenue/" + month)
		inLedger = strings.Replace(inLedger, ".", ",", 1) // an English page of a German operator
		if got := list.in("#revenue-total"); got != inLedger {
			t.Errorf("%s: the list's sum is %s, the ledger's %s", month, got, inLedger)
		}
		if !strings.Contains(words(home.find("#rev-t").Parent.Parent), inLedger) {
			t.Errorf("%s: the chart's table has no %s", month, inLedger)
		}
	}
	if csv := b.get("revenue/2026-06?format=csv"); csv.status != http.StatusOK || !strings.Contains(csv.text, "2026-06-01") && !strings.Contains(csv.text, "2026-06-") {
		t.Errorf("no sheet: %d %q", csv.status, csv.text)
	}
}

func TestRevenue_isTheSameSummedUpOrNot(t *testing.T) {
	t.Parallel()
	w, _ := lived(t)
	read := func() (months []insight.Month) {
		w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			profile, err := account.GetProfile(ctx, tx)
			if err == nil {
				months, err = insight.Months(ctx, tx, profile, profile.LocalDate(tx.At), 3)
			}
			return err
		})
		return months
	}
	before := read()
	if before[0].Usage.IsZero() || before[1].OneTime.IsZero() || before[1].Recurring.IsZero() {
		t.Fatalf("May has no usage, or June nothing recurring or one-time: %+v", before)
	}
	mark, err := w.DB.Mark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	mark.WallAt = mark.WallAt.Add(time.Minute) // no transaction runs: all that was posted may be summed up
	for range 2 {
		w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			_, err := insight.Roll(ctx, tx, mark)
			return err
		})
		after := read()
		for i := range before {
			if !after[i].Recurring.Equal(before[i].Recurring) || !after[i].Usage.Equal(before[i].Usage) || !after[i].OneTime.Equal(before[i].OneTime) {
				t.Errorf("%s: %+v before, %+v after summing up", before[i].First, before[i].Revenue, after[i].Revenue)
			}
		}
	}
	if n := w.text(`select count(*)::text from insight_revenue`); n == "0" {
		t.Error("nothing was summed up")
	}
}

func TestRights(t *testing.T) {
	t.Parallel()
	w, customers := lived(t)
	paths := []string{"", "offers", "offers/hanse-postpaid-flex", "offers/import", "bill-runs", "bill-runs/preview", "payments", "payments/new", "suspense", "suspense/files", "revenue/2026-06"}
	allowed := map[identity.Role]string{
		identity.Owner:      "yyyyyyyyyyy",
		identity.Marketer:   "yyyynnnnnny",
		identity.Clerk:      "yyynnnyynny",
		identity.Accountant: "yyynyyyyyyy",
		identity.Support:    "yyynnnynyyy",
	}
	for role, marks := range allowed {
		b := w.user(role)
		for i, path := range paths {
			got := b.get(path)
			want := http.StatusOK
			if marks[i] == 'n' {
				want = http.StatusForbidden
			}
			if got.status != want {
				t.Errorf("%s at %q: %d, want %d: %s", role, path, got.status, want, got.words())
			}
		}
		home := b.get("")
		if role == identity.Marketer {
			if home.find("#d-age") != nil || strings.Contains(home.words(), "Overdue") || strings.Contains(home.text, customers[0].Number) {
				t.Error("a marketer is told of debtors")
			}
			if got := b.post("bill-runs", home, "day", "2026-06-01"); got.status != http.StatusForbidden {
				t.Errorf("a marketer starts a bill run: %d", got.status)
			}
		}
		if role == identity.Clerk {
			if got := b.post("offers/hanse-postpaid-flex/publish", home, "from", "2026-08-01"); got.status != http.StatusForbidden {
				t.Errorf("a clerk publishes: %d", got.status)
			}
		}
	}
}

func TestBillRun_startedTwiceIsOneRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.customer(1)
	w.customer(2)
	w.SetClock(t, w.at("2026-06-01 08:00"))
	b := w.user(identity.Accountant)
	room := b.get("bill-runs")
	if got := b.post("bill-runs", room, "day", "2026-07-01"); got.status != http.StatusUnprocessableEntity || got.find("#day-e") == nil {
		t.Errorf("a day to come: %d %s", got.status, got.words())
	}
	form := room.form(b.base+"bill-runs", "day", "2026-06-01")
	first, second := b.send("bill-runs", form), b.send("bill-runs", form)
	again := b.post("bill-runs", b.get("bill-runs"), "day", "2026-06-01")
	if first.status != http.StatusSeeOther || first.header.Get("Location") != second.header.Get("Location") || again.header.Get("Location") != first.header.Get("Location") {
		t.Fatalf("not the same run: %d %q %q %q %s", first.status, first.header.Get("Location"), second.header.Get("Location"), again.header.Get("Location"), first.words())
	}
	if err := w.stack.Advance(t.Context(), w.at("2026-06-01 09:00"), nil); err != nil {
		t.Fatal(err)
	}
	if n := w.text(`select count(*)::text || ' ' || (select count(*) from bill)::text from bill_run`); n != "1 2" {
		t.Errorf("runs and bills: %s", n)
	}
	if n := w.text(`select count(*)::text from audit where action = 'createBillRun'`); n != "2" {
		t.Errorf("%s audit rows for two forms, one of them sent twice", n)
	}
	run := b.get(first.header.Get("Location"))
	if run.status != http.StatusOK || !strings.Contains(run.words(), "Bills 2") {
		t.Errorf("the run's page: %d %s", run.status, run.words())
	}
	csv := b.get(strings.Split(first.header.Get("Location"), "?")[0] + "?format=csv")
	if strings.Count(csv.text, "\n") != 3 {
		t.Errorf("the run's bills: %q", csv.text)
	}
}

func TestPreview_ofOneAndOfAll(t *testing.T) {
	t.Parallel()
	w, customers := lived(t)
	b := w.user(identity.Accountant)
	one := b.get("bill-runs/preview?account=" + customers[0].Number)
	if one.status != http.StatusOK || one.find("#h-draft") == nil || !strings.Contains(one.words(), "Monthly fee") {
		t.Errorf("one account: %d %s", one.status, one.words())
	}
	if got := b.get("bill-runs/preview?account=nobody"); got.status != http.StatusUnprocessableEntity || got.find("#account-e") == nil {
		t.Errorf("an unknown account: %d", got.status)
	}
	if one.find("#h-differ") == nil || !strings.Contains(one.words(), "Recurring fees") {
		t.Errorf("how it differs from the last period: %s", one.words())
	}
	documents := w.text(`select count(*)::text from bill`)
	if got := b.post("bill-runs/preview", b.get("bill-runs/preview"), "which", "all"); got.status != http.StatusSeeOther {
		t.Fatalf("all: %d %s", got.status, got.words())
	}
	var done page
	for range 100 {
		if done = b.get("bill-runs/preview"); done.find("#h-changed") != nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if !strings.Contains(done.words(), "Accounts looked at 3") {
		t.Errorf("the preview: %s", done.words())
	}
	if done.find("#h-differs") == nil {
		t.Errorf("no differences: %s", done.words())
	}
	file := b.get("bill-runs/preview?export=csv&table=" + url.QueryEscape("Differences by kind of line, table"))
	if file.status != http.StatusOK || !strings.Contains(file.text, customers[0].Number) || !strings.Contains(file.text, "Kind of line") {
		t.Errorf("their file: %d %q", file.status, file.text)
	}
	if now := w.text(`select count(*)::text from bill`); now != documents {
		t.Errorf("a preview wrote documents: %s, then %s", documents, now)
	}
}

func TestClock_movesBehindThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.customer(1)
	b := w.user(identity.Owner)
	room := b.get("bill-runs")
	if got := b.post("bill-runs/clock", room, "to", "2026-04-30"); got.status != http.StatusUnprocessableEntity || got.find("#to-e") == nil {
		t.Errorf("backwards: %d", got.status)
	}
	if got := b.post("bill-runs/clock", room, "to", "2026-06-02"); got.status != http.StatusSeeOther {
		t.Fatalf("forward: %d %s", got.status, got.words())
	}
	for range 200 {
		if at, err := w.stack.Clock(t.Context()); err == nil && at.Equal(w.at("2026-06-02 00:00")) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if n := w.text(`select count(*)::text from bill`); n != "1" {
		t.Errorf("%s bills after a month", n)
	}
	if n := w.text(`select count(*)::text from audit where action = 'advanceClock'`); n != "1" {
		t.Errorf("%s audit rows", n)
	}
}

func TestPayments_recordedOnceAndGivenBack(t *testing.T) {
	t.Parallel()
	w, customers := lived(t)
	b := w.user(identity.Accountant)
	form := b.get("payments/new")
	if got := b.post("payments/new", form, "account", "nobody", "amount", "abc", "method", "bank"); got.status != http.StatusUnprocessableEntity || got.find("#account-e") == nil || got.find("#amount-e") == nil {
		t.Errorf("a wrong form: %d %s", got.status, got.words())
	}
	fields := form.form(b.base+"payments/new", "account", customers[1].Number, "amount", "10,50", "method", "cash", "reference", "=receipt 7")
	first, second := b.send("payments/new", fields), b.send("payments/new", fields)
	if first.status != http.StatusSeeOther || first.header.Get("Location") != second.header.Get("Location") {
		t.Fatalf("recorded: %d %s", first.status, first.words())
	}
	if n := w.text(`select count(*)::text from payment where method = 'cash' and amount = 10.5`); n != "1" {
		t.Fatalf("%s payments of one form sent twice", n)
	}
	list := b.get("payments?method=cash")
	if !strings.Contains(list.in("#sums"), "10,50 €") {
		t.Errorf("the sums: %s", list.in("#sums"))
	}
	if csv := b.get("payments?method=cash&format=csv"); !strings.Contains(csv.text, "'=receipt 7") {
		t.Errorf("a formula is not made a text: %q", csv.text)
	}
	at := strings.TrimPrefix(strings.Split(first.header.Get("Location"), "?")[0], "/t/"+w.Ref.Name+"/console/")
	one := b.get(at)
	if got := b.post(at+"/refund", one, "amount", "99", "reason", "mistake"); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.words(), "10,50 €") {
		t.Errorf("too much given back: %d", got.status)
	}
	refund := one.form(b.base+at+"/refund", "amount", "0.50", "reason", "paid too much")
	b.send(at+"/refund", refund)
	b.send(at+"/refund", refund)
	if sum := w.text(`select sum(amount)::text from refund`); money.MustDecimal(sum).String() != "0.5" {
		t.Errorf("given back: %s", sum)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

func TestSuspense_bulkFixChargesOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.customer(1)
	w.SetClock(t, w.at("2026-05-20 12:00"))
	stranger := usage.Identity{Kind: usage.MSISDN, Value: "+4915199999999"}
	w.use(w.call(stranger, "s1", "2026-05-10 10:00", 60), w.call(stranger, "s2", "2026-05-11 10:00", 60),
		w.call(usage.Identity{Kind: usage.MSISDN, Value: "+4915188888888"}, "s3", "2026-05-12 10:00", 60))
	b := w.user(identity.Owner)
	home := b.get("")
	if !strings.Contains(home.in(".stats"), "In suspense 3") || b.get("suspense").in("#suspense-total") != "3" {
		t.Errorf("the dashboard says %s, the list %s", home.in(".stats"), b.get("suspense").in("#suspense-total"))
	}
	group := b.get("suspense?reason=unknown_subscriber&identity=%2B4915199999999")
	if n := len(group.all("input[name=item]")); n != 2 {
		t.Fatalf("%d items of the number: %s", n, group.words())
	}
	if got := b.post("suspense", group, "act", "fix", "kind", "msisdn", "value", ""); got.status != http.StatusUnprocessableEntity {
		t.Errorf("nothing chosen: %d", got.status)
	}
	form := group.form(b.base+"suspense", "act", "fix", "whole", "on", "kind", "msisdn", "value", c.identity.Value)
	first, second := b.send("suspense", form), b.send("suspense", form)
	if first.status != http.StatusSeeOther || second.status != http.StatusSeeOther {
		t.Fatalf("fixed: %d %s; again %d", first.status, first.words(), second.status)
	}
	result := b.get("suspense/rerun")
	if !strings.Contains(result.in("#outcome"), "2 records are priced") {
		t.Errorf("told: %s", result.words())
	}
	other := b.get("suspense?reason=unknown_subscriber&identity=%2B4915199999999")
	b.send("suspense", other.form(b.base+"suspense", "act", "fix", "whole", "on", "kind", "msisdn", "value", c.identity.Value))
	if n := w.text(`select count(*)::text || ' ' || (select count(*) from suspense where state = 'waiting')::text from charge where kind = 'usage'`); n != "2 1" {
		t.Errorf("charges and waiting: %s", n)
	}
	item := w.text(`select id::text from suspense where state = 'waiting'`)
	one := b.get("suspense/items/" + item)
	if got := b.post("suspense/items/"+item, one, "quantity", "many"); got.status != http.StatusUnprocessableEntity || got.find("#quantity-e") == nil {
		t.Errorf("a wrong quantity: %d %s", got.status, got.words())
	}
	if got := b.post("suspense/items/"+item, one, "identity", c.identity.Value); got.status != http.StatusSeeOther {
		t.Errorf("one item: %d %s", got.status, got.words())
	}
	if n := w.text(`select count(*)::text from charge where kind = 'usage'`); n != "3" {
		t.Errorf("%s charges", n)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

func TestUsageFile_uploadedIsReadOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.customer(1)
	w.SetClock(t, w.at("2026-05-20 12:00"))
	b := w.user(identity.Owner)
	line := `{"id":"f1","kind":"voice","identity":{"kind":"msisdn","value":"` + c.identity.Value + `"},"start":"2026-05-10T10:00:00Z","quantity":60,"unit":"second","destination":"12025550123"}` + "\n"
	files := b.get("suspense/files")
	if got := b.post("suspense/files", files); got.status != http.StatusUnprocessableEntity {
		t.Errorf("no file: %d", got.status)
	}
	for range 2 {
		if got := b.upload("suspense/files", files, "file", "calls.json", []byte(line)); got.status != http.StatusSeeOther {
			t.Fatalf("upload: %d %s", got.status, got.words())
		}
	}
	if err := w.stack.Advance(t.Context(), w.at("2026-05-20 13:00"), nil); err != nil {
		t.Fatal(err)
	}
	if n := w.text(`select count(*)::text || ' ' || (select count(*) from charge where kind = 'usage')::text from usage_file`); n != "1 1" {
		t.Errorf("files and charges: %s", n)
	}
	if list := b.get("suspense/files"); !strings.Contains(list.words(), "calls.json") || !strings.Contains(list.words(), "Done") {
		t.Errorf("the list: %s", list.words())
	}
}

func TestOffer_brokenIsRefusedFixedAndPublished(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.user(identity.Marketer)
	text := strings.NewReplacer("code: hanse-postpaid-flex", "code: hanse-new", "destinations: [neighbours]", "destinations: [nowhere]").Replace(string(sample(t)))
	broken := b.post("offers/import", b.get("offers/import"), "text", strings.Replace(text, `amount: "12.99"`, `amount: "free"`, 1))
	if broken.status != http.StatusUnprocessableEntity || !strings.Contains(broken.in("#findings"), "prices.recurring[0].amount") {
		t.Fatalf("an unreadable document: %d %s", broken.status, broken.words())
	}
	imported := b.upload("offers/import", b.get("offers/import"), "file", "plan.yaml", []byte(text))
	if imported.status != http.StatusSeeOther {
		t.Fatalf("import: %d %s", imported.status, imported.words())
	}
	edit := b.get(imported.header.Get("Location"))
	var target string
	for _, a := range edit.all("a[href]") { // the summary comes first
		if href := attribute(a, "href"); target == "" && strings.HasPrefix(href, "#usage[") {
			target = href
		}
	}
	if target == "" || edit.find(target) == nil {
		t.Fatalf("no finding leads to its field: %q %s", target, edit.in(".errsum"))
	}
	if edit.find("#publish") != nil {
		t.Error("a draft with faults can be published")
	}
	if got := b.post("offers/hanse-new/publish", edit, "from", "2026-06-01"); got.status != http.StatusUnprocessableEntity || got.find(target) == nil || got.in(".errsum") == "" {
		t.Errorf("publishing it: %d %s", got.status, got.words())
	}
	grown := b.post("offers/hanse-new/edit", edit, "act", "add:prices.one_time")
	if grown.status != http.StatusOK || grown.find("#prices.one_time[1].code") == nil {
		t.Errorf("adding a row: %d", grown.status)
	}
	back := b.post("offers/hanse-new/edit", grown, "act", "remove:prices.one_time[1]")
	saved := b.post("offers/hanse-new/edit", back, "act", "save", strings.TrimPrefix(target, "#"), "neighbours", "prices.recurring[0].amount", "14,99")
	if saved.status != http.StatusSeeOther {
		t.Fatalf("saving: %d %s", saved.status, saved.in(".errsum"))
	}
	clean := b.get(saved.header.Get("Location"))
	if clean.find("#publish") == nil || !strings.Contains(clean.words(), "14,99") {
		t.Fatalf("it is not clean: %s", clean.in(".errsum"))
	}
	form := clean.form(b.base+"offers/hanse-new/publish", "from", "2026-06-01")
	if got := b.send("offers/hanse-new/publish", form); got.status != http.StatusSeeOther {
		t.Fatalf("publishing: %d %s", got.status, got.words())
	}
	if state := w.text(`select state || ' ' || (document -> 'prices' -> 'recurring' -> 0 ->> 'amount') from offering_version where code = 'hanse-new'`); state != "published 14.99" {
		t.Errorf("it is %s", state)
	}
	shown := b.get("offers/hanse-new")
	if !strings.Contains(shown.words(), "a month, in advance") || !strings.Contains(shown.words(), "Switzerland and United Kingdom") {
		t.Errorf("in words: %s", shown.words())
	}
	if yaml := b.get("offers/hanse-new/yaml"); !strings.Contains(yaml.text, "code: hanse-new") {
		t.Errorf("as YAML: %q", yaml.text[:80])
	}
	renewed := b.post("offers/hanse-new/draft", shown)
	if renewed.status != http.StatusSeeOther || w.text(`select count(*)::text from offering_version where code = 'hanse-new'`) != "2" {
		t.Errorf("a new version: %d", renewed.status)
	}
	if got := b.post("offers/hanse-new/retire", b.get("offers/hanse-new?version=1")); got.status != http.StatusSeeOther {
		t.Errorf("ending the sale: %d %s", got.status, got.words())
	}
}

func TestOffer_savedUnchangedStaysTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.user(identity.Marketer)
	b.post("offers/hanse-postpaid-flex/draft", b.get("offers/hanse-postpaid-flex"))
	edit := b.get("offers/hanse-postpaid-flex/edit")
	if got := b.post("offers/hanse-postpaid-flex/edit", edit, "act", "save"); got.status != http.StatusSeeOther {
		t.Fatalf("saving: %d %s", got.status, got.in(".errsum"))
	}
	if same := w.text(`select (a.document = b.document)::text from offering_version a, offering_version b where a.version = 1 and b.version = 2`); same != "true" {
		t.Error("a form sent as it was changes the offering")
	}
}

func TestDashboard_whatWaitsIsListedAndTriedAgain(t *testing.T) {
	t.Parallel()
	w, customers := lived(t)
	w.SetClock(t, w.at("2026-09-10 12:00"))
	b := w.user(identity.Owner)
	home := b.get("")
	overdue := w.text(`select round(coalesce(sum(open), 0), 2)::text from open_item where open > 0 and due_date < date '2026-09-10'`)
	if want := strings.Replace(overdue, ".", ",", 1); overdue == "0.00" || !strings.Contains(home.in(".stats"), "Overdue "+want) {
		t.Errorf("overdue %s: %s", overdue, home.in(".stats"))
	}
	if total := w.text(`select round(sum(open), 2)::text from open_item`); !strings.Contains(words(home.find("#d-age").Parent.Parent), strings.Replace(total, ".", ",", 1)) {
		t.Errorf("the ageing table's sum is not %s", total)
	}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.Refund, Ref: customers[0].ID, DueAt: tx.At}); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update agenda set state = 'failed', last_error = 'the bank is closed' where kind = 'refund'`)
		return err
	})
	home = b.get("")
	if !strings.Contains(home.words(), "1 failed: refund the bank is closed") {
		t.Fatalf("not listed: %s", words(home.find("#d-need").Parent.Parent))
	}
	if support := w.user(identity.Support).get(""); strings.Contains(support.words(), "the bank is closed") {
		t.Error("told to who may not try it again")
	}
	form := home.form(b.base + "work/retry")
	first, second := b.send("work/retry", form), b.send("work/retry", form)
	if first.status != http.StatusSeeOther || first.header.Get("Location") != second.header.Get("Location") {
		t.Errorf("tried again: %d", first.status)
	}
	if state := w.text(`select state || (select count(*) from audit where action = 'retryWork') from agenda where kind = 'refund'`); state != "due1" {
		t.Errorf("it is %s", state)
	}
	if told := b.get(first.header.Get("Location")); !strings.Contains(told.words(), "1 item is tried again") {
		t.Errorf("told: %s", told.words())
	}
	form.Set("kind", "cycle_start")
	form.Set("key", "another")
	if got := w.user(identity.Marketer).send("work/retry", form); got.status != http.StatusForbidden {
		t.Errorf("a marketer's retry: %d", got.status)
	}
}
