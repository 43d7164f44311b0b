package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// NormalRisk is the risk of an account until somebody says another.
const NormalRisk = "normal"

// Class is what an operator goes by where its rules are for some of its
// customers: an account's tags, and its risk: low, normal or high.
func Class(ctx context.Context, tx tenant.Tx, id uuid.UUID) (tags []string, risk string, err error) {
	err = tx.QueryRow(ctx, `select tags, risk from billing_account where id = $1`, id).Scan(&tags, &risk)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, "", ErrNotFound
	}
	if err != nil {
		return nil, "", fmt.Errorf("read class of account %s: %w", id, err)
	}
	return tags, risk, nil
}
