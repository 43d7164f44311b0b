package balance

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Imported is a bucket as it stood in another billing system. Its Amount is
// what it held at first; a main bucket has none.
type Imported struct {
	NewBucket
	Value money.Decimal // what is in it now; below zero only in a main bucket
}

// Import stores buckets against the opening balance, those that hold nothing
// as well, and puts their ends on the agenda. Main buckets stay the only ones
// of their account and unit.
func Import(ctx context.Context, tx tenant.Tx, buckets []Imported) error {
	rows, accounts := make([][]any, len(buckets)), make([]uuid.UUID, len(buckets))
	var postings []ledger.Posting
	ends := map[time.Time]bool{}
	for i := range buckets {
		n := &buckets[i]
		var subscription, expires any
		if n.SubscriptionID != uuid.Nil {
			subscription = n.SubscriptionID
		}
		if !n.ExpiresAt.IsZero() {
			expires = n.ExpiresAt
			ends[due(n.Origin, n.Unit, n.ExpiresAt, nil)] = true
		}
		filter := "{}"
		if len(n.Filter) > 0 {
			filter = string(n.Filter)
		}
		accounts[i] = n.AccountID
		rows[i] = []any{
			n.ID, n.AccountID, subscription, n.Code, string(n.Unit), string(n.Origin), n.Amount, money.Decimal{},
			n.Priority, n.ValidFrom, expires, filter, tx.At,
		}
		if !n.Value.IsZero() {
			postings = append(postings, n.opening(tx.At))
		}
	}
	columns := []string{
		"id", "account_id", "subscription_id", "code", "unit", "origin", "initial", "value",
		"priority", "valid_from", "expires_at", "filter", "created_at",
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"bucket"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("import balances: %w", err)
	}
	if err := Touch(ctx, tx, accounts); err != nil {
		return err
	}
	if err := ledger.PostMany(ctx, tx, postings); err != nil {
		return fmt.Errorf("import balances: %w", err)
	}
	for end := range ends {
		if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.BucketExpiry, DueAt: end}); err != nil {
			return err
		}
	}
	return nil
}

func (n *Imported) opening(at time.Time) ledger.Posting {
	bucket := Bucket{ID: n.ID, AccountID: n.AccountID, Unit: n.Unit}
	event := ledger.Event{Kind: ledger.Import, ID: n.ID, At: at, LegalEntity: n.LegalEntity, Branch: n.Branch}
	return ledger.Posting{Event: event, Transfers: []ledger.Transfer{openingOf(bucket, n.Value)}}
}

// openingOf puts a signed amount into a bucket: money against the opening
// balance, units from those issued.
func openingOf(bucket Bucket, amount money.Decimal) ledger.Transfer {
	t := adjusting(bucket, amount)
	if bucket.Unit.IsCurrency() {
		if amount.Sign() < 0 {
			t.Credit = ledger.General(ledger.Opening)
		} else {
			t.Debit = ledger.General(ledger.Opening)
		}
	}
	return t
}

// WithdrawImported takes the buckets of accounts away to which nothing has
// happened, with postings that reverse what they hold. The accounts are locked.
func WithdrawImported(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error {
	rows, err := tx.Query(ctx, `
		select b.id, b.account_id, b.unit, b.value, a.legal_entity, a.branch
		  from bucket b
		  join billing_account a on a.id = b.account_id
		 where b.account_id = any ($1) and b.value <> 0
		 order by b.id`, accounts)
	if err != nil {
		return fmt.Errorf("read imported balances: %w", err)
	}
	postings, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (ledger.Posting, error) {
		var b Bucket
		event := ledger.Event{Kind: ledger.Import, At: tx.At}
		err := row.Scan(&b.ID, &b.AccountID, &b.Unit, &b.Value, &event.LegalEntity, &event.Branch)
		event.ID = b.ID
		return ledger.Posting{Event: event, Transfers: []ledger.Transfer{openingOf(b, b.Value.Neg())}}, err
	})
	if err != nil {
		return fmt.Errorf("read imported balances: %w", err)
	}
	if err := ledger.PostMany(ctx, tx, postings); err != nil {
		return fmt.Errorf("reverse imported balances: %w", err)
	}
	if _, err := tx.Exec(ctx, `delete from bucket where account_id = any ($1)`, accounts); err != nil {
		return fmt.Errorf("withdraw imported balances: %w", err)
	}
	return nil
}
