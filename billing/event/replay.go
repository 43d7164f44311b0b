package event

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
)

// Retention is for how long events are kept, in business time.
const Retention = 30 * 24 * time.Hour

// Range is what is replayed: one event, or all of the endpoint's types of a
// span of time.
type Range struct {
	Event    uuid.UUID
	From, To time.Time
}

// maxReplay bounds one replay.
const maxReplay = 100_000

func (r Range) check() error {
	if r.Event != uuid.Nil {
		return nil
	}
	switch {
	case r.From.IsZero():
		return &FieldError{"from", "an instant, or an event's id"}
	case r.To.IsZero() || !r.To.After(r.From):
		return &FieldError{"to", "an instant after from"}
	}
	return nil
}

// Replay sends events to an endpoint again, under the ids that they had, in
// their order: what it got already, what was given up, and what happened before
// it was made. Those on their way stay as they are. It says how many.
func Replay(ctx context.Context, tx tenant.Tx, endpoint uuid.UUID, r Range) (int, error) {
	if err := r.check(); err != nil {
		return 0, err
	}
	e, err := lock(ctx, tx, endpoint)
	if err != nil {
		return 0, err
	}
	if e.State != Active {
		return 0, fmt.Errorf("endpoint %s is %s: %w", endpoint, e.State, ErrNotActive)
	}
	done, err := tx.Exec(ctx, `
		insert into webhook_delivery (id, endpoint_id, event_id, object_id, state, next_at, done_at, created_at)
		select gen_random_uuid(), w.id, e.id, e.object_id, case when $5 then 'recorded' else 'due' end,
		       case when $5 then null else $6::timestamptz end, case when $5 then $6::timestamptz end, $6
		  from webhook_endpoint w
		  join event e on e.id = $2 or ($2 = '00000000-0000-0000-0000-000000000000' and e.at >= $3 and e.at < $4 and e.object <> 'webhook_endpoint'
		       and (w.types = '{}' or e.type = any (w.types)))
		 where w.id = $1
		 order by e.id
		 limit $7
		on conflict (endpoint_id, event_id) do update
		   set state = excluded.state, attempts = 0, first_try_at = null, next_at = excluded.next_at, done_at = excluded.done_at
		 where webhook_delivery.state <> 'due'`, endpoint, r.Event, orNever(r.From), orNever(r.To), tx.Sandbox, tx.At, maxReplay)
	if err != nil {
		return 0, fmt.Errorf("replay to endpoint %s: %w", endpoint, err)
	}
	n := int(done.RowsAffected())
	if n == 0 && r.Event != uuid.Nil {
		var known bool
		if err := tx.QueryRow(ctx, `select exists (select from event where id = $1)`, r.Event).Scan(&known); err != nil {
			return 0, err
		}
		if !known {
			return 0, fmt.Errorf("event %s: %w", r.Event, ErrNotFound)
		}
	}
	if n == 0 || tx.Sandbox {
		return n, nil
	}
	return n, wake(ctx, tx, uuid.Must(uuid.NewV7()), tx.At)
}

func orNever(at time.Time) time.Time {
	if at.IsZero() {
		return time.Unix(0, 0)
	}
	return at
}

// Try sends a trial to one endpoint, whatever types it wants.
func Try(ctx context.Context, tx tenant.Tx, endpoint uuid.UUID) (Delivery, error) {
	e, err := lock(ctx, tx, endpoint)
	if err != nil {
		return Delivery{}, err
	}
	if e.State != Active {
		return Delivery{}, fmt.Errorf("endpoint %s is %s: %w", endpoint, e.State, ErrNotActive)
	}
	id, delivery := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	_, err = tx.Exec(ctx, `
		insert into event (id, type, object, object_id, sequence, data, at)
		select $1, $2, $3, $4, 1 + coalesce((select max(sequence) from event where object_id = $4), 0), $5, $6`,
		id, Test, Target, endpoint, TestData{endpoint, "Hello from Tollhouse."}, tx.At)
	if err == nil {
		_, err = tx.Exec(ctx, `
			insert into webhook_delivery (id, endpoint_id, event_id, object_id, state, next_at, done_at, created_at)
			select $1, $2, $3, $2, case when $4 then 'recorded' else 'due' end, case when $4 then null else $5::timestamptz end, case when $4 then $5::timestamptz end, $5`,
			delivery, endpoint, id, tx.Sandbox, tx.At)
	}
	if err != nil {
		return Delivery{}, fmt.Errorf("try endpoint %s: %w", endpoint, err)
	}
	if !tx.Sandbox {
		if err := wake(ctx, tx, id, tx.At); err != nil {
			return Delivery{}, err
		}
	}
	return GetDelivery(ctx, tx, delivery)
}

// Forget deletes up to limit events that are past their time, with their
// deliveries, and says how many.
func Forget(ctx context.Context, tx tenant.Tx, limit int) (int, error) {
	done, err := tx.Exec(ctx, `delete from event where id in (select id from event where at < $1 order by at, id limit $2)`, tx.At.Add(-Retention), limit)
	if err != nil {
		return 0, fmt.Errorf("forget events: %w", err)
	}
	return int(done.RowsAffected()), nil
}
