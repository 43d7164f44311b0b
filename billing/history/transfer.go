package history

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Transfer is one row of the ledger.
type Transfer struct {
	ID            uuid.UUID
	At            time.Time
	Debit, Credit ledger.Account
	Amount        money.Decimal
	Unit          money.Unit
	Event         ledger.EventKind
	EventID       uuid.UUID
	AccountID     *uuid.UUID // nil: of no customer
	period        time.Time
}

// Place is where the list goes on after this transfer: its partition and id,
// as the primary key has them.
func (t Transfer) Place() Place { return Place{t.period, t.ID} }

const selectTransfers = `
	select id, at, debit, debit_id, credit, credit_id, amount, unit, event, event_id, account_id, period
	  from ledger_transfer
	 where ($1::date is null or (period, id) < ($1, $2))`

// Transfers lists the ledger, of one billing account or (uuid.Nil) of all. The
// primary key gives the order of all; ledger_transfer_account finds those of one.
func Transfers(ctx context.Context, tx tenant.Tx, account uuid.UUID, after Place, limit int) ([]Transfer, error) {
	at, id := after.bounds()
	query, args := selectTransfers, []any{at, id, bounded(limit)}
	if account != uuid.Nil {
		query += ` and account_id = $4`
		args = append(args, account)
	}
	rows, err := tx.Query(ctx, query+` order by period desc, id desc limit $3`, args...)
	return collect("transfers", rows, err, scanTransfer)
}

func scanTransfer(row pgx.CollectableRow) (Transfer, error) {
	var t Transfer
	var debit, credit *uuid.UUID
	err := row.Scan(&t.ID, &t.At, &t.Debit.Kind, &debit, &t.Credit.Kind, &credit, &t.Amount, &t.Unit, &t.Event, &t.EventID, &t.AccountID, &t.period)
	t.At = t.At.UTC()
	if debit != nil {
		t.Debit.ID = *debit
	}
	if credit != nil {
		t.Credit.ID = *credit
	}
	return t, err
}
