package visit

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Current lists the visits that last at a wall time, the earliest first: every
// page of the console shows them. Planned by the index on began_at, as no visit
// lasts longer than MaxVisit.
func Current(ctx context.Context, tx tenant.Tx, now time.Time) ([]Visit, error) {
	rows, err := tx.Query(ctx, `
		select `+visitColumns+`
		  from staff_visit v
		 where v.began_at > $1 and `+isOpen+`
		 order by v.began_at, v.id
		 limit 10`, now.Add(-MaxVisit).UTC(), now.UTC())
	if err != nil {
		return nil, fmt.Errorf("list visits that last: %w", err)
	}
	return pgx.CollectRows(rows, scanVisit)
}
