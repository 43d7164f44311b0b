package tenants

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Actor is who does something in the control plane.
type Actor struct {
	ID      uuid.UUID // of a staff user; zero for the system itself
	Email   string
	Role    Role
	Session uuid.UUID // signed in by
	Trace   string    // of the request, for the audit; set by whoever received it
}

// System is the house acting by itself: first set-up, the reconciler.
var System = Actor{}

// String is how the audit names the actor.
func (a Actor) String() string {
	if a.ID == uuid.Nil {
		return "system"
	}
	return "staff:" + a.ID.String()
}

// Entry is what the audit keeps of one change. Detail holds no secret.
type Entry struct {
	Action string // such as operator.create
	Object uuid.UUID
	Detail any
}

// Record writes an audit row in the transaction that makes the change.
func Record(ctx context.Context, tx Tx, by Actor, e Entry) error {
	if e.Detail == nil {
		e.Detail = struct{}{}
	}
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return fmt.Errorf("record %s: %w", e.Action, err)
	}
	_, err = tx.Exec(ctx, `
		insert into audit (id, wall_at, actor, action, object_id, detail, trace)
		values ($1, $2, $3, $4, $5, $6, $7)`,
		uuid.Must(uuid.NewV7()), tx.At, by.String(), e.Action, e.Object, detail, by.Trace)
	if err != nil {
		return fmt.Errorf("record %s: %w", e.Action, err)
	}
	return nil
}

// AuditRow is a change as it was recorded.
type AuditRow struct {
	ID     uuid.UUID
	At     time.Time
	Actor  string
	Action string
	Object uuid.UUID
	Detail json.RawMessage
	Trace  string
	Email  string // of the staff user who acted, where FindAudit read it
	About  string // name of the operator or the staff user it was done to, read there as well; empty: another object
}

// Audit lists changes, newest first, those before a row (zero: from the newest).
// Ids are in time order, so they are the cursor as well.
func Audit(ctx context.Context, tx Tx, before uuid.UUID, limit int) ([]AuditRow, error) {
	if before == uuid.Nil {
		before = uuid.Max
	}
	rows, err := tx.Query(ctx, `
		select id, wall_at, actor, action, object_id, detail, trace
		  from audit
		 where id < $1
		 order by id desc
		 limit $2`, before, limit)
	if err != nil {
		return nil, fmt.Errorf("list audit: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (AuditRow, error) {
		var r AuditRow
		err := row.Scan(&r.ID, &r.At, &r.Actor, &r.Action, &r.Object, &r.Detail, &r.Trace)
		r.At = r.At.UTC()
		return r, err
	})
}
