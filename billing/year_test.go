package billing

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/collection"
	"tollhouse/billing/desk"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/report"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

var updateYear = flag.Bool("update-year", false, "write the tables of docs/a-year.md anew")

// yearPage tells the year in words an accountant can follow; its tables are
// what this test comes to.
const yearPage = "../docs/a-year.md"

// yearPlans are what the fifty accounts have, all with 19 % tax inside.
var yearPlans = []string{
	feePlan("home", "postpaid", "30.00", ", credit_suspended: true"),
	strings.NewReplacer("months: 1", "months: 12").Replace(feePlan("yearly", "postpaid", "120.00", "")),
	strings.NewReplacer("months: 1", "every: 1 week").Replace(feePlan("weekly", "postpaid", "7.00", "")),
	feePlan("small", "postpaid", "20.00", ""),
	feePlan("large", "postpaid", "40.00", ""),
	feePlan("restful", "postpaid", "31.00", ""),
	feePlan("double", "postpaid", "59.50", ""),
	feePlan("basic", "postpaid", "10.00", ""),
}

// kind is some accounts to which the same happens.
type kind struct {
	name    string
	plan    string
	members int
	pays    bool // what is open on the sixth of each month
	foreign bool // a company in Austria
}

var kinds = []kind{
	{name: "home", plan: "home", members: 10, pays: true},
	{name: "mobile", plan: "flex", members: 8, pays: true},
	{name: "yearly", plan: "yearly", members: 3, pays: true},
	{name: "weekly", plan: "weekly", members: 2}, // on the sixth and on the twentieth
	{name: "prepaid", plan: "prepaid", members: 8},
	{name: "mover", plan: "small", members: 4, pays: true},
	{name: "rester", plan: "restful", members: 3, pays: true},
	{name: "late", plan: "home", members: 3},
	{name: "lost", plan: "home", members: 1},
	{name: "credited", plan: "double", members: 2},
	{name: "committed", plan: "basic", members: 2, pays: true},
	{name: "deposit", plan: "home", members: 1, pays: true},
	{name: "parts", plan: "home", members: 1},
	{name: "abroad", plan: "home", members: 1, pays: true, foreign: true},
	{name: "returned", plan: "home", members: 1},
}

// year is an operator's year from May to May, with what happens on which day.
type year struct {
	*world
	members map[string][]customer
	acts    []happening
	deposit uuid.UUID
}

type happening struct {
	at time.Time
	do func()
}

// on lays down what happens at ten o'clock of a local day.
func (y *year) on(day string, do func()) {
	y.acts = append(y.acts, happening{y.day(day).Add(10 * time.Hour), do})
}

// each does something to all accounts of a kind.
func (y *year) each(name string, do func(c customer)) func() {
	return func() {
		for _, c := range y.members[name] {
			do(c)
		}
	}
}

var yearMonths = []string{"2026-06", "2026-07", "2026-08", "2026-09", "2026-10", "2026-11", "2026-12", "2027-01", "2027-02", "2027-03", "2027-04"}

// Fifty accounts of all kinds live a year. Their statements, and the books of
// the operator, are those of docs/a-year.md, where each is reckoned by hand.
func TestYear_asAnAccountantWouldHaveIt(t *testing.T) {
	t.Parallel()
	y := &year{world: newWorld(t), members: map[string][]customer{}}
	y.begin()
	y.lay()
	slices.SortStableFunc(y.acts, func(a, b happening) int { return a.at.Compare(b.at) })
	for _, a := range y.acts {
		y.advance(a.at)
		a.do()
		y.work()
	}
	y.advance(y.day("2027-05-02"))
	if err := y.sums(); err != nil {
		t.Error(err)
	}
	y.compare()
}

// begin publishes the plans and connects everybody on the first day.
func (y *year) begin() {
	for _, plan := range yearPlans {
		y.publish(plan)
	}
	policy, err := collection.Parse([]byte(fourSteps))
	if err != nil {
		y.t.Fatal(err)
	}
	y.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := tax.PutRules(ctx, tx, tax.UsualRules("DE")); err != nil {
			return err
		}
		_, err := collection.Put(ctx, tx, policy, "user:owner")
		return err
	})
	for _, k := range kinds {
		for range k.members {
			connect := y.connect
			if k.foreign {
				connect = y.company
			}
			c := connect(k.plan)
			y.members[k.name] = append(y.members[k.name], c)
		}
	}
}

