package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// Event is something that happened to a site.
type Event struct {
	ID       uuid.UUID
	At       time.Time
	Actor    string // as the audit names them
	Email    string // of the staff user who acted
	Kind     string // asked, scheduled, scaled, state.ready ...
	Revision int64
	Text     string // plain words: the reason of a failure, of a deletion
	Detail   json.RawMessage
}

// note writes an event in the transaction that makes it so.
func note(ctx context.Context, tx tenants.Tx, by tenants.Actor, s Site, kind, text string, detail any) error {
	if detail == nil {
		detail = struct{}{}
	}
	raw, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("note %s of site %s: %w", kind, s.ID, err)
	}
	_, err = tx.Exec(ctx, `
		insert into site_event (id, site_id, at, actor, kind, revision, text, detail)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		uuid.Must(uuid.NewV7()), uuid.UUID(s.ID), tx.At, by.String(), kind, s.Revision, text, raw)
	if err != nil {
		return fmt.Errorf("note %s of site %s: %w", kind, s.ID, err)
	}
	return nil
}

// Events lists what happened to a site, newest first, before an event (zero:
// from the newest).
func Events(ctx context.Context, tx tenants.Tx, id provisioning.SiteID, before uuid.UUID, limit int) ([]Event, error) {
	if before == uuid.Nil {
		before = uuid.Max
	}
	rows, err := tx.Query(ctx, `
		select e.id, e.at, e.actor, coalesce(u.email, ''), e.kind, e.revision, e.text, e.detail
		  from site_event e
		  left join staff_user u on e.actor = 'staff:' || u.id::text
		 where e.site_id = $1 and e.id < $2
		 order by e.id desc
		 limit $3`, uuid.UUID(id), before, limit)
	if err != nil {
		return nil, fmt.Errorf("list events of site %s: %w", id, err)
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Event, error) {
		var e Event
		err := row.Scan(&e.ID, &e.At, &e.Actor, &e.Email, &e.Kind, &e.Revision, &e.Text, &e.Detail)
		e.At = e.At.UTC()
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("list events of site %s: %w", id, err)
	}
	return events, nil
}
