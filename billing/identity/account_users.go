package identity

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// UsersOfAccount lists those who sign in for a billing account and still may,
// the first made first. app_user_account finds them.
func (a *Authority) UsersOfAccount(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]User, error) {
	rows, err := tx.Query(ctx, `
		select `+userColumns+`
		  from app_user
		 where account_id = $1 and state = 'active'
		 order by id
		 limit $2`, accountID, MaxPage)
	if err != nil {
		return nil, fmt.Errorf("list users of account %s: %w", accountID, err)
	}
	users, err := pgx.CollectRows(rows, scanUser)
	if err != nil {
		return nil, fmt.Errorf("list users of account %s: %w", accountID, err)
	}
	return users, nil
}
