package hardware

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// Piece is one piece of hardware.
type Piece struct {
	ID            uuid.UUID
	Serial        string
	Model         string
	Kind          Kind
	State         State
	Operator      tenant.ID // zero: nobody's
	Machine       uuid.UUID // what runs on it; zero: nothing we know of
	Location      string    // where it is, for who drives there
	Slot          *Slot     // its place in a rack; nil: in none
	PowerW        int
	BoughtOn      calendar.Date
	WarrantyUntil calendar.Date
	SupportUntil  calendar.Date
	FailedAt      *time.Time
	Fault         string
	ReplaceBy     *time.Time // the target; nil: none was promised
	ReplacedAt    *time.Time
	ReplacedBy    uuid.UUID
	ChangedAt     time.Time
	Owner         tenant.ID     // whose property it is; zero: ours. Pass changes it
	OwnerSince    calendar.Date // from this day on
}

// Slot is a place in a rack: whole units, counted from below.
type Slot struct {
	Rack  uuid.UUID
	First int
	Units int
}

// Kind is what a piece is.
type Kind string

// The kinds of pieces.
const (
	Appliance Kind = "appliance" // ours, at an operator's
	Server    Kind = "server"    // an operator's, in our data centre
	Part      Kind = "part"      // a disk, a power supply, a switch
)

// State is how a piece is.
type State string

// The states of a piece.
const (
	Spare    State = "spare"
	InUse    State = "in_use"
	Failed   State = "failed"
	Replaced State = "replaced"
	Retired  State = "retired"
)

// moves is the one table of what may follow what. A piece may be written again
// in the state that it has.
var moves = map[State][]State{
	Spare:    {Spare, InUse, Retired},
	InUse:    {InUse, Spare, Failed, Retired},
	Failed:   {Failed, InUse, Replaced},
	Replaced: {},
	Retired:  {Retired},
}

// May says whether a state may follow.
func (s State) May(to State) bool { return slices.Contains(moves[s], to) }

// Terms that we promise.
const (
	// ReplaceWithin is how soon a failed appliance is replaced.
	ReplaceWithin = 24 * time.Hour
	// SupportYears is how long we support what we deliver.
	SupportYears = 3
)

// Overdue says whether the piece should have been replaced by now.
func (p Piece) Overdue(at time.Time) bool {
	return p.State == Failed && p.ReplaceBy != nil && at.After(*p.ReplaceBy)
}

// Missed says whether its replacement came too late.
func (p Piece) Missed() bool {
	return p.ReplacedAt != nil && p.ReplaceBy != nil && p.ReplacedAt.After(*p.ReplaceBy)
}

// Errors of hardware.
var (
	// ErrNotFound means that there is no such piece or rack.
	ErrNotFound = errors.New("no such piece of hardware or rack")
	// ErrSerialTaken means that another piece of the model has this serial number.
	ErrSerialTaken = errors.New("another piece of this model has this serial number")
	// ErrNameTaken means that another rack has this name.
	ErrNameTaken = errors.New("another rack has this name")
	// ErrState means that the piece is not in a state for that.
	ErrState = errors.New("the piece is not in a state for that")
	// ErrUnitsTaken means that another piece has these units of the rack, or that the rack ends below.
	ErrUnitsTaken = errors.New("these units of the rack are taken, or beyond its top")
	// ErrPower means that the rack has not enough power left.
	ErrPower = errors.New("the rack has not enough power left")
	// ErrNoSpare means that what is to replace a piece is no spare of its model.
	ErrNoSpare = errors.New("only a spare of the same model replaces a piece")
	// ErrRackUsed refuses to make a rack smaller than what stands in it.
	ErrRackUsed = errors.New("what stands in the rack needs more than that")
)

const columns = `id, serial, model, kind, state, operator_id, machine_id, location, rack_id, first_unit, units, power_w, bought_on, warranty_until, support_until,
	failed_at, fault, replace_by, replaced_at, replaced_by, changed_at`

// read is what is read of a piece: columns, and whose it is.
const read = columns + `, owner_id, owner_since`

