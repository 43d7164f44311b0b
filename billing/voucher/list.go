package voucher

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Counted is a batch with how many of its vouchers are in each state.
type Counted struct {
	Batch
	In map[State]int
}

func scanBatch(row pgx.CollectableRow) (Batch, error) {
	var b Batch
	var value, price money.Decimal
	var currency money.Currency
	err := row.Scan(&b.ID, &b.Code, &value, &currency, &b.Count, &price, &b.Channel, &b.Dealer, &b.ExpiresAt, &b.FetchedAt, &b.FetchedBy,
		&b.LegalEntity, &b.Branch, &b.CreatedBy, &b.CreatedAt, &b.SinglePurpose)
	b.Value, b.Price = money.New(value, currency), money.New(price, currency)
	b.ExpiresAt, b.CreatedAt = b.ExpiresAt.UTC(), b.CreatedAt.UTC()
	return b, err
}

// MaxPage bounds how many batches are read at once.
const MaxPage = 100

// List reads batches, newest first, those before one (zero: the newest).
func List(ctx context.Context, tx tenant.Tx, before uuid.UUID, limit int) ([]Counted, error) {
	rows, err := tx.Query(ctx, `
		select `+batchColumns+` from voucher_batch
		 where ($1 = '00000000-0000-0000-0000-000000000000'::uuid or id < $1)
		 order by id desc limit $2`, before, min(max(limit, 1), MaxPage))
	if err != nil {
		return nil, fmt.Errorf("list batches: %w", err)
	}
	batches, err := pgx.CollectRows(rows, scanBatch)
	if err != nil {
		return nil, fmt.Errorf("list batches: %w", err)
	}
	return counted(ctx, tx, batches)
}

// Get reads one batch; ErrNotFound if there is none.
func Get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Counted, error) {
	b, err := oneBatch(ctx, tx, `select `+batchColumns+` from voucher_batch where id = $1`, id)
	if err != nil {
		return Counted{}, err
	}
	list, err := counted(ctx, tx, []Batch{b})
	if err != nil {
		return Counted{}, err
	}
	return list[0], nil
}

// counted adds the numbers in each state: an index-only walk of the batch.
func counted(ctx context.Context, tx tenant.Tx, batches []Batch) ([]Counted, error) {
	ids, in := make([]uuid.UUID, len(batches)), map[uuid.UUID]map[State]int{}
	for i, b := range batches {
		ids[i], in[b.ID] = b.ID, map[State]int{}
	}
	rows, err := tx.Query(ctx, `select batch_id, state, count(*) from voucher where batch_id = any ($1) group by batch_id, state`, ids)
	if err != nil {
		return nil, fmt.Errorf("count vouchers: %w", err)
	}
	var batch uuid.UUID
	var state State
	var n int
	_, err = pgx.ForEachRow(rows, []any{&batch, &state, &n}, func() error {
		in[batch][state] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count vouchers: %w", err)
	}
	out := make([]Counted, len(batches))
	for i, b := range batches {
		out[i] = Counted{b, in[b.ID]}
	}
	return out, nil
}