// company is a customer that turns out to be a company in Austria with a tax id
// of its own, before anything is billed.
func (y *year) company(plan string) customer {
	c := y.connect(plan)
	y.write(func(ctx context.Context, tx tenant.Tx) error {
		p, err := account.GetParty(ctx, tx, c.PartyID)
		if err != nil {
			return err
		}
		p.Kind, p.Name, p.TaxID, p.BirthDate = account.Organization, "Alpenbau GmbH", "ATU13585627", nil
		p.Address = account.Address{Street: "Ring 1", Postcode: "1010", City: "Wien", Country: "AT"}
		return account.PutParty(ctx, tx, p)
	})
	return c
}

// lay lays down what happens to whom.
func (y *year) lay() {
	y.on("2026-05-02", func() {
		y.each("weekly", func(c customer) {
			y.write(func(ctx context.Context, tx tenant.Tx) error {
				_, err := account.ChangeCycle(ctx, tx, c.ID, &account.Every{Anchor: date("2026-06-01"), Days: 7}, "clerk")
				return err
			})
		})()
		y.each("committed", func(c customer) {
			y.write(func(ctx context.Context, tx tenant.Tx) error {
				_, err := bill.Commit(ctx, tx, bill.Commitment{ID: uuid.New(), AccountID: c.ID, Amount: euro("25.00"), From: date("2026-06-01"), By: "clerk"})
				return err
			})
		})()
		y.each("deposit", func(c customer) {
			y.write(func(ctx context.Context, tx tenant.Tx) error {
				d, err := bill.AskDeposit(ctx, tx, bill.NewDeposit{AccountID: c.ID, Amount: euro("100.00"), DueDate: date("2026-05-16"), Reason: "new customer", By: "clerk"})
				y.deposit = d.ID
				return err
			})
		})()
	})
	y.on("2026-05-10", y.each("deposit", func(c customer) { y.pay(c, payment.PurposeBill, "100.00") }))
	y.lives()
	y.on("2026-07-11", y.each("mover", func(c customer) {
		if _, err := y.changeWhen(c, "large", desk.Now, ""); err != nil {
			y.t.Error(err)
		}
	}))
	y.on("2026-07-11", y.each("rester", func(c customer) {
		id := y.running(c)
		y.write(func(ctx context.Context, tx tenant.Tx) error {
			return y.Pause(ctx, tx, desk.NewPause{SubscriptionID: id, Reason: "abroad", By: "clerk"})
		})
	}))
	y.on("2026-07-21", y.each("rester", func(c customer) {
		id := y.running(c)
		y.write(func(ctx context.Context, tx tenant.Tx) error {
			return y.Resume(ctx, tx, desk.NewPause{SubscriptionID: id, By: "clerk"})
		})
	}))
	y.on("2026-06-10", y.each("parts", func(c customer) {
		y.write(func(ctx context.Context, tx tenant.Tx) error {
			_, err := bill.Instal(ctx, tx, bill.NewInstalments{BillID: y.lastBill(ctx, tx, c), Due: []calendar.Date{date("2026-06-20"), date("2026-07-20"), date("2026-08-20")}, By: "clerk"})
			return err
		})
	}))
	for _, day := range []string{"2026-06-20", "2026-07-20", "2026-08-20"} {
		y.on(day, y.each("parts", func(c customer) { y.pay(c, payment.PurposeBill, "20.00") }))
	}
	y.debts()
	y.on("2027-04-10", func() {
		y.write(func(ctx context.Context, tx tenant.Tx) error {
			_, err := bill.ReturnDeposit(ctx, tx, bill.DepositReturn{ID: uuid.New(), DepositID: y.deposit, By: "clerk"})
			return err
		})
	})
}

// lives lays down what happens every month.
func (y *year) lives() {
	for i, month := range yearMonths {
		y.on(month+"-06", func() {
			for _, k := range kinds {
				if k.pays {
					y.each(k.name, y.payAll)()
				}
			}
			y.each("weekly", y.payAll)()
			if i > 0 { // their first bill is paid in parts
				y.each("parts", func(c customer) { y.pay(c, payment.PurposeBill, "30.00") })()
			}
		})
		y.on(month+"-20", y.each("weekly", y.payAll))
	}
	for _, month := range append([]string{"2026-05"}, yearMonths...) {
		y.on(month+"-02", y.each("prepaid", func(c customer) { y.pay(c, payment.PurposeTopUp, "20.00") }))
		y.on(month+"-20", func() {
			y.each("mobile", func(c customer) {
				y.ingest(c.call(y.key(), y.now(), 6000), c.data(y.key(), y.now(), 6e9))
			})()
			y.each("prepaid", func(c customer) { y.ingest(c.call(y.key(), y.now(), 3000)) })()
		})
	}
}

