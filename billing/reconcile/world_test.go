package reconcile_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/debit"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/reconcile"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var eur = money.MustCurrency("EUR")

func euro(text string) money.Amount { return money.New(money.MustDecimal(text), eur) }

// plain seals by writing the name before.
type plain struct{}

func (plain) Seal(name string, clear []byte) ([]byte, error) {
	return []byte(name + "|" + string(clear)), nil
}
func (plain) Unseal(name string, sealed []byte) ([]byte, error) {
	return sealed[len(name)+1:], nil
}

type world struct {
	*pgtest.TenantDB
	desk   reconcile.Desk
	debits debit.Desk
	bills  int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{TenantDB: pgtest.Tenant(t), desk: reconcile.Desk{Record: payment.Record}, debits: debit.Desk{Seal: plain{}}}
}

// subscriber opens a postpaid account; it gives id and number.
func (w *world) subscriber(t *testing.T, name string) (id uuid.UUID, number string) {
	t.Helper()
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		party, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: name, Language: "en", Email: "a@example.net"}})
		if err != nil {
			return err
		}
		opened, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: party[0].ID, Kind: account.Postpaid}})
		if err == nil {
			id, number = opened[0].ID, opened[0].Number
		}
		return err
	})
	return id, number
}

// owe makes a bill with its open item, booked as a bill run does.
func (w *world) owe(t *testing.T, accountID uuid.UUID, text, due string) (number string) {
	t.Helper()
	w.bills++
	number = fmt.Sprintf("2026/%d", 100+w.bills)
	day, err := calendar.ParseDate(due)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		id, amount := uuid.Must(uuid.NewV7()), money.MustDecimal(text)
		start := calendar.Date{Year: 2000, Month: 1, Day: 1}.AddMonths(w.bills)
		_, err := tx.Exec(ctx, `insert into bill (id, account_id, kind, state, number, cycle_start, cycle_end, issue_date, due_date, currency,
				net, tax, total, due, facts, legal_entity, branch, closed_at)
			values ($1, $2, 'bill', 'final', $3, $4, $5, $6, $6, 'EUR', $7, 0, $7, $7, '{}', $8, $9, $10)`,
			id, accountID, number, start, start.AddMonths(1), day, amount, w.LegalEntity, w.Branch, tx.At)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `insert into open_item (id, account_id, bill_id, currency, amount, open, due_date, created_at)
			values ($1, $2, $3, 'EUR', $4, $4, $5, $6)`, uuid.Must(uuid.NewV7()), accountID, id, amount, day, tx.At)
		if err != nil {
			return err
		}
		return ledger.Post(ctx, tx, ledger.Event{Kind: ledger.Bill, ID: id, At: tx.At, LegalEntity: w.LegalEntity, Branch: w.Branch}, []ledger.Transfer{{
			Debit: ledger.Of(ledger.Receivable, accountID), Credit: ledger.General(ledger.Revenue), Amount: amount, Unit: eur.Unit(), AccountID: accountID}})
	})
	return number
}

// open lists what an account owes, by due date.
func (w *world) open(t *testing.T, accountID uuid.UUID) (list []string) {
	t.Helper()
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		items, err := payment.OpenItems(ctx, tx, accountID)
		for _, item := range items {
			list = append(list, item.DueDate.String()+" "+item.Open.Text())
		}
		return err
	})
	return list
}

func (w *world) check(t *testing.T) {
	t.Helper()
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err == nil {
			err = report.Check()
		}
		return err
	})
}

// held is what a general account of the ledger holds.
func (w *world) held(t *testing.T, kind string) (text string) {
	t.Helper()
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		var sum money.Decimal
		err := tx.QueryRow(ctx, `select coalesce(sum(case when debit = $1 then amount else -amount end), 0) from ledger_transfer
			where (debit = $1) <> (credit = $1)`, kind).Scan(&sum)
		text = money.New(sum, eur).Text()
		return err
	})
	return text
}
