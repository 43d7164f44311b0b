package event

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// DeliveryState is how far a delivery is.
type DeliveryState string

// The states of a delivery.
const (
	Due       DeliveryState = "due"
	Delivered DeliveryState = "delivered"
	GivenUp   DeliveryState = "given_up"
	Recorded  DeliveryState = "recorded"
)

// DeliveryStates lists them.
var DeliveryStates = []DeliveryState{Due, Delivered, GivenUp, Recorded}

// Delivery is an event on its way to an endpoint.
type Delivery struct {
	ID         uuid.UUID
	EndpointID uuid.UUID
	Event      Stored
	State      DeliveryState
	Attempts   int
	NextAt     *time.Time
	DoneAt     *time.Time
	Log        []Attempt // the latest, oldest first
}

// DeliveryQuery chooses deliveries, newest event first.
type DeliveryQuery struct {
	EndpointID uuid.UUID
	State      DeliveryState // empty: any
	Type       Type          // empty: any
	Before     uuid.UUID     // those of events before this one; zero: the newest
	Limit      int
}

// MaxPage bounds how many deliveries or events are read at once.
const MaxPage = 200

const eventColumns = `e.id, e.type, e.object, e.object_id, e.sequence, e.account_id, e.data, e.at`

func (s *Stored) scanInto() []any {
	return []any{&s.ID, &s.Type, &s.Object, &s.ObjectID, &s.Sequence, &s.AccountID, &s.Data, &s.At}
}

// Deliveries lists an endpoint's deliveries with their attempts.
func Deliveries(ctx context.Context, tx tenant.Tx, q DeliveryQuery) ([]Delivery, error) {
	where, args := `d.endpoint_id = $1`, []any{q.EndpointID, min(max(q.Limit, 1), MaxPage)}
	and := func(condition string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(" and "+condition, len(args))
	}
	if q.State != "" {
		and(`d.state = $%d`, q.State)
	}
	if q.Type != "" {
		and(`e.type = $%d`, q.Type)
	}
	if q.Before != uuid.Nil {
		and(`d.event_id < $%d`, q.Before)
	}
	// the unique key of endpoint and event gives the order
	return deliveries(ctx, tx, where+` order by d.event_id desc limit $2`, args...)
}

// GetDelivery reads one; ErrNotFound if there is none.
func GetDelivery(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Delivery, error) {
	list, err := deliveries(ctx, tx, `d.id = $1`, id)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("delivery %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Delivery{}, err
	}
	return list[0], nil
}

func deliveries(ctx context.Context, tx tenant.Tx, where string, args ...any) ([]Delivery, error) {
	rows, err := tx.Query(ctx, `
		select d.id, d.endpoint_id, d.state, d.attempts, d.next_at, d.done_at, d.log, `+eventColumns+`
		  from webhook_delivery d
		  join event e on e.id = d.event_id
		 where `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d Delivery, err error) {
		var log json.RawMessage
		err = row.Scan(append([]any{&d.ID, &d.EndpointID, &d.State, &d.Attempts, &d.NextAt, &d.DoneAt, &log}, d.Event.scanInto()...)...)
		if err == nil {
			err = json.Unmarshal(log, &d.Log)
		}
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	return list, nil
}

// Query chooses events, newest first.
type Query struct {
	Type     Type      // empty: any
	ObjectID uuid.UUID // zero: any
	From, To time.Time // zero: open
	Before   uuid.UUID
	Limit    int
}

// List lists events that are kept.
func List(ctx context.Context, tx tenant.Tx, q Query) ([]Stored, error) {
	where, args := `true`, []any{min(max(q.Limit, 1), MaxPage)}
	and := func(condition string, value any) {
		args = append(args, value)
		where += fmt.Sprintf(" and "+condition, len(args))
	}
	if q.Type != "" {
		and(`e.type = $%d`, q.Type)
	}
	if q.ObjectID != uuid.Nil {
		and(`e.object_id = $%d`, q.ObjectID)
	}
	if !q.From.IsZero() {
		and(`e.at >= $%d`, q.From)
	}
	if !q.To.IsZero() {
		and(`e.at < $%d`, q.To)
	}
	if q.Before != uuid.Nil {
		and(`e.id < $%d`, q.Before)
	}
	rows, err := tx.Query(ctx, `select `+eventColumns+` from event e where `+where+` order by e.id desc limit $1`, args...)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Stored, err error) {
		err = row.Scan(s.scanInto()...)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return list, nil
}