// debts lays down what happens to those who pay late, in part, twice, or not.
func (y *year) debts() {
	y.on("2026-06-06", func() {
		for _, name := range []string{"late", "lost"} {
			y.each(name, y.payAll)()
		}
		y.each("credited", func(c customer) { y.pay(c, payment.PurposeBill, "60.00") })()
	})
	y.on("2026-06-10", y.each("credited", func(c customer) {
		y.write(func(ctx context.Context, tx tenant.Tx) error {
			n, err := bill.Credit(ctx, tx, bill.NewCredit{BillID: y.lastBill(ctx, tx, c), Gross: euro("59.50"), Reason: "out of order in May", By: "clerk"})
			if err == nil && (n.Applied.Text() != "59.00" || n.Credit.Text() != "0.50") {
				y.t.Errorf("the note took %s off and left %s", n.Applied, n.Credit)
			}
			return err
		})
	}))
	for _, month := range yearMonths[1:] {
		y.on(month+"-06", y.each("credited", y.payAll))
	}
	// June's fee is paid late: after the cut.
	y.on("2026-08-02", y.each("late", y.payAll))
	for _, month := range yearMonths[3:] {
		y.on(month+"-06", y.each("late", y.payAll))
	}
	y.on("2026-12-31", y.each("lost", func(c customer) {
		y.write(func(ctx context.Context, tx tenant.Tx) error {
			items, err := payment.OpenItems(ctx, tx, c.ID)
			for _, i := range items {
				if err == nil {
					_, err = bill.WriteDebtOff(ctx, tx, bill.NewWriteOff{OpenItemID: i.ID, Reason: "gone", By: "clerk"})
				}
			}
			return err
		})
	}))
	paid := map[uuid.UUID]payment.NewPayment{}
	y.on("2026-06-06", y.each("returned", func(c customer) { paid[c.ID] = y.pay(c, payment.PurposeBill, "60.00") }))
	y.on("2026-06-12", y.each("returned", func(c customer) {
		n := paid[c.ID]
		y.write(func(ctx context.Context, tx tenant.Tx) error {
			_, err := payment.TakeBack(ctx, tx, payment.TakenBack{Kind: payment.Returned, Provider: "bank", Ref: n.ID.String(), PaymentID: n.ID, Amount: n.Amount, Reason: "insufficient funds"})
			return err
		})
	}))
	y.on("2026-06-14", y.each("returned", y.payAll))
	for _, month := range yearMonths[1:] {
		y.on(month+"-06", y.each("returned", y.payAll))
	}
}

// payAll pays what an account owes.
func (y *year) payAll(c customer) {
	if owed := y.text(`select trim_scale(receivable)::text from billing_account where id = $1`, c.ID); owed != "0" {
		y.pay(c, payment.PurposeBill, owed)
	}
}

func (y *year) lastBill(ctx context.Context, tx tenant.Tx, c customer) (id uuid.UUID) {
	page, err := bill.List(ctx, tx, c.ID, bill.Cursor{}, 1)
	if err != nil || len(page.Bills) != 1 {
		y.t.Fatalf("%d bills, %v", len(page.Bills), err)
	}
	return page.Bills[0].ID
}

// compare holds the tables of the page against what the year came to.
func (y *year) compare() {
	page, err := os.ReadFile(yearPage)
	if err != nil {
		y.t.Fatal(err)
	}
	text := string(page)
	for name, table := range y.tables() {
		from, to := "<!-- "+name+" -->\n", "<!-- end -->"
		start := strings.Index(text, from)
		if start < 0 {
			y.t.Errorf("%s has no place for the table %q", yearPage, name)
			continue
		}
		start += len(from)
		end := start + strings.Index(text[start:], to)
		if got := text[start:end]; got != table && !*updateYear {
			y.t.Errorf("table %s is\n%s, the page says\n%s", name, table, got)
		}
		text = text[:start] + table + text[end:]
	}
	if *updateYear {
		if err := os.WriteFile(yearPage, []byte(text), 0o644); err != nil {
			y.t.Fatal(err)
		}
	}
}

