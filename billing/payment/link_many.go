package payment

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// CreateAccountLinks makes a link for each account that owes something, to pay
// all that it owes then, and gives their tokens by account. Others are left out.
func CreateAccountLinks(ctx context.Context, tx tenant.Tx, by string, accounts ...uuid.UUID) (map[uuid.UUID]string, error) {
	tokens := make(map[uuid.UUID]string, len(accounts))
	ids, hashes := make([]uuid.UUID, len(accounts)), make([][]byte, len(accounts))
	for i, a := range accounts {
		token, hash, err := newLinkToken()
		if err != nil {
			return nil, err
		}
		tokens[a], hashes[i], ids[i] = token, hash, uuid.Must(uuid.NewV7())
	}
	rows, err := tx.Query(ctx, `
		insert into payment_link (id, token_hash, account_id, created_by, created_at, expires_at)
		select w.id, w.hash, a.id, $4, $5, $6
		  from unnest($1::uuid[], $2::uuid[], $3::bytea[]) as w (account_id, id, hash)
		  join billing_account a on a.id = w.account_id and a.receivable > 0
		returning account_id`, accounts, ids, hashes, by, tx.At, tx.At.Add(DefaultLinkLife))
	if err != nil {
		return nil, fmt.Errorf("create links: %w", err)
	}
	made := make(map[uuid.UUID]string, len(accounts))
	var id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		made[id] = tokens[id]
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("create links: %w", err)
	}
	return made, nil
}
