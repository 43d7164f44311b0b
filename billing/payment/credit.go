package payment

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// ApplyCredit uses unapplied money for what the accounts owe: the oldest
// payment first, for the oldest due first. A bill run calls it when it has made
// open items. Accounts without both are not touched.
func ApplyCredit(ctx context.Context, tx tenant.Tx, accountIDs ...uuid.UUID) error {
	rows, err := tx.Query(ctx, `select id from billing_account
		where id = any($1) and credit > 0 and receivable > 0 order by id`, accountIDs)
	if err != nil {
		return fmt.Errorf("find credit: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("find credit: %w", err)
	}
	for _, id := range ids {
		p, err := lockPayer(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := p.applyCredit(ctx, tx); err != nil {
			return fmt.Errorf("apply credit of account %s: %w", id, err)
		}
	}
	return nil
}

func (p payer) applyCredit(ctx context.Context, tx tenant.Tx) error {
	purses, err := unapplied(ctx, tx, p.id)
	if err != nil || len(purses) == 0 {
		return err
	}
	items, by, err := lockOpenItems(ctx, tx, p, nil)
	if err != nil {
		return err
	}
	shares, err := allocate(purses, items, by)
	if err != nil {
		return err
	}
	if err := writeShares(ctx, tx, shares); err != nil {
		return err
	}
	used, given := map[uuid.UUID]money.Decimal{}, map[uuid.UUID]money.Decimal{}
	for _, s := range shares {
		used[s.payment] = used[s.payment].Add(s.amount)
		given[s.payment] = given[s.payment].Add(s.writtenOff)
	}
	var batch pgx.Batch
	var postings []ledger.Posting
	for _, from := range purses {
		if used[from.payment].IsZero() {
			continue
		}
		batch.Queue(`update payment set unapplied = unapplied - $2 where id = $1`, from.payment, used[from.payment])
		postings = append(postings, ledger.Posting{
			Event:     p.event(tx, ledger.Allocation, from.payment),
			Transfers: p.move(p.creditAccount(), p.receivableAccount(), used[from.payment]),
		}, p.writeOff(tx, from.payment, given[from.payment]))
	}
	if len(postings) == 0 {
		return nil
	}
	if err := sendOneRowEach(ctx, tx, &batch, "use credit"); err != nil {
		return err
	}
	if err := ledger.PostMany(ctx, tx, postings); err != nil {
		return err
	}
	return p.changed(ctx, tx)
}

// writeOff is the posting of what a payment left open within the tolerance;
// without transfers for nothing.
func (p payer) writeOff(tx tenant.Tx, paymentID uuid.UUID, amount money.Decimal) ledger.Posting {
	return ledger.Posting{Event: p.event(tx, ledger.Writing, paymentID), Transfers: p.move(ledger.General(ledger.WriteOff), p.receivableAccount(), amount)}
}

// unapplied lists payments that have money left, oldest first. The account is
// locked, so nothing else can take it.
func unapplied(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]purse, error) {
	// index payment_unapplied gives the rows and their order
	rows, err := tx.Query(ctx, `select id, unapplied from payment
		where account_id = $1 and unapplied > 0 order by received_at, id`, accountID)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p purse, err error) {
		err = row.Scan(&p.payment, &p.left)
		return p, err
	})
}
