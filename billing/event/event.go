package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
)

// Event is something that has happened to an object.
type Event struct {
	Type      Type
	ObjectID  uuid.UUID // by which the events are ordered; what it is follows from the type
	AccountID uuid.UUID // the billing account concerned; Nil: none
	Data      any       // the type's payload, as Types lists it
}

// ErrEvent means that something cannot be an event: a bug of whoever records it.
var ErrEvent = errors.New("not an event")

// Kept says whether events are kept at all. Whoever records many asks before
// making them, or calls Collect.
func Kept(ctx context.Context, tx tenant.Tx) (kept bool, err error) {
	err = tx.QueryRow(ctx, `select exists (select from operator where id = 1 and events_kept)`).Scan(&kept)
	if err != nil {
		return false, fmt.Errorf("whether events are kept: %w", err)
	}
	return kept, nil
}

// Record writes an event in the transaction of its change, whose caller holds
// the lock of the object's row. Nothing happens where no events are kept.
func Record(ctx context.Context, tx tenant.Tx, e Event) error {
	return RecordMany(ctx, tx, []Event{e})
}

// Collect records what make gives, and calls it only where events are kept.
func Collect(ctx context.Context, tx tenant.Tx, make func() ([]Event, error)) error {
	kept, err := Kept(ctx, tx)
	if err != nil || !kept {
		return err
	}
	events, err := make()
	if err != nil {
		return err
	}
	return RecordMany(ctx, tx, events)
}

// record writes events, numbers them by object (event_object finds the last
// one), and gives each endpoint that wants them a delivery.
const record = `
	with kept as (
	    insert into event (id, type, object, object_id, sequence, account_id, data, at)
	    select n.id, n.type, n.object, n.object_id,
	           coalesce((select e.sequence from event e where e.object_id = n.object_id order by e.sequence desc limit 1), 0)
	               + row_number() over (partition by n.object_id order by n.id),
	           nullif(n.account_id, '00000000-0000-0000-0000-000000000000'::uuid), n.data, $1
	      from unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::jsonb[]) as n (id, type, object, object_id, account_id, data)
	     where exists (select from operator where operator.id = 1 and events_kept)
	    returning id, type, object_id)
	insert into webhook_delivery (id, endpoint_id, event_id, object_id, state, next_at, done_at, created_at)
	select gen_random_uuid(), w.id, k.id, k.object_id, case when $8 then 'recorded' else 'due' end,
	       case when $8 then null else $1::timestamptz end, case when $8 then $1::timestamptz end, $1
	  from kept k
	  join webhook_endpoint w on w.state = 'active' and (w.types = '{}' or k.type = any (w.types))`

// RecordMany is Record for many at once, with one statement. The events of one
// object stand in the order given.
func RecordMany(ctx context.Context, tx tenant.Tx, events []Event) error {
	if len(events) == 0 {
		return nil
	}
	if len(events) > 1 { // what a bill run would make in vain
		if kept, err := Kept(ctx, tx); err != nil || !kept {
			return err
		}
	}
	n := len(events)
	ids, types, objects := make([]uuid.UUID, n), make([]string, n), make([]string, n)
	objectIDs, accounts, data := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]string, n)
	for i, e := range events {
		kind, known := kindOf(e.Type)
		if !known || e.ObjectID == uuid.Nil {
			return fmt.Errorf("%w: type %q of object %s", ErrEvent, e.Type, e.ObjectID)
		}
		text, err := json.Marshal(e.Data)
		if err != nil {
			return fmt.Errorf("record %s: %w", e.Type, err)
		}
		ids[i], types[i], objects[i] = uuid.Must(uuid.NewV7()), string(e.Type), string(kind.Object)
		objectIDs[i], accounts[i], data[i] = e.ObjectID, e.AccountID, string(text)
	}
	done, err := tx.Exec(ctx, record, tx.At, ids, types, objects, objectIDs, accounts, data, tx.Sandbox)
	if err != nil {
		return fmt.Errorf("record events: %w", err)
	}
	if done.RowsAffected() == 0 || tx.Sandbox {
		return nil
	}
	return wake(ctx, tx, ids[0], tx.At)
}

// wake has deliveries worked at an instant.
func wake(ctx context.Context, tx tenant.Tx, ref uuid.UUID, at time.Time) error {
	return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.WebhookOut, Ref: ref, DueAt: at})
}
