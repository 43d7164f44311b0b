package tenants

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// BreakGlass is a request to enter an operator's stack without its consent.
type BreakGlass struct {
	ID         uuid.UUID // the visit's as well
	Operator   tenant.ID
	Asker      Person
	Reason     string
	MayChange  bool
	AskedAt    time.Time
	ExpiresAt  time.Time // nobody can approve it any more
	State      BreakGlassState
	Decider    Person // who approved or refused it, zero before
	DecidedAt  time.Time
	VisitUntil time.Time // zero unless approved
}

// Person is a staff user as others see them.
type Person struct {
	ID    uuid.UUID
	Email string
}

// BreakGlassState is how far a request is.
type BreakGlassState string

// The states of a request: it is decided once.
const (
	Asked     BreakGlassState = "asked"
	Approved  BreakGlassState = "approved"
	Refused   BreakGlassState = "refused"
	Withdrawn BreakGlassState = "withdrawn"
)

const (
	// askedFor is how long a second person has to approve: an emergency that
	// can wait longer can wait for the operator's consent.
	askedFor = 15 * time.Minute
	// enteredFor is how long the stack is open after the approval.
	enteredFor = time.Hour
)

// Errors of break-glass.
var (
	// ErrOwnRequest refuses to let somebody approve what they asked for.
	ErrOwnRequest = errors.New("somebody else has to approve this")
	// ErrDecided means that a request was decided, or ran out of time.
	ErrDecided = errors.New("the request has been decided, or is too old")
	// ErrNotApproved means that there is no approval to enter by, or not for this person.
	ErrNotApproved = errors.New("this visit has not been approved for you, or its time has passed")
)

// OpenAt says whether the request still waits for a decision.
func (b BreakGlass) OpenAt(now time.Time) bool { return b.State == Asked && now.Before(b.ExpiresAt) }

// AskBreakGlass asks to enter an operator's stack without its consent.
func AskBreakGlass(ctx context.Context, tx Tx, by Actor, operator tenant.ID, reason string, mayChange bool) (BreakGlass, error) {
	reason, err := reasonOf(reason)
	if err != nil {
		return BreakGlass{}, err
	}
	if _, err := GetOperator(ctx, tx, operator); err != nil {
		return BreakGlass{}, err
	}
	b := BreakGlass{ID: uuid.Must(uuid.NewV7()), Operator: operator, Asker: Person{by.ID, by.Email}, Reason: reason, MayChange: mayChange,
		AskedAt: tx.At, ExpiresAt: tx.At.Add(askedFor), State: Asked}
	_, err = tx.Exec(ctx, `
		insert into break_glass (id, operator_id, asked_by, reason, may_change, asked_at, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7)`, b.ID, b.Operator, by.ID, b.Reason, b.MayChange, b.AskedAt, b.ExpiresAt)
	if err != nil {
		return BreakGlass{}, fmt.Errorf("ask for break-glass: %w", err)
	}
	return b, Record(ctx, tx, by, Entry{Action: "breakglass.ask", Object: uuid.UUID(operator),
		Detail: map[string]any{"request": b.ID, "staff": by.Email, "reason": reason, "may_change": mayChange}})
}

// DecideBreakGlass approves or refuses a request of somebody else, or withdraws
// one's own; ErrOwnRequest for approving one's own, ErrDecided for a request
// that was decided or is too old.
func DecideBreakGlass(ctx context.Context, tx Tx, by Actor, id uuid.UUID, to BreakGlassState) (BreakGlass, error) {
	b, err := getBreakGlass(ctx, tx, id, `for update of b`)
	if err != nil {
		return BreakGlass{}, err
	}
	own := b.Asker.ID == by.ID
	switch {
	case to == Asked, !b.OpenAt(tx.At):
		return BreakGlass{}, ErrDecided
	case own && to != Withdrawn, !own && to == Withdrawn:
		return BreakGlass{}, ErrOwnRequest
	}
	_, err = tx.Exec(ctx, `update break_glass set state = $2, decided_by = $3, decided_at = $4 where id = $1 and state = 'asked'`, id, to, by.ID, tx.At)
	if err != nil {
		return BreakGlass{}, fmt.Errorf("decide break-glass: %w", err)
	}
	action := map[BreakGlassState]string{Approved: "breakglass.approve", Refused: "breakglass.refuse", Withdrawn: "breakglass.withdraw"}[to]
	err = Record(ctx, tx, by, Entry{Action: action, Object: uuid.UUID(b.Operator),
		Detail: map[string]any{"request": id, "staff": b.Asker.Email, "decided_by": by.Email, "reason": b.Reason, "may_change": b.MayChange}})
	if err != nil {
		return BreakGlass{}, err
	}
	return getBreakGlass(ctx, tx, id, "")
}

