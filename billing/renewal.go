package billing

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/charging"
	"tollhouse/billing/tenant"
)

// renew takes the fees of one account, whose sessions held back what they cost,
// or of one chunk of the prepaid accounts whose prices by the day or week begin
// anew on a day.
func (s *Stack) renew(ctx context.Context, item agenda.Item) (again bool, err error) {
	if item.Ref != uuid.Nil {
		return false, s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
			_, err := s.host.charging.Renew(ctx, tx, item.Ref)
			return err
		})
	}
	var detail charging.RenewalDay
	if err := item.Read(&detail); err != nil {
		return false, err
	}
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		accounts, err := renewable(ctx, tx, detail)
		if err != nil || len(accounts) == 0 {
			return err
		}
		if _, err := s.host.charging.Renew(ctx, tx, accounts...); err != nil {
			return err
		}
		again = len(accounts) == closeAtOnce
		detail.After = accounts[len(accounts)-1]
		return agenda.Keep(ctx, tx, item.ID, detail)
	})
	return again, err
}

// renewable counts on subscription_charged.
func renewable(ctx context.Context, tx tenant.Tx, from charging.RenewalDay) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `
		select distinct s.account_id
		  from subscription s
		  join billing_account a on a.id = s.account_id and a.kind = 'prepaid' and a.state = 'active'
		 where s.state = 'active' and s.charged_through <= $1 and s.account_id > $2
		 order by s.account_id
		 limit $3`, from.Day, from.After, closeAtOnce)
	if err != nil {
		return nil, fmt.Errorf("list accounts to renew on %s: %w", from.Day, err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
