package payment_test

import (
	"context"
	"flag"
	"sync"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) {
	// A run of the property is thirty steps on a real database, and what it
	// undoes slows the next; -rapid.checks asks for more.
	if err := flag.Set("rapid.checks", "40"); err != nil {
		panic(err)
	}
	pgtest.Main(m)
}

var eur = money.MustCurrency("EUR")

func euro(text string) money.Amount {
	return money.New(money.MustDecimal(text), eur)
}

// desk is one subscriber's account at an operator.
type desk struct {
	*pgtest.TenantDB
	account uuid.UUID
	bills   int
}

// shared is the operator of most tests: each has an account of its own there.
var shared struct {
	sync.Once
	*pgtest.TenantDB
}

// lasting keeps what a test sets up until the run ends.
type lasting struct{ testing.TB }

func (lasting) Cleanup(func()) {}

func newDesk(t testing.TB, kind account.Kind) *desk {
	t.Helper()
	shared.Do(func() { shared.TenantDB = pgtest.Tenant(lasting{t}) })
	if shared.TenantDB == nil {
		t.Fatal("the shared operator could not be set up")
	}
	return openDesk(t, shared.TenantDB, kind)
}

// openDesk opens an account with an operator.
func openDesk(t testing.TB, operator *pgtest.TenantDB, kind account.Kind) *desk {
	t.Helper()
	d := &desk{TenantDB: operator}
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		party, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Ada", Language: "en"}})
		if err != nil {
			return err
		}
		opened, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: party[0].ID, Kind: kind}})
		if err == nil {
			d.account = opened[0].ID
		}
		return err
	})
	return d
}

// owe makes a bill of an amount with its open item, booked as a bill run does.
func (d *desk) owe(t testing.TB, text, due string) (billID uuid.UUID) {
	t.Helper()
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error { return d.oweIn(ctx, tx, text, due, &billID) })
	return billID
}

func (d *desk) oweIn(ctx context.Context, tx tenant.Tx, text, due string, billID *uuid.UUID) error {
	d.bills++
	*billID = uuid.Must(uuid.NewV7())
	day, err := calendar.ParseDate(due)
	if err != nil {
		return err
	}
	amount := money.MustDecimal(text)
	start := calendar.Date{Year: 2000, Month: 1, Day: 1}.AddMonths(d.bills)
	_, err = tx.Exec(ctx, `insert into bill (id, account_id, kind, state, number, cycle_start, cycle_end, issue_date, due_date, currency,
			net, tax, total, due, facts, legal_entity, branch, closed_at)
		values ($1, $2, 'bill', 'final', $1::uuid::text, $3, $4, $5, $5, 'EUR', $6, 0, $6, $6, '{}', $7, $8, $9)`,
		*billID, d.account, start, start.AddMonths(1), day, amount, d.LegalEntity, d.Branch, tx.At)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `insert into open_item (id, account_id, bill_id, currency, amount, open, due_date, created_at)
		values ($1, $2, $3, 'EUR', $4, $4, $5, $6)`, uuid.Must(uuid.NewV7()), d.account, *billID, amount, day, tx.At)
	if err != nil {
		return err
	}
	event := ledger.Event{Kind: ledger.Bill, ID: *billID, At: tx.At, LegalEntity: d.LegalEntity, Branch: d.Branch}
	return ledger.Post(ctx, tx, event, []ledger.Transfer{{
		Debit: ledger.Of(ledger.Receivable, d.account), Credit: ledger.General(ledger.Revenue),
		Amount: amount, Unit: eur.Unit(), AccountID: d.account,
	}})
}

// pay takes cash.
func (d *desk) pay(t testing.TB, text string, bill uuid.UUID) (made payment.Payment) {
	t.Helper()
	d.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		made, err = payment.Record(ctx, tx, d.cash(text, bill))
		return err
	})
	return made
}

func (d *desk) cash(text string, bill uuid.UUID) payment.NewPayment {
	return payment.NewPayment{
		AccountID: d.account, Purpose: payment.PurposeBill, Method: payment.Cash, Amount: euro(text), BillID: bill, By: "clerk",
	}
}

// open lists what is open, by bill.
func (d *desk) open(t testing.TB) map[uuid.UUID]string {
	t.Helper()
	open := map[uuid.UUID]string{}
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		items, err := payment.OpenItems(ctx, tx, d.account)
		for _, item := range items {
			open[item.BillID] = item.Open.Text()
		}
		return err
	})
	return open
}

// get reads a payment as it is now.
func (d *desk) get(t testing.TB, id uuid.UUID) (p payment.Payment) {
	t.Helper()
	d.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		p, err = payment.Get(ctx, tx, id)
		return err
	})
	return p
}

// payments lists all payments of the account.
func (d *desk) payments(t testing.TB) (all []payment.Payment) {
	t.Helper()
	d.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		all, err = payment.List(ctx, tx, d.account, payment.Cursor{}, 500)
		return err
	})
	return all
}

// check holds the ledger against the books.
func (d *desk) check(t testing.TB) {
	t.Helper()
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		return report.Check()
	})
}

// transfers counts the account's ledger rows, to see that a repeat adds none.
func (d *desk) transfers(t testing.TB) (n int) {
	t.Helper()
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from ledger_transfer where account_id = $1`, d.account).Scan(&n)
	})
	return n
}
