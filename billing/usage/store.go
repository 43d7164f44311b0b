package usage

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// Stored is a record that has found its subscriber.
type Stored struct {
	ID      uuid.UUID     // UUIDv7
	Period  calendar.Date // PeriodOf(Record.End): the partition it is kept in
	Source  uuid.UUID
	File    uuid.UUID // uuid.Nil by API
	Service uuid.UUID
	Account uuid.UUID
	Session uuid.UUID // uuid.Nil if it is none
	Record  *Record
}

// PeriodOf is the first day of the month, in the operator's zone, in which a
// use ended.
func PeriodOf(end time.Time, zone *time.Location) calendar.Date {
	day := calendar.DateOf(end, zone)
	day.Day = 1
	return day
}

var storedColumns = []string{"period", "id", "source_id", "file_id", "line", "producer_id", "kind", "service_id", "account_id",
	"started_at", "ended_at", "origin", "destination", "quantity", "unit", "session_id", "accepted_at", "quality", "amount"}

// Store keeps records by COPY. They were accepted before, so none is there yet.
func Store(ctx context.Context, tx tenant.Tx, records []Stored) error {
	if len(records) == 0 {
		return nil
	}
	values := make([]any, len(storedColumns))
	at := any(tx.At)
	return copyRows(ctx, tx, "usage_record", storedColumns, len(records), func(i int) []any {
		s := &records[i]
		r := s.Record
		amount := any(nil)
		if r.Amount != nil {
			amount = *r.Amount
		}
		return append(values[:0],
			pgtype.Date{Time: time.Date(s.Period.Year, s.Period.Month, s.Period.Day, 0, 0, 0, 0, time.UTC), Valid: true},
			id(s.ID), id(s.Source), optional(s.File), r.Line, r.Key, string(r.Kind), id(s.Service), id(s.Account),
			r.Start, r.End, r.Origin, r.Destination, r.Quantity, string(r.Unit), optional(s.Session), at, r.Quality, amount)
	})
}

// id is a uuid in the form the driver encodes without going through text.
func id(u uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: u, Valid: true} }

// optional is a uuid that is NULL when it names nothing.
func optional(u uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: u, Valid: u != uuid.Nil} }
