package identity

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Addressee is a user who is written to.
type Addressee struct {
	Email    string
	Language string
}

// maxOwners bounds how many owners are written to.
const maxOwners = 1000

// Owners are whom the stack tells what concerns the operator as a whole.
func Owners(ctx context.Context, tx tenant.Tx) ([]Addressee, error) {
	rows, err := tx.Query(ctx, `select email, language from app_user where role = $1 and state = 'active' order by id limit $2`, Owner, maxOwners)
	if err != nil {
		return nil, fmt.Errorf("find owners: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Addressee])
	if err != nil {
		return nil, fmt.Errorf("find owners: %w", err)
	}
	return list, nil
}
