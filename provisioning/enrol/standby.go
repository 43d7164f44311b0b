package enrol

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// Mode is how a host and its standby work together.
type Mode string

// The modes of a standby. A host's commits wait for it in Waiting and
// Synchronous; only in Synchronous it has all that was answered.
const (
	Forming     Mode = "forming"     // its copy is being made
	Waiting     Mode = "waiting"     // the host is told to wait for it
	Synchronous Mode = "synchronous" // the host has said that it waits
	Alone       Mode = "alone"       // the host goes on without it
)

// modeMoves is the one table of what may follow what.
var modeMoves = map[Mode][]Mode{Forming: {Waiting}, Waiting: {Synchronous, Alone}, Synchronous: {Alone}, Alone: {Waiting}}

// May says whether a mode may follow.
func (m Mode) May(to Mode) bool { return slices.Contains(modeMoves[m], to) }

func (m Mode) waits() bool { return m == Waiting || m == Synchronous }

// after is the mode that follows what a host sees of its standby. A host does
// without it only once that is written down here: it waits until it is answered.
func (m Mode) after(f machine.Following) Mode {
	missed := time.Duration(f.MissedSeconds)*time.Second >= machine.StandbyPatience
	switch {
	case !m.waits() && f.Follows:
		return Waiting
	case m == Waiting && f.Waits && f.InStep:
		return Synchronous
	case m.waits() && !f.InStep && missed:
		return Alone
	default:
		return m
	}
}

// Follow takes how a host sees its standby and answers whether its commits are
// to wait for it. That they do no longer is an alarm until they do again.
func (d *Desk) Follow(ctx context.Context, s machine.Signed, f machine.Following, address string) (machine.Waiting, error) {
	var answer machine.Waiting
	err := d.hear(ctx, s, address, func(ctx context.Context, tx tenants.Tx, m Machine) error {
		if m.Role != machine.Host {
			return fmt.Errorf("a standby of machine %s, which is a %s: %w", m.ID, m.Role, ErrState)
		}
		mode, err := follow(ctx, tx, m, f)
		answer.Waits = mode.waits()
		return err
	})
	return answer, err
}

func follow(ctx context.Context, tx tenants.Tx, host Machine, f machine.Following) (Mode, error) {
	standby, err := standbyOf(ctx, tx, host.Operator)
	if errors.Is(err, ErrNotFound) {
		if _, err := tx.Exec(ctx, `delete from standby where operator_id = $1`, host.Operator); err != nil {
			return Alone, fmt.Errorf("forget standby of %s: %w", host.Operator, err)
		}
		return Alone, nil
	}
	if err != nil {
		return Alone, err
	}
	if standby.ID != f.Standby {
		return Alone, nil // it speaks of one that was shut out, and learns of this one with its next report
	}
	mode, err := modeOf(ctx, tx, standby)
	if err != nil {
		return Alone, err
	}
	next := mode.after(f)
	if next == mode {
		return mode, nil
	}
	if !mode.May(next) {
		return mode, fmt.Errorf("standby of %s is %s and can't become %s", host.Operator, mode, next)
	}
	return next, becomes(ctx, tx, standby, next)
}

// modeOf is how a standby and its host work together. One that has taken the
// place of another one begins anew.
func modeOf(ctx context.Context, tx tenants.Tx, standby Machine) (mode Mode, err error) {
	err = tx.QueryRow(ctx, `
		insert into standby (operator_id, machine_id, changed_at)
		values ($1, $2, $3)
		on conflict (operator_id) do update
		    set mode = case when standby.machine_id = $2 then standby.mode else 'forming' end,
		        changed_at = case when standby.machine_id = $2 then standby.changed_at else $3 end,
		        machine_id = $2
		returning mode`, standby.Operator, standby.ID, tx.At).Scan(&mode)
	if err != nil {
		return "", fmt.Errorf("mode of standby %s: %w", standby.ID, err)
	}
	return mode, nil
}

// becomes writes a decision down, with its alarm.
func becomes(ctx context.Context, tx tenants.Tx, standby Machine, to Mode) error {
	done, err := tx.Exec(ctx, `update standby set mode = $3, changed_at = $4 where operator_id = $1 and machine_id = $2`, standby.Operator, standby.ID, to, tx.At)
	if err == nil && done.RowsAffected() != 1 {
		err = ErrState
	}
	if err != nil {
		return fmt.Errorf("standby %s becomes %s: %w", standby.ID, to, err)
	}
	switch to {
	case Alone:
		err = alarm.Raise(ctx, tx, alarm.Fault{Kind: alarm.StandbyLost, Subject: standby.ID, Operator: standby.Operator, Detail: map[string]string{"machine": standby.Name}})
	case Synchronous:
		err = alarm.Clear(ctx, tx, alarm.StandbyLost, standby.ID)
	}
	if err != nil {
		return err
	}
	return tenants.Record(ctx, tx, tenants.System, tenants.Entry{Action: "standby." + string(to), Object: standby.ID, Detail: map[string]any{"operator": standby.Operator}})
}

// standbyOf is the standby of an operator's host; ErrNotFound if it has none.
func standbyOf(ctx context.Context, tx tenants.Tx, operator tenant.ID) (Machine, error) {
	return oneMachine(ctx, tx, `operator_id = $1 and role = 'standby' and state = 'enrolled'`, operator)
}

// standbyID is which machine is the standby of an operator's host; nil: none is.
func standbyID(ctx context.Context, tx tenants.Tx, operator tenant.ID) (*uuid.UUID, error) {
	standby, err := standbyOf(ctx, tx, operator)
	if errors.Is(err, ErrNotFound) {
		return nil, nil //nolint:nilnil // none is no fault
	}
	if err != nil {
		return nil, err
	}
	return &standby.ID, nil
}

// StandbyMode is how the standby of an operator's host works with it, and since
// when; ErrNotFound if it has none that the host knows of.
func StandbyMode(ctx context.Context, tx tenants.Tx, operator tenant.ID) (mode Mode, since time.Time, err error) {
	err = tx.QueryRow(ctx, `
		select s.mode, s.changed_at
		  from standby s
		  join machine m on m.id = s.machine_id and m.state = 'enrolled'
		 where s.operator_id = $1`, operator).Scan(&mode, &since)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return "", time.Time{}, fmt.Errorf("mode of the standby of %s: %w", operator, err)
	}
	return mode, since.UTC(), nil
}
