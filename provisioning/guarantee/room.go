package guarantee

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// Room is what a host database carries of online charges a second, and what of
// it is promised.
type Room struct {
	Host       string
	Carries    int64 // as set; zero: nothing may be guaranteed
	Guaranteed int64 // with what is on its way there
	Now, Most  int64 // as its processes measured: lately, and the most of ten seconds
	MeasuredAt *time.Time
}

// promisable is the part of what a host database carries that may be promised:
// four fifths.
func (r Room) promisable() int64 { return r.Carries * 4 / 5 }

// Free is what may be guaranteed still; below zero where the setting was lowered
// under what was given.
func (r Room) Free() int64 { return r.promisable() - r.Guaranteed }

// Rooms reads all host databases.
func Rooms(ctx context.Context, tx tenants.Tx) ([]Room, error) {
	return rooms(ctx, tx, tenant.ID{}, `order by h.name`)
}

// rooms leaves one operator's own guarantee out.
func rooms(ctx context.Context, tx tenants.Tx, but tenant.ID, which string, args ...any) ([]Room, error) {
	rows, err := tx.Query(ctx, `
		select h.name, h.charges_per_second, h.charges_now, h.charges_most, h.measured_at,
		       coalesce((select sum(g.rate)
		                   from guarantee g
		                   join stack s using (operator_id)
		                  where g.operator_id <> $1
		                    and (s.host = h.name
		                         or exists (select from move m where m.operator_id = g.operator_id and m.to_host = h.name and m.done_at is null))), 0)::bigint
		  from host_database h `+which, append([]any{but}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read what host databases carry: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Room, err error) {
		err = row.Scan(&r.Host, &r.Carries, &r.Now, &r.Most, &r.MeasuredAt, &r.Guaranteed)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what host databases carry: %w", err)
	}
	return found, nil
}

// RoomError is ErrRoom with what is free.
type RoomError struct {
	Room Room // without the operator's own
	Rate int64
}

func (e *RoomError) Error() string {
	return fmt.Sprintf("%s carries %d charges a second, of which %d may be guaranteed and %d are: %d are free, %d are wanted",
		e.Room.Host, e.Room.Carries, e.Room.promisable(), e.Room.Guaranteed, max(e.Room.Free(), 0), e.Rate)
}

// Unwrap makes it an ErrRoom.
func (e *RoomError) Unwrap() error { return ErrRoom }

// fits refuses with a RoomError what a host database can't hold.
func fits(ctx context.Context, tx tenants.Tx, host string, operator tenant.ID, rate int64) error {
	found, err := rooms(ctx, tx, operator, `where h.name = $2`, host)
	if err != nil || rate == 0 {
		return err
	}
	if len(found) == 0 || found[0].Free() < rate {
		e := &RoomError{Room: Room{Host: host}, Rate: rate}
		if len(found) > 0 {
			e.Room = found[0]
		}
		return e
	}
	return nil
}

// Fits refuses, with a RoomError, to have an operator's guarantee held by another
// host database that has no room for it.
func Fits(ctx context.Context, tx tenants.Tx, host string, operator tenant.ID) error {
	var rate int64
	err := tx.QueryRow(ctx, `select coalesce((select rate from guarantee where operator_id = $1), 0)`, operator).Scan(&rate)
	if err != nil {
		return fmt.Errorf("read guarantee: %w", err)
	}
	return fits(ctx, tx, host, operator, rate)
}
