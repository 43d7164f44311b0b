package tenants

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// State is how an operator stands with us.
type State string

// The states of an operator. Closed is where the end of a contract leads.
const (
	Active    State = "active"
	Suspended State = "suspended"
	Closed    State = "closed"
)

// stateMoves is the one table of what may follow what.
var stateMoves = map[State][]State{
	Active:    {Suspended},
	Suspended: {Active},
}

// ErrOperatorState refuses what the operator's state does not allow: to
// suspend one that is suspended, to resume one that is active.
var ErrOperatorState = errors.New("the operator's state does not allow that")

// Standing is how an operator stands, and since when.
type Standing struct {
	State       State
	SuspendedAt time.Time // zero while active
	Reason      string
	GraceDays   int   // of its contract: for so long service goes on after a suspension
	No          int64 // counts the changes
}

// ServiceUntil is when service ends; zero while the operator is active.
func (s Standing) ServiceUntil() time.Time {
	if s.State == Active {
		return time.Time{}
	}
	return s.SuspendedAt.AddDate(0, 0, s.GraceDays)
}

const maxReason = 500

// reasonOf is why somebody does something that others will want to understand.
func reasonOf(text string) (string, error) {
	text = strings.TrimSpace(text)
	var f faults
	f.unless(text != "" && len([]rune(text)) <= maxReason, "reason", "a reason of at most 500 characters")
	return text, f.err()
}

// Suspend stops an operator's console and sales; service goes on for the days
// of its contract. The stack is told by provisioning. ErrOperatorState if the
// operator is not active.
func (r *Registry) Suspend(ctx context.Context, tx Tx, by Actor, id tenant.ID, reason string) (Operator, error) {
	reason, err := reasonOf(reason)
	if err != nil {
		return Operator{}, err
	}
	return r.stand(ctx, tx, by, id, Suspended, reason)
}

// Resume lets an operator do everything again. ErrOperatorState if it was not
// suspended.
func (r *Registry) Resume(ctx context.Context, tx Tx, by Actor, id tenant.ID) (Operator, error) {
	return r.stand(ctx, tx, by, id, Active, "")
}

func (r *Registry) stand(ctx context.Context, tx Tx, by Actor, id tenant.ID, to State, reason string) (Operator, error) {
	o, err := lockOperator(ctx, tx, id)
	if err != nil {
		return Operator{}, err
	}
	if !slices.Contains(stateMoves[o.Standing.State], to) {
		return Operator{}, fmt.Errorf("operator %s is %s: %w", o.Name, o.Standing.State, ErrOperatorState)
	}
	o.Standing.State, o.Standing.Reason, o.Standing.SuspendedAt = to, reason, time.Time{}
	o.Standing.No++
	var suspendedAt *time.Time
	if to != Active {
		o.Standing.SuspendedAt, suspendedAt = tx.At, &tx.At
	}
	_, err = tx.Exec(ctx, `
		update operator set state = $2, suspended_at = $3, suspended_reason = $4, standing_no = $5
		 where id = $1`, o.ID, to, suspendedAt, reason, o.Standing.No)
	if err != nil {
		return Operator{}, fmt.Errorf("write standing of %s: %w", o.Name, err)
	}
	if err := r.stacks.Stand(ctx, tx.Tx, o.ID, o.Standing.No, tx.At); err != nil {
		return Operator{}, fmt.Errorf("carry standing of %s: %w", o.Name, err)
	}
	tx.AfterCommit(r.stacks.Wake)
	action := map[State]string{Suspended: "operator.suspend", Active: "operator.resume"}[to]
	detail := map[string]any{"name": o.Name}
	if to == Suspended {
		detail["reason"], detail["service_until"] = reason, o.Standing.ServiceUntil()
	}
	return o, Record(ctx, tx, by, Entry{Action: action, Object: uuid.UUID(id), Detail: detail})
}

func lockOperator(ctx context.Context, tx Tx, id tenant.ID) (Operator, error) {
	return oneOperator(ctx, tx, `select `+operatorColumns+` from operator where id = $1 for update`, id)
}

// OperatorQuery chooses operators.
type OperatorQuery struct {
	Text  string    // part of a name or of the owner's address; empty: all
	After tenant.ID // those after it, in the order they came; zero: from the first
	Limit int
}

// FindOperators lists operators that a text fits.
func FindOperators(ctx context.Context, tx Tx, q OperatorQuery) ([]Operator, error) {
	rows, err := tx.Query(ctx, `
		select `+operatorColumns+`
		  from operator
		 where id > $1
		   and ($2 = '' or position(lower($2) in lower(name || ' ' || display_name || ' ' || legal_name || ' ' || owner_email)) > 0)
		 order by id
		 limit $3`, uuid.UUID(q.After), strings.TrimSpace(q.Text), q.Limit)
	if err != nil {
		return nil, fmt.Errorf("find operators: %w", err)
	}
	operators, err := pgx.CollectRows(rows, scanOperator)
	if err != nil {
		return nil, fmt.Errorf("find operators: %w", err)
	}
	return operators, nil
}

// CountOperators counts operators by state, sandboxes apart.
func CountOperators(ctx context.Context, tx Tx) (byState map[State]int, sandboxes int, err error) {
	rows, err := tx.Query(ctx, `select state, sandbox, count(*) from operator group by state, sandbox`)
	if err != nil {
		return nil, 0, fmt.Errorf("count operators: %w", err)
	}
	byState = map[State]int{}
	var state State
	var sandbox bool
	var n int
	_, err = pgx.ForEachRow(rows, []any{&state, &sandbox, &n}, func() error {
		byState[state] += n
		if sandbox {
			sandboxes += n
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("count operators: %w", err)
	}
	return byState, sandboxes, nil
}
