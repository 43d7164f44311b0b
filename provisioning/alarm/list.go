package alarm

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

const columns = `id, kind, severity, subject, operator_id, detail, state, count, raised_at, last_at, acknowledged_by, acknowledged_at, cleared_at`

func scan(row pgx.CollectableRow) (Alarm, error) {
	var a Alarm
	var operator *uuid.UUID
	err := row.Scan(&a.ID, &a.Kind, &a.Severity, &a.Subject, &operator, &a.Detail, &a.State, &a.Count, &a.RaisedAt, &a.LastAt,
		&a.AcknowledgedBy, &a.AcknowledgedAt, &a.ClearedAt)
	if operator != nil {
		a.Operator = tenant.ID(*operator)
	}
	a.RaisedAt, a.LastAt = a.RaisedAt.UTC(), a.LastAt.UTC()
	return a, err
}

// Query says which alarms are wanted. Zero values ask for all.
type Query struct {
	Open   bool // those that are not cleared
	Before uuid.UUID
	Limit  int
}

// List lists alarms, newest first. Ids are in time order, so they are the
// cursor as well.
func List(ctx context.Context, tx tenants.Tx, q Query) ([]Alarm, error) {
	if q.Before == uuid.Nil {
		q.Before = uuid.Max
	}
	rows, err := tx.Query(ctx, `
		select `+columns+`
		  from alarm
		 where id < $1 and (state <> 'cleared' or not $2)
		 order by id desc
		 limit $3`, q.Before, q.Open, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("list alarms: %w", err)
	}
	return pgx.CollectRows(rows, scan)
}

// Open counts alarms that are not cleared, and those of them that nobody has
// taken on.
func Open(ctx context.Context, tx tenants.Tx) (open, waiting int, err error) {
	err = tx.QueryRow(ctx, `select count(*), count(*) filter (where state = 'raised') from alarm where state <> 'cleared'`).Scan(&open, &waiting)
	if err != nil {
		return 0, 0, fmt.Errorf("count alarms: %w", err)
	}
	return open, waiting, nil
}
