package tenants

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// AuditQuery chooses rows of the audit, newest first.
type AuditQuery struct {
	Actor  string    // as the audit names it; empty: anybody
	Action string    // the beginning of an action, such as operator.; empty: all
	Object uuid.UUID // zero: about anything
	Before uuid.UUID // those before this row; zero: from the newest
	Limit  int
}

// FindAudit lists rows that a query fits, with the addresses of staff who acted
// and the names of operators and staff it was done to.
func FindAudit(ctx context.Context, tx Tx, q AuditQuery) ([]AuditRow, error) {
	if q.Before == uuid.Nil {
		q.Before = uuid.Max
	}
	var object *uuid.UUID
	if q.Object != uuid.Nil {
		object = &q.Object
	}
	rows, err := tx.Query(ctx, `
		select a.id, a.wall_at, a.actor, a.action, a.object_id, a.detail, a.trace, coalesce(s.email, ''), coalesce(o.display_name, u.email, '')
		  from audit a
		  left join staff_user s on a.actor = 'staff:' || s.id::text
		  left join operator o on o.id = a.object_id -- both by their primary keys
		  left join staff_user u on u.id = a.object_id
		 where a.id < $1
		   and ($2 = '' or a.actor = $2)
		   and ($3 = '' or starts_with(a.action, $3))
		   and ($4::uuid is null or a.object_id = $4)
		 order by a.id desc
		 limit $5`, q.Before, q.Actor, q.Action, object, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("find in audit: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (AuditRow, error) {
		var r AuditRow
		err := row.Scan(&r.ID, &r.At, &r.Actor, &r.Action, &r.Object, &r.Detail, &r.Trace, &r.Email, &r.About)
		r.At = r.At.UTC()
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("find in audit: %w", err)
	}
	return found, nil
}