// ApprovedFor reads an approved request for whoever asked; ErrNotApproved for
// anybody else, before the approval and after its hour.
func ApprovedFor(ctx context.Context, tx Tx, by Actor, id uuid.UUID) (BreakGlass, error) {
	b, err := getBreakGlass(ctx, tx, id, "")
	if err != nil {
		return BreakGlass{}, err
	}
	if b.State != Approved || b.Asker.ID != by.ID || !tx.At.Before(b.VisitUntil) {
		return BreakGlass{}, ErrNotApproved
	}
	return b, nil
}

const selectBreakGlass = `
	select b.id, b.operator_id, b.asked_by, a.email, b.reason, b.may_change, b.asked_at, b.expires_at, b.state,
	       b.decided_by, coalesce(d.email, ''), b.decided_at
	  from break_glass b
	  join staff_user a on a.id = b.asked_by
	  left join staff_user d on d.id = b.decided_by `

func scanBreakGlass(row pgx.CollectableRow) (BreakGlass, error) {
	var b BreakGlass
	var decider *uuid.UUID
	var decidedAt *time.Time
	err := row.Scan(&b.ID, &b.Operator, &b.Asker.ID, &b.Asker.Email, &b.Reason, &b.MayChange, &b.AskedAt, &b.ExpiresAt, &b.State,
		&decider, &b.Decider.Email, &decidedAt)
	b.AskedAt, b.ExpiresAt = b.AskedAt.UTC(), b.ExpiresAt.UTC()
	if decider != nil && decidedAt != nil {
		b.Decider.ID, b.DecidedAt = *decider, decidedAt.UTC()
	}
	if b.State == Approved {
		b.VisitUntil = b.DecidedAt.Add(enteredFor)
	}
	return b, err
}

func getBreakGlass(ctx context.Context, tx Tx, id uuid.UUID, lock string) (BreakGlass, error) {
	rows, err := tx.Query(ctx, selectBreakGlass+`where b.id = $1 `+lock, id)
	if err != nil {
		return BreakGlass{}, fmt.Errorf("read break-glass request: %w", err)
	}
	b, err := pgx.CollectExactlyOneRow(rows, scanBreakGlass)
	if errors.Is(err, pgx.ErrNoRows) {
		return BreakGlass{}, fmt.Errorf("break-glass request %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return BreakGlass{}, fmt.Errorf("read break-glass request: %w", err)
	}
	return b, nil
}

// BreakGlassQueue lists requests that wait for a decision, the oldest first.
func BreakGlassQueue(ctx context.Context, tx Tx, limit int) ([]BreakGlass, error) {
	return listBreakGlass(ctx, tx, `where b.state = 'asked' and b.expires_at > $1 order by b.asked_at limit $2`, tx.At, limit)
}

// BreakGlassOf lists an operator's requests, newest first.
func BreakGlassOf(ctx context.Context, tx Tx, operator tenant.ID, limit int) ([]BreakGlass, error) {
	return listBreakGlass(ctx, tx, `where b.operator_id = $1 order by b.asked_at desc limit $2`, operator, limit)
}

func listBreakGlass(ctx context.Context, tx Tx, where string, args ...any) ([]BreakGlass, error) {
	rows, err := tx.Query(ctx, selectBreakGlass+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list break-glass requests: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanBreakGlass)
	if err != nil {
		return nil, fmt.Errorf("list break-glass requests: %w", err)
	}
	return list, nil
}
