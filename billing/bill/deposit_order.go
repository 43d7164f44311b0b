package bill

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// An order that activates takes deposits as they are, oldest first: what is held
// of them stands for it from then on. deposit_account finds them.
const freeDeposits = `
	select d.id, d.amount - o.open - d.returned as held
	  from deposit d join open_item o on o.deposit_id = d.id
	 where d.account_id = $1 and d.order_id is null and d.amount > o.open + d.returned
	 order by d.asked_at, d.id`

// FreeDeposits is what is held of an account's deposits that stand for no order
// yet.
func FreeDeposits(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (held money.Decimal, err error) {
	err = tx.QueryRow(ctx, `select coalesce(sum(f.held), 0) from (`+freeDeposits+`) as f`, accountID).Scan(&held)
	if err != nil {
		return held, fmt.Errorf("deposits of account %s: %w", accountID, err)
	}
	return held, nil
}

// TakeDeposits lets an account's free deposits stand for an order, as many as
// its demand needs, and says what is missing of it.
func TakeDeposits(ctx context.Context, tx tenant.Tx, accountID, order uuid.UUID, demand money.Decimal) (missing money.Decimal, err error) {
	if _, err := account.Lock(ctx, tx, accountID); err != nil {
		return money.Decimal{}, err
	}
	rows, err := tx.Query(ctx, `
		update deposit as d set order_id = $2
		  from (select f.id, f.held, sum(f.held) over (order by f.n) - f.held as before
		          from (select f.*, row_number() over () as n from (`+freeDeposits+`) as f) as f) as f
		 where d.id = f.id and f.before < $3
		returning f.held`, accountID, order, demand)
	if err != nil {
		return money.Decimal{}, fmt.Errorf("take deposits for order %s: %w", order, err)
	}
	missing = demand
	for rows.Next() {
		var held money.Decimal
		if err := rows.Scan(&held); err != nil {
			return money.Decimal{}, fmt.Errorf("take deposits for order %s: %w", order, err)
		}
		missing = missing.Sub(held)
	}
	if err := rows.Err(); err != nil {
		return money.Decimal{}, fmt.Errorf("take deposits for order %s: %w", order, err)
	}
	if missing.Sign() < 0 {
		missing = money.Decimal{}
	}
	return missing, nil
}
