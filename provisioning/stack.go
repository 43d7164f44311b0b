package provisioning

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// Stack is one operator's stack as the control plane sees it.
type Stack struct {
	Operator    tenant.ID
	State       State
	Reason      string // why it failed
	Place       Place  // zero: none yet, or Own
	Own         bool   // machines of the operator's own make and carry it
	WantedHost  string // host database that staff chose; empty: any
	Epoch       int64
	Attempts    int
	NextTryAt   time.Time
	RequestedAt time.Time
	ReadyAt     *time.Time

	standingWanted, standingCarried int64
}

// firstEpoch is a stack's placement epoch until it is moved.
const firstEpoch = 1

// StandingCarried says whether the stack obeys the operator's standing as it is
// now, or will soon.
func (s Stack) StandingCarried() bool { return s.standingWanted == s.standingCarried }

// The reconciler is what takes tenants' requests for stacks.
var _ tenants.Stacks = (*Reconciler)(nil)

// Request writes down, in the caller's transaction, that an operator is to have
// a stack; ErrNoRoom, ErrHostFull or ErrNoHost where there is no place for it.
// Call Wake once it has committed.
func (r *Reconciler) Request(ctx context.Context, tx pgx.Tx, operator tenant.ID, where tenants.Placement, at time.Time) error {
	if err := mayCome(ctx, tx, where); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		insert into stack (operator_id, state, epoch, next_try_at, requested_at, own, wanted_host)
		values ($1, $2, $3, $4, $4, $5, $6)`, operator, Requested, firstEpoch, at, where.Own, where.Host)
	if err != nil {
		return fmt.Errorf("request stack: %w", err)
	}
	return nil
}

const stackColumns = `operator_id, state, reason, host, slot, epoch, attempts, next_try_at, requested_at, ready_at,
	standing_wanted, standing_carried, own, wanted_host`

func scanStack(row pgx.CollectableRow) (Stack, error) {
	var s Stack
	var slot string
	err := row.Scan(&s.Operator, &s.State, &s.Reason, &s.Place.Host, &slot, &s.Epoch, &s.Attempts, &s.NextTryAt, &s.RequestedAt, &s.ReadyAt,
		&s.standingWanted, &s.standingCarried, &s.Own, &s.WantedHost)
	s.NextTryAt, s.RequestedAt = s.NextTryAt.UTC(), s.RequestedAt.UTC()
	if s.ReadyAt != nil {
		*s.ReadyAt = s.ReadyAt.UTC()
	}
	if err != nil || slot == "" {
		return s, err
	}
	s.Place.Slot, err = tenant.ParseSlot(slot)
	return s, err
}

// Get reads an operator's stack; tenants.ErrNotFound if there is none.
func Get(ctx context.Context, tx tenants.Tx, operator tenant.ID) (Stack, error) {
	rows, err := tx.Query(ctx, `select `+stackColumns+` from stack where operator_id = $1`, operator)
	if err != nil {
		return Stack{}, fmt.Errorf("read stack of %s: %w", operator, err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, scanStack)
	if errors.Is(err, pgx.ErrNoRows) {
		return Stack{}, fmt.Errorf("stack of %s: %w", operator, tenants.ErrNotFound)
	}
	if err != nil {
		return Stack{}, fmt.Errorf("read stack of %s: %w", operator, err)
	}
	return s, nil
}

// Of reads the stacks of several operators.
func Of(ctx context.Context, tx tenants.Tx, operators []tenant.ID) (map[tenant.ID]Stack, error) {
	ids := make([]uuid.UUID, len(operators))
	for i, id := range operators {
		ids[i] = uuid.UUID(id)
	}
	rows, err := tx.Query(ctx, `select `+stackColumns+` from stack where operator_id = any ($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read stacks: %w", err)
	}
	stacks, err := pgx.CollectRows(rows, scanStack)
	if err != nil {
		return nil, fmt.Errorf("read stacks: %w", err)
	}
	byOperator := make(map[tenant.ID]Stack, len(stacks))
	for _, s := range stacks {
		byOperator[s.Operator] = s
	}
	return byOperator, nil
}
