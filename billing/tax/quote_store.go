package tax

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Quotes are answers by the keys of their questions.
type Quotes map[uuid.UUID]Quote

// QuotesOf reads what an engine has answered for accounts (tax_quote_account).
func QuotesOf(ctx context.Context, tx tenant.Tx, accounts ...uuid.UUID) (Quotes, error) {
	rows, err := tx.Query(ctx, `select id, answer from tax_quote where account_id = any ($1)`, accounts)
	if err != nil {
		return nil, fmt.Errorf("read answers of the tax engine: %w", err)
	}
	found := Quotes{}
	var id uuid.UUID
	var q Quote
	_, err = pgx.ForEachRow(rows, []any{&id, &q}, func() error {
		found[id], q = q, Quote{}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read answers of the tax engine: %w", err)
	}
	return found, nil
}

// Find is what was answered to a question; *Unquoted where nobody asked it.
func (q Quotes) Find(s Sale) (Quote, error) {
	key, err := s.Key()
	if err != nil {
		return Quote{}, err
	}
	answer, known := q[key]
	if !known {
		return Quote{}, &Unquoted{s}
	}
	return answer, nil
}

// quotesKept is how long an answer that no document took is kept.
const quotesKept = 7 * 24 * time.Hour

// KeepQuote keeps an answer for the document that it was asked for. The same
// question again keeps the latest answer.
func KeepQuote(ctx context.Context, tx tenant.Tx, s Sale, q Quote) error {
	if err := q.Check(s); err != nil {
		return err
	}
	key, err := s.Key()
	if err != nil {
		return err
	}
	var batch pgx.Batch
	batch.Queue(`delete from tax_quote where account_id = $1 and asked_at < $2`, s.Account, tx.At.Add(-quotesKept))
	batch.Queue(`insert into tax_quote (id, account_id, answer, asked_at) values ($1, $2, $3, $4)
		on conflict (id) do update set answer = excluded.answer, asked_at = excluded.asked_at`, key, s.Account, q, tx.At)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("keep answer of the tax engine: %w", err)
	}
	return nil
}

// ForgetQuotes drops the answers for accounts whose documents have been made.
func ForgetQuotes(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error {
	if _, err := tx.Exec(ctx, `delete from tax_quote where account_id = any ($1)`, accounts); err != nil {
		return fmt.Errorf("forget answers of the tax engine: %w", err)
	}
	return nil
}

// PutEngine says whose word on tax holds for bills: OutsideHTTP, or nothing for
// the operator's own rates.
func PutEngine(ctx context.Context, tx tenant.Tx, engine string) error {
	if engine != "" && engine != OutsideHTTP {
		return ErrEngineMissing
	}
	done, err := tx.Exec(ctx, `
		update operator set tax_settings = case when $1 = '' then tax_settings - 'engine' else tax_settings || jsonb_build_object('engine', $1::text) end
		 where id = 1`, engine)
	if err == nil && done.RowsAffected() != 1 {
		err = errors.New("the operator is not set up")
	}
	if err != nil {
		return fmt.Errorf("put tax engine: %w", err)
	}
	return raiseEpoch(ctx, tx)
}