// tables are one statement a kind of account, which is that of each of its
// members, and the operator's books.
func (y *year) tables() map[string]string {
	tables := map[string]string{}
	sums := "| Kind | Accounts | Billed | Paid | Owed at the end | What each has |\n|---|---:|---:|---:|---:|---:|\n"
	for _, k := range kinds {
		first := ""
		for i, c := range y.members[k.name] {
			table := y.statement(c)
			if i == 0 {
				first, tables[k.name] = table, table
			} else if table != first {
				y.t.Errorf("%s: account %d differs from the first:\n%s\n%s", k.name, i+1, table, tables[k.name])
			}
		}
		sums += y.sumsOf(k)
	}
	tables["accounts"] = sums
	for _, name := range []report.Name{report.TrialBalance, report.VAT, report.Deferred, report.AgeingBuckets} {
		tables[string(name)] = y.report(name)
	}
	return tables
}

// statement is an account's year.
func (y *year) statement(c customer) string {
	y.t.Helper()
	from, to := y.day("2026-05-01"), y.day("2027-05-02")
	var s bill.AccountStatement
	y.read(func(ctx context.Context, tx tenant.Tx) (err error) {
		s, err = bill.Statement(ctx, tx, c.ID, bill.Span{From: from, To: to})
		return err
	})
	table, balance := "| Day | What | Amount | Balance |\n|---|---|---:|---:|\n", s.Opening
	for _, e := range s.Entries {
		var err error
		if balance, err = balance.Add(e.Amount); err != nil {
			y.t.Fatal(err)
		}
		if e.Amount.IsZero() {
			continue // use that is not billed yet
		}
		table += fmt.Sprintf("| %s | %s | %s | %s |\n", e.Day, e.Kind, shown(e.Amount.Decimal()), shown(balance.Decimal()))
	}
	if !balance.Decimal().Equal(s.Closing.Decimal()) {
		y.t.Errorf("%s ends at %s, the statement says %s", c.Number, balance, s.Closing)
	}
	return table
}

// sumsOf is a kind's row in the table of all accounts.
func (y *year) sumsOf(k kind) string {
	var ids []uuid.UUID
	for _, c := range y.members[k.name] {
		ids = append(ids, c.ID)
	}
	return y.text(`
		select format(E'| %s | %s | %s | %s | %s | %s |\n', $2::text, count(*),
		       (select round(coalesce(sum(case when kind = 'credit_note' then -total else total end), 0), 2) from bill where account_id = any ($1) and state = 'final'),
		       (select round(coalesce(sum(amount - charged_back), 0), 2) from payment where account_id = any ($1) and method = 'bank'),
		       round(sum(a.receivable), 2),
		       round((coalesce((select sum(b.value) from bucket b where b.account_id = any ($1) and b.unit = 'EUR'), 0) + sum(a.credit)) / count(*), 2))
		  from billing_account a where a.id = any ($1)`, ids, k.name)
}

// report is one of the accountant's reports of the year.
func (y *year) report(name report.Name) string {
	r, err := report.Find(name)
	if err != nil {
		y.t.Fatal(err)
	}
	var rows report.Table
	y.read(func(ctx context.Context, tx tenant.Tx) (err error) {
		rows, err = r.Read(ctx, tx, report.Terms{From: date("2026-05-01"), To: date("2027-05-01")}, 1000)
		return err
	})
	head, rule := "|", "|"
	for _, column := range r.Columns {
		if !unsaid[column.Key] {
			head += " " + report.Word("en", "col."+column.Key) + " |"
			rule += "---|"
		}
	}
	table := head + "\n" + rule + "\n"
	for _, row := range rows.Rows {
		table += "|"
		for i, cell := range row {
			if unsaid[r.Columns[i].Key] {
				continue
			}
			switch c := cell.(type) {
			case nil:
				cell = ""
			case money.Decimal:
				cell = shown(c)
			}
			table += fmt.Sprintf(" %v |", cell)
		}
		table += "\n"
	}
	return table
}

// unsaid are columns that say the same in every row of this operator.
var unsaid = map[string]bool{"account_no": true, "legal_entity": true, "branch": true, "currency": true}

// shown is an amount with its cents, or as exact as it is.
func shown(d money.Decimal) string {
	if rounded := d.Round(2, money.HalfAwayFromZero); rounded.Equal(d) {
		return money.New(d, money.MustCurrency("EUR")).Text()
	}
	return d.String()
}
