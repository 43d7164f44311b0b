package move

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/provisioning/guarantee"
	"tollhouse/tenants"
)

// Move is one stack on its way.
type Move struct {
	ID         uuid.UUID
	Operator   tenant.ID
	Name       string // the operator's
	From, To   string
	Slot       tenant.Slot
	Epoch      int64 // of the stack before it
	State      State
	Wish       Wish
	Reason     string // why the last attempt did not get on
	Detail     Detail
	Steps      []Step
	Attempts   int
	Failures   int // in a row
	NextTryAt  time.Time
	PauseLimit time.Duration
	Pause      *time.Duration // as measured
	BackPause  *time.Duration
	AskedBy    string
	AskedAt    time.Time
	SwitchedAt *time.Time
	DoneAt     *time.Time
	sandbox    bool
	fencedAt   *time.Time
}

// Detail is what there is to see of the present state.
type Detail struct {
	Table    string   `json:"table,omitempty"`
	Done     int      `json:"done,omitempty"`
	Total    int      `json:"total,omitempty"`
	LagBytes int64    `json:"lag_bytes,omitempty"`
	Tables   int      `json:"tables,omitempty"` // compared
	Rows     int64    `json:"rows,omitempty"`
	Sums     int      `json:"sums,omitempty"`
	Differ   []string `json:"differ,omitempty"`
}

// Step is a part of the way that somebody watches.
type Step struct {
	Name    string     `json:"name"`
	BeganAt time.Time  `json:"began_at"`
	EndedAt *time.Time `json:"ended_at,omitempty"`
	Detail  string     `json:"detail,omitempty"`
}

// Route is the move's way.
func (m Move) route() Route {
	return Route{Tenant: m.Operator, Name: m.Name, Sandbox: m.sandbox, Slot: m.Slot, From: m.From, To: m.To,
		Token: m.Epoch<<24 | int64(m.Attempts)}
}

// Errors of moves.
var (
	// ErrNotThere means that there is no such move.
	ErrNotThere = errors.New("no such move")
	// ErrOpen means that the operator's stack is on its way already.
	ErrOpen = errors.New("this stack is being moved already")
	// ErrState refuses what the move's state does not allow.
	ErrState = errors.New("the move's state does not allow that")
	// ErrSameHost means that the stack stands there already.
	ErrSameHost = errors.New("the stack stands there already")
	// ErrPauseLimit refuses a limit out of its bounds.
	ErrPauseLimit = errors.New("a pause of 1 to 60 seconds is possible")
)

// DefaultPause is how long a stack may be read-only unless staff say otherwise.
const DefaultPause = 10 * time.Second

// Order is a wanted move.
type Order struct {
	Operator tenant.ID
	To       string
	Pause    time.Duration // at most; 0: DefaultPause
}

// Start writes down that a stack is to be moved. Wake the mover once it has
// committed.
func Start(ctx context.Context, tx tenants.Tx, by tenants.Actor, o Order) (Move, error) {
	at, err := provisioning.PlacedIn(ctx, tx, o.Operator)
	if err != nil {
		return Move{}, err
	}
	if err := o.check(ctx, tx, at); err != nil {
		return Move{}, err
	}
	id := uuid.Must(uuid.NewV7())
	_, err = tx.Exec(ctx, `
		insert into move (id, operator_id, from_host, to_host, slot, epoch, state, next_try_at, pause_limit_ms, asked_by, asked_at)
		values ($1, $2, $3, $4, $5, $6, 'asked', $7, $8, $9, $7)`,
		id, o.Operator, at.Place.Host, o.To, at.Place.Slot.String(), at.Epoch, tx.At, o.pause().Milliseconds(), by.String())
	if pg, is := errors.AsType[*pgconn.PgError](err); is && pg.ConstraintName == "move_open" {
		return Move{}, ErrOpen
	}
	if err != nil {
		return Move{}, fmt.Errorf("start move: %w", err)
	}
	err = tenants.Record(ctx, tx, by, tenants.Entry{Action: "move.start", Object: uuid.UUID(o.Operator), Detail: map[string]any{"move": id, "from": at.Place.Host, "to": o.To}})
	if err != nil {
		return Move{}, err
	}
	return Get(ctx, tx, id)
}

func (o Order) pause() time.Duration {
	if o.Pause == 0 {
		return DefaultPause
	}
	return o.Pause
}

func (o Order) check(ctx context.Context, tx tenants.Tx, at provisioning.Placed) error {
	if p := o.pause(); p < time.Second || p > time.Minute {
		return ErrPauseLimit
	}
	host, err := provisioning.HostDatabaseOf(ctx, tx, o.To)
	if err != nil {
		return err
	}
	if host.Name == at.Place.Host {
		return ErrSameHost
	}
	if err := host.Takes(ctx, tx); err != nil {
		return err
	}
	return guarantee.Fits(ctx, tx, o.To, o.Operator)
}

