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
	return Race(storedRows(tx.At, records).Write(ctx, tx))
}

// QueueStore does what Store does with a flow's next trip.
func QueueStore(f *tenant.Flow, records []Stored) { f.Copy(storedRows(f.At, records)) }

// storedBytes is about what a record takes in a COPY.
const storedBytes = 320

func storedRows(at time.Time, records []Stored) *tenant.Copy {
	rows := tenant.NewCopy("usage_record", storedColumns, len(records)*storedBytes)
	for i := range records {
		s := &records[i]
		r := s.Record
		rows.Row()
		rows.Date(s.Period)
		rows.UUID(s.ID)
		rows.UUID(s.Source)
		rows.OptionalUUID(s.File)
		rows.Int64(r.Line)
		rows.Text(r.Key)
		rows.Text(string(r.Kind))
		rows.UUID(s.Service)
		rows.UUID(s.Account)
		rows.Time(r.Start)
		rows.Time(r.End)
		rows.Text(r.Origin)
		rows.Text(r.Destination)
		rows.Int64(r.Quantity)
		rows.Text(string(r.Unit))
		rows.OptionalUUID(s.Session)
		rows.Time(at)
		rows.Text(r.Quality)
		rows.OptionalDecimal(r.Amount)
	}
	return rows
}

// id is a uuid in the form the driver encodes without going through text.
func id(u uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: u, Valid: true} }

// optional is a uuid that is NULL when it names nothing.
func optional(u uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: u, Valid: u != uuid.Nil} }
