package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// ImportedItem is what an account owed when it came from another billing
// system, on a document of that system.
type ImportedItem struct {
	ID                  uuid.UUID // given by the caller
	AccountID           uuid.UUID
	Number              string
	Issued, DueDate     calendar.Date
	Amount, Open        money.Amount // Open is above zero and at most Amount
	LegalEntity, Branch uuid.UUID
}

// ImportItems stores what accounts owe from before, against the opening
// balance. The accounts were made in this transaction or are locked.
func ImportItems(ctx context.Context, tx tenant.Tx, items []ImportedItem) error {
	rows, postings := make([][]any, len(items)), make([]ledger.Posting, len(items))
	for i, n := range items {
		rows[i] = []any{n.ID, n.AccountID, n.Number, n.Issued, n.Amount.Currency().Code(), n.Amount.Decimal(), n.Open.Decimal(), n.DueDate, tx.At}
		postings[i] = ledger.Posting{
			Event: ledger.Event{Kind: ledger.Import, ID: n.ID, At: tx.At, LegalEntity: n.LegalEntity, Branch: n.Branch},
			Transfers: []ledger.Transfer{{
				Debit: ledger.Of(ledger.Receivable, n.AccountID), Credit: ledger.General(ledger.Opening),
				Amount: n.Open.Decimal(), Unit: n.Open.Currency().Unit(), AccountID: n.AccountID,
			}},
		}
	}
	columns := []string{"id", "account_id", "number", "issue_date", "currency", "amount", "open", "due_date", "created_at"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"open_item"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("import open items: %w", err)
	}
	if err := ledger.PostMany(ctx, tx, postings); err != nil {
		return fmt.Errorf("import open items: %w", err)
	}
	return nil
}

// WithdrawImported takes what accounts owed from before, and their methods of
// payment, away again, with postings that reverse the opening balance. The
// accounts are locked, and nothing of it was paid.
func WithdrawImported(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error {
	rows, err := tx.Query(ctx, `
		select i.id, i.account_id, i.open, i.currency, a.legal_entity, a.branch
		  from open_item i
		  join billing_account a on a.id = i.account_id
		 where i.account_id = any ($1) and i.bill_id is null and i.deposit_id is null
		 order by i.id`, accounts)
	if err != nil {
		return fmt.Errorf("read imported open items: %w", err)
	}
	postings, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ledger.Posting, error) { return scanReversal(row, tx.At) })
	if err != nil {
		return fmt.Errorf("read imported open items: %w", err)
	}
	if err := ledger.PostMany(ctx, tx, postings); err != nil {
		return fmt.Errorf("reverse imported open items: %w", err)
	}
	for _, statement := range []string{
		`delete from open_item where account_id = any ($1) and bill_id is null and deposit_id is null`,
		`delete from payment_method where account_id = any ($1)`,
	} {
		if _, err := tx.Exec(ctx, statement, accounts); err != nil {
			return fmt.Errorf("withdraw imported open items: %w", err)
		}
	}
	return nil
}

func scanReversal(row pgx.CollectableRow, at time.Time) (ledger.Posting, error) {
	p := ledger.Posting{Transfers: make([]ledger.Transfer, 1)}
	t := &p.Transfers[0]
	var currency money.Currency
	err := row.Scan(&p.Event.ID, &t.AccountID, &t.Amount, &currency, &p.Event.LegalEntity, &p.Event.Branch)
	t.Debit, t.Credit, t.Unit = ledger.General(ledger.Opening), ledger.Of(ledger.Receivable, t.AccountID), currency.Unit()
	p.Event.Kind, p.Event.At = ledger.Import, at
	return p, err
}