func scan(row pgx.CollectableRow) (Piece, error) {
	var p Piece
	var operator, machine, rack, replacedBy, owner *uuid.UUID
	var since *calendar.Date
	var first, units *int
	err := row.Scan(&p.ID, &p.Serial, &p.Model, &p.Kind, &p.State, &operator, &machine, &p.Location, &rack, &first, &units, &p.PowerW,
		&p.BoughtOn, &p.WarrantyUntil, &p.SupportUntil, &p.FailedAt, &p.Fault, &p.ReplaceBy, &p.ReplacedAt, &replacedBy, &p.ChangedAt, &owner, &since)
	if operator != nil {
		p.Operator = tenant.ID(*operator)
	}
	if machine != nil {
		p.Machine = *machine
	}
	if owner != nil {
		p.Owner, p.OwnerSince = tenant.ID(*owner), *since
	}
	if replacedBy != nil {
		p.ReplacedBy = *replacedBy
	}
	if rack != nil {
		p.Slot = &Slot{Rack: *rack, First: *first, Units: *units}
	}
	return p, err
}

func one(ctx context.Context, tx tenants.Tx, where string, id uuid.UUID) (Piece, error) {
	rows, err := tx.Query(ctx, `select `+read+` from hardware where id = $1 `+where, id)
	if err != nil {
		return Piece{}, fmt.Errorf("read hardware %s: %w", id, err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Piece{}, fmt.Errorf("hardware %s: %w", id, err)
	}
	return p, nil
}

// Get reads a piece; ErrNotFound if there is none.
func Get(ctx context.Context, tx tenants.Tx, id uuid.UUID) (Piece, error) {
	return one(ctx, tx, "", id)
}

// Query says which pieces are wanted. Zero values ask for all.
type Query struct {
	Text     string // part of a serial number, a model or a place
	State    State
	Operator tenant.ID
	Rack     uuid.UUID
	After    uuid.UUID
	Limit    int
}

// List lists pieces in the order of their ids.
func List(ctx context.Context, tx tenants.Tx, q Query) ([]Piece, error) {
	rows, err := tx.Query(ctx, `
		select `+read+`
		  from hardware
		 where id > $1 and ($2 = '' or strpos(lower(serial || ' ' || model || ' ' || location), lower($2)) > 0)
		   and ($3 = '' or state = $3) and ($4::uuid = $6 or operator_id = $4) and ($5::uuid = $6 or rack_id = $5)
		 order by id
		 limit $7`, q.After, strings.TrimSpace(q.Text), string(q.State), uuid.UUID(q.Operator), q.Rack, uuid.Nil, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("list hardware: %w", err)
	}
	return pgx.CollectRows(rows, scan)
}

func optional(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}

// write stores a piece as a whole.
func (p Piece) write(ctx context.Context, tx tenants.Tx) error {
	var rack *uuid.UUID
	var first, units *int
	if p.Slot != nil {
		rack, first, units = &p.Slot.Rack, &p.Slot.First, &p.Slot.Units
	}
	done, err := tx.Exec(ctx, `
		insert into hardware (`+columns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
		on conflict (id) do update set
		       serial = excluded.serial, model = excluded.model, kind = excluded.kind, state = excluded.state, operator_id = excluded.operator_id,
		       machine_id = excluded.machine_id, location = excluded.location, rack_id = excluded.rack_id, first_unit = excluded.first_unit,
		       units = excluded.units, power_w = excluded.power_w, bought_on = excluded.bought_on, warranty_until = excluded.warranty_until,
		       support_until = excluded.support_until, failed_at = excluded.failed_at, fault = excluded.fault, replace_by = excluded.replace_by,
		       replaced_at = excluded.replaced_at, replaced_by = excluded.replaced_by, changed_at = excluded.changed_at`,
		p.ID, p.Serial, p.Model, p.Kind, p.State, optional(uuid.UUID(p.Operator)), optional(p.Machine), p.Location, rack, first, units, p.PowerW,
		p.BoughtOn, p.WarrantyUntil, p.SupportUntil, p.FailedAt, p.Fault, p.ReplaceBy, p.ReplacedAt, optional(p.ReplacedBy), tx.At)
	if violates(err, "hardware_serial") {
		return ErrSerialTaken
	}
	if violatesReference(err, "hardware_machine_id_fkey") {
		return &tenants.InvalidError{Fields: []tenants.FieldError{{Field: "machine", Want: "the id of an enrolled machine"}}}
	}
	if err == nil && done.RowsAffected() != 1 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("write hardware %s: %w", p.ID, err)
	}
	return nil
}

func violates(err error, constraint string) bool {
	const uniqueViolation = "23505"
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == uniqueViolation && pg.ConstraintName == constraint
}

func violatesReference(err error, constraint string) bool {
	const foreignKeyViolation = "23503"
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == foreignKeyViolation && pg.ConstraintName == constraint
}
