package hardware

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/tenants"
)

// Rack is a rack in a data centre.
type Rack struct {
	ID        uuid.UUID
	Name      string
	Site      string // the data centre
	Units     int
	PowerW    int
	UsedUnits int // of what stands in it
	UsedW     int
	ChangedAt time.Time
}

// PutRack writes a rack into the register, or changes it. A repeat changes
// nothing; it never becomes smaller than what stands in it.
func PutRack(ctx context.Context, tx tenants.Tx, by tenants.Actor, r Rack) (Rack, error) {
	var f faults
	r.Name, r.Site = strings.TrimSpace(r.Name), strings.TrimSpace(r.Site)
	f.unless(r.ID != uuid.Nil, "id", "an id of your own choice, as a UUID")
	f.unless(within(r.Name, 1, 80), "name", "a name of 1 to 80 characters")
	f.unless(within(r.Site, 1, 120), "site", "a data centre of 1 to 120 characters")
	f.unless(r.Units >= 1 && r.Units <= 60, "units", "1 to 60")
	f.unless(r.PowerW >= 1 && r.PowerW <= 100000, "power_w", "1 to 100000 watts")
	if err := f.err(); err != nil {
		return Rack{}, err
	}
	before, err := lockRack(ctx, tx, r.ID)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return Rack{}, err
	case before.Name == r.Name && before.Site == r.Site && before.Units == r.Units && before.PowerW == r.PowerW:
		return before, nil
	}
	var top int
	if err := tx.QueryRow(ctx, `select coalesce(max(first_unit + units - 1), 0) from hardware where rack_id = $1`, r.ID).Scan(&top); err != nil {
		return Rack{}, fmt.Errorf("read rack %s: %w", r.Name, err)
	}
	if top > r.Units || before.UsedW > r.PowerW {
		return Rack{}, fmt.Errorf("make rack %s smaller: %w", r.Name, ErrRackUsed)
	}
	_, err = tx.Exec(ctx, `
		insert into rack (id, name, site, units, power_w, changed_at)
		values ($1, $2, $3, $4, $5, $6)
		on conflict (id) do update set name = excluded.name, site = excluded.site, units = excluded.units, power_w = excluded.power_w, changed_at = excluded.changed_at`,
		r.ID, r.Name, r.Site, r.Units, r.PowerW, tx.At)
	if violates(err, "rack_name_key") {
		return Rack{}, ErrNameTaken
	}
	if err != nil {
		return Rack{}, fmt.Errorf("write rack %s: %w", r.Name, err)
	}
	r.UsedUnits, r.UsedW, r.ChangedAt = before.UsedUnits, before.UsedW, tx.At
	return r, tenants.Record(ctx, tx, by, tenants.Entry{Action: "rack.put", Object: r.ID, Detail: map[string]any{"name": r.Name, "units": r.Units, "power_w": r.PowerW}})
}

// lockRack reads a rack and what stands in it. Its row is locked: what comes
// into it comes one after the other.
func lockRack(ctx context.Context, tx tenants.Tx, id uuid.UUID) (Rack, error) {
	if _, err := tx.Exec(ctx, `select from rack where id = $1 for update`, id); err != nil {
		return Rack{}, fmt.Errorf("lock rack %s: %w", id, err)
	}
	racks, err := readRacks(ctx, tx, `where r.id = $1`, id)
	if err == nil && len(racks) == 0 {
		err = fmt.Errorf("rack %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Rack{}, err
	}
	return racks[0], nil
}

// maxRacks bounds the list of racks.
const maxRacks = 500

// Racks lists racks by name.
func Racks(ctx context.Context, tx tenants.Tx) ([]Rack, error) { return readRacks(ctx, tx, "") }

func readRacks(ctx context.Context, tx tenants.Tx, where string, args ...any) ([]Rack, error) {
	rows, err := tx.Query(ctx, `
		select r.id, r.name, r.site, r.units, r.power_w, coalesce(h.units, 0)::integer, coalesce(h.power_w, 0)::integer, r.changed_at
		  from rack r
		  left join (select rack_id, sum(units) as units, sum(power_w) as power_w from hardware group by rack_id) h on h.rack_id = r.id
		 `+where+`
		 order by r.name
		 limit `+fmt.Sprint(maxRacks), args...)
	if err != nil {
		return nil, fmt.Errorf("list racks: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Rack, error) {
		var r Rack
		err := row.Scan(&r.ID, &r.Name, &r.Site, &r.Units, &r.PowerW, &r.UsedUnits, &r.UsedW, &r.ChangedAt)
		return r, err
	})
}

// fits says whether a piece may stand where it is to stand.
func fits(ctx context.Context, tx tenants.Tx, p Piece) error {
	if p.Slot == nil {
		return nil
	}
	r, err := lockRack(ctx, tx, p.Slot.Rack)
	if err != nil {
		return err
	}
	var taken bool
	var others int
	err = tx.QueryRow(ctx, `
		select coalesce(bool_or(first_unit < $3::integer + $4::integer and first_unit + units > $3), false), coalesce(sum(power_w), 0)::integer
		  from hardware
		 where rack_id = $1 and id <> $2`, r.ID, p.ID, p.Slot.First, p.Slot.Units).Scan(&taken, &others)
	if err != nil {
		return fmt.Errorf("look into rack %s: %w", r.Name, err)
	}
	switch {
	case taken || p.Slot.First+p.Slot.Units-1 > r.Units:
		return fmt.Errorf("put hardware into rack %s: %w", r.Name, ErrUnitsTaken)
	case others+p.PowerW > r.PowerW:
		return fmt.Errorf("put hardware into rack %s: %w", r.Name, ErrPower)
	}
	return nil
}