// RouteOf is the way that an order would take, for a preview.
func RouteOf(ctx context.Context, tx tenants.Tx, o Order) (Route, error) {
	at, err := provisioning.PlacedIn(ctx, tx, o.Operator)
	if err != nil {
		return Route{}, err
	}
	if err := o.check(ctx, tx, at); err != nil {
		return Route{}, err
	}
	var open bool
	if err := tx.QueryRow(ctx, `select exists (select from move where operator_id = $1 and done_at is null)`, o.Operator).Scan(&open); err != nil {
		return Route{}, err
	}
	if open {
		return Route{}, ErrOpen
	}
	return Route{Tenant: o.Operator, Name: at.Operator.Name, Sandbox: at.Operator.Sandbox, Slot: at.Place.Slot, From: at.Place.Host, To: o.To}, nil
}

// Decide writes down what staff want of a move: the same again changes nothing.
func Decide(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID, wish Wish) (Move, error) {
	m, err := get(ctx, tx, `m.id = $1 for update of m`, id)
	if err != nil {
		return Move{}, err
	}
	if m.Wish == wish {
		return m, nil
	}
	if !slices.Contains(wishes[wish], m.State) || m.Wish != None {
		return Move{}, fmt.Errorf("%s while it is %s: %w", wish, m.State, ErrState)
	}
	done, err := tx.Exec(ctx, `update move set wanted = $2, next_try_at = least(next_try_at, $3), failures = 0 where id = $1 and done_at is null`, id, wish, tx.At)
	if err != nil || done.RowsAffected() != 1 {
		return Move{}, fmt.Errorf("decide on move: %w", errors.Join(err, ErrState))
	}
	if err := tenants.Record(ctx, tx, by, tenants.Entry{Action: "move." + string(wish), Object: uuid.UUID(m.Operator), Detail: map[string]any{"move": id}}); err != nil {
		return Move{}, err
	}
	m.Wish = wish
	return m, nil
}

// Get reads a move; ErrNotThere if there is none.
func Get(ctx context.Context, tx tenants.Tx, id uuid.UUID) (Move, error) {
	return get(ctx, tx, `m.id = $1`, id)
}

// Of reads an operator's moves, newest first.
func Of(ctx context.Context, tx tenants.Tx, operator tenant.ID, limit int) ([]Move, error) {
	return list(ctx, tx, `m.operator_id = $1 order by m.asked_at desc limit $2`, operator, limit)
}

// List reads all moves, those that are open first.
func List(ctx context.Context, tx tenants.Tx, limit int) ([]Move, error) {
	return list(ctx, tx, `true order by m.done_at is not null, m.asked_at desc limit $1`, limit)
}

func get(ctx context.Context, tx tenants.Tx, where string, args ...any) (Move, error) {
	found, err := list(ctx, tx, where, args...)
	if err == nil && len(found) == 0 {
		err = ErrNotThere
	}
	if err != nil {
		return Move{}, err
	}
	return found[0], nil
}

func list(ctx context.Context, tx tenants.Tx, where string, args ...any) ([]Move, error) {
	rows, err := tx.Query(ctx, `
		select m.id, m.operator_id, o.name, o.sandbox, m.from_host, m.to_host, m.slot, m.epoch, m.state, m.wanted, m.reason, m.detail, m.steps, m.attempts, m.failures,
		       m.next_try_at, m.pause_limit_ms, m.fenced_at, m.pause_ms, m.back_pause_ms, m.asked_by, m.asked_at, m.switched_at, m.done_at
		  from move m
		  join operator o on o.id = m.operator_id
		 where `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read moves: %w", err)
	}
	found, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read moves: %w", err)
	}
	return found, nil
}

func scan(row pgx.CollectableRow) (m Move, err error) {
	var slot string
	var limit int64
	var pause, back *int64
	err = row.Scan(&m.ID, &m.Operator, &m.Name, &m.sandbox, &m.From, &m.To, &slot, &m.Epoch, &m.State, &m.Wish, &m.Reason, &m.Detail, &m.Steps, &m.Attempts, &m.Failures,
		&m.NextTryAt, &limit, &m.fencedAt, &pause, &back, &m.AskedBy, &m.AskedAt, &m.SwitchedAt, &m.DoneAt)
	if err != nil {
		return m, err
	}
	m.PauseLimit, m.Pause, m.BackPause = time.Duration(limit)*time.Millisecond, milliseconds(pause), milliseconds(back)
	m.Slot, err = tenant.ParseSlot(slot)
	return m, err
}

func milliseconds(n *int64) *time.Duration {
	if n == nil {
		return nil
	}
	d := time.Duration(*n) * time.Millisecond
	return &d
}
