package charging

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// A session is priced as one event, so its next piece needs to know how much
// of the earlier ones unit buckets paid. A usage's charge has its id.
const selectCovered = `
	select r.session_id, sum(c.allowance)
	from usage_record as r
	join charge as c on c.period = r.period and c.id = r.id
	where r.account_id = any($1) and r.session_id = any($2) and c.allowance > 0
	group by r.session_id`

// loadCovered fills in what unit buckets paid of sessions before this chunk.
func (r *run) loadCovered(ctx context.Context, tx tenant.Tx, t *till) error {
	t.covered = map[uuid.UUID]int64{}
	accounts, sessions := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	for _, u := range r.uses {
		if u.session != uuid.Nil && u.offset > 0 {
			accounts[u.holder.account], sessions[u.session] = true, true
		}
	}
	if len(sessions) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, selectCovered, keys(accounts), keys(sessions))
	if err != nil {
		return fmt.Errorf("read sessions' allowances: %w", err)
	}
	var session uuid.UUID
	var covered money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&session, &covered}, func() (err error) {
		t.covered[session], err = covered.Int64()
		return err
	})
	if err != nil {
		return fmt.Errorf("read sessions' allowances: %w", err)
	}
	return nil
}
