package bill

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// gift is credit that pays open items as money does: what a credit note gives,
// or a deposit that is applied. It is kept as a payment of its own method under
// the id of what gives it, so that allocations, credit and statements know one
// kind of thing only. The ledger has the credit already.
type gift struct {
	id             uuid.UUID
	account        account.Account
	method         string
	amount         money.Decimal
	reference, by  string
	entity, branch uuid.UUID
}

// item is an open item as it is locked.
type item struct {
	id   uuid.UUID
	open money.Decimal
	due  calendar.Date
}

// lockItems locks what is open on a document in id order and gives it in the
// order in which it falls due.
func lockItems(ctx context.Context, tx tenant.Tx, billID uuid.UUID) ([]item, error) {
	if _, err := tx.Exec(ctx, `select id from open_item where bill_id = $1 order by id for no key update`, billID); err != nil {
		return nil, fmt.Errorf("lock open items: %w", err)
	}
	return readItems(ctx, tx, `select id, open, due_date from open_item where bill_id = $1 and open > 0 order by due_date, part`, billID)
}

// lockDebts does the same for all that an account owes.
func lockDebts(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]item, error) {
	if _, err := tx.Exec(ctx, `select id from open_item where account_id = $1 and open > 0 order by id for no key update`, accountID); err != nil {
		return nil, fmt.Errorf("lock open items: %w", err)
	}
	return readItems(ctx, tx, `select id, open, due_date from open_item where account_id = $1 and open > 0 and deposit_id is null order by due_date, id`, accountID)
}

func readItems(ctx context.Context, tx tenant.Tx, query string, key uuid.UUID) ([]item, error) {
	rows, err := tx.Query(ctx, query, key)
	if err != nil {
		return nil, fmt.Errorf("read open items: %w", err)
	}
	items, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (i item, err error) {
		err = row.Scan(&i.id, &i.open, &i.due)
		return i, err
	})
	if err != nil {
		return nil, fmt.Errorf("read open items: %w", err)
	}
	return items, nil
}

const insertGift = `
	insert into payment (id, account_id, purpose, method, amount, unapplied, currency, reference, received_at, created_by, legal_entity, branch)
	values ($1, $2, 'bill', $3, $4, $5, $6, $7, $8, $9, $10, $11)`

// give keeps the credit and applies it to the items in their order. It says
// how much of it that took; the rest stays the customer's.
func (g gift) give(ctx context.Context, tx tenant.Tx, items []item) (applied money.Decimal, err error) {
	left := g.amount
	var batch pgx.Batch
	for _, i := range items {
		part := left
		if i.open.Cmp(part) < 0 {
			part = i.open
		}
		if part.Sign() <= 0 {
			break
		}
		left = left.Sub(part)
		batch.Queue(`insert into payment_allocation (id, payment_id, open_item_id, amount, at) values ($1, $2, $3, $4, $5)`,
			uuid.Must(uuid.NewV7()), g.id, i.id, part, tx.At)
		batch.Queue(`update open_item set open = open - $2, `+KeepPast(3)+` where id = $1`, i.id, part, tx.At)
	}
	applied = g.amount.Sub(left)
	if _, err := tx.Exec(ctx, insertGift, g.id, g.account.ID, g.method, g.amount, left, g.account.Currency, g.reference, tx.At, g.by, g.entity, g.branch); err != nil {
		return applied, fmt.Errorf("keep credit: %w", err)
	}
	if batch.Len() == 0 {
		return applied, nil
	}
	if err := oneRowEach(ctx, tx, &batch); err != nil {
		return applied, fmt.Errorf("apply credit: %w", err)
	}
	post := &poster{account: g.account.ID, unit: g.account.Currency.Unit()}
	post.move(ledger.Of(ledger.CustomerCredit, g.account.ID), ledger.Of(ledger.Receivable, g.account.ID), applied)
	event := ledger.Event{Kind: ledger.Allocation, ID: g.id, At: tx.At, LegalEntity: g.entity, Branch: g.branch}
	if err := ledger.Post(ctx, tx, event, post.transfers); err != nil {
		return applied, fmt.Errorf("apply credit: %w", err)
	}
	return applied, reviewDebt(ctx, tx, g.account.ID)
}

// reviewDebt lets collection look at an account whose open items have changed.
func reviewDebt(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) error {
	return agenda.AddFor(ctx, tx, agenda.Dunning, tx.At, []uuid.UUID{accountID})
}

// oneRowEach runs writes of which each must touch exactly one row.
func oneRowEach(ctx context.Context, tx tenant.Tx, batch *pgx.Batch) (err error) {
	results := tx.SendBatch(ctx, batch)
	defer func() { err = errors.Join(err, results.Close()) }()
	for range batch.Len() {
		done, err := results.Exec()
		if err != nil {
			return err
		}
		if done.RowsAffected() != 1 {
			return fmt.Errorf("%d rows written, want 1", done.RowsAffected())
		}
	}
	return nil
}
