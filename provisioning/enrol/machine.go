package enrol

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
	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// Machine is a server that works for one operator alone.
type Machine struct {
	ID            uuid.UUID
	Operator      tenant.ID
	Site          uuid.UUID // zero: of no site in a cloud
	Role          machine.Role
	Place         machine.Place
	Name          string
	State         MachineState
	Key, Box      []byte // its public keys
	FormerKey     []byte // which may still ask for the change that it began
	KeysAt        time.Time
	Renew         bool // it is to change its keys
	Facts         machine.Facts
	Settings      Settings
	Report        *machine.Report // nil: it never reported
	ReportedAt    *time.Time
	Address       string // from which it spoke last
	EnrolledAt    time.Time
	RevokedAt     *time.Time
	RevokedReason string
	sequence      int64
}

// MachineState is whether a machine may speak to us.
type MachineState string

// The states of a machine.
const (
	Enrolled MachineState = "enrolled"
	Revoked  MachineState = "revoked"
)

// Silence is how long a machine may say nothing before that is an alarm.
const Silence = 2 * time.Minute

// Standing is how a machine does, in one word.
type Standing string

// How a machine may do.
const (
	StandsNew       Standing = "new" // it has not reported yet
	StandsHealthy   Standing = "healthy"
	StandsUnhealthy Standing = "unhealthy"
	StandsSilent    Standing = "silent"
	StandsRevoked   Standing = "revoked"
)

// Stands says how the machine does.
func (m Machine) Stands(at time.Time) Standing {
	switch {
	case m.State == Revoked:
		return StandsRevoked
	case at.Sub(m.heardAt()) > Silence:
		return StandsSilent
	case m.Report == nil:
		return StandsNew
	case !m.Report.Healthy:
		return StandsUnhealthy
	default:
		return StandsHealthy
	}
}

func (m Machine) heardAt() time.Time {
	if m.ReportedAt == nil {
		return m.EnrolledAt
	}
	return *m.ReportedAt
}

const machineColumns = `id, operator_id, site_id, role, place, name, state, public_key, former_key, box_key, sequence, keys_at, renew, facts, settings,
	report, reported_at, address, enrolled_at, revoked_at, revoked_reason`

func scanMachine(row pgx.CollectableRow) (Machine, error) {
	var m Machine
	var site *uuid.UUID
	err := row.Scan(&m.ID, &m.Operator, &site, &m.Role, &m.Place, &m.Name, &m.State, &m.Key, &m.FormerKey, &m.Box, &m.sequence, &m.KeysAt, &m.Renew,
		&m.Facts, &m.Settings, &m.Report, &m.ReportedAt, &m.Address, &m.EnrolledAt, &m.RevokedAt, &m.RevokedReason)
	if site != nil {
		m.Site = *site
	}
	m.KeysAt, m.EnrolledAt = m.KeysAt.UTC(), m.EnrolledAt.UTC()
	return m, err
}

func oneMachine(ctx context.Context, tx tenants.Tx, where string, args ...any) (Machine, error) {
	rows, err := tx.Query(ctx, `select `+machineColumns+` from machine where `+where, args...)
	if err != nil {
		return Machine{}, fmt.Errorf("read machine: %w", err)
	}
	m, err := pgx.CollectExactlyOneRow(rows, scanMachine)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Machine{}, fmt.Errorf("read machine: %w", err)
	}
	return m, nil
}

// GetMachine reads a machine; ErrNotFound if there is none.
func GetMachine(ctx context.Context, tx tenants.Tx, id uuid.UUID) (Machine, error) {
	return oneMachine(ctx, tx, `id = $1`, id)
}

// hostOf is the host that an operator has to itself.
func hostOf(ctx context.Context, tx tenants.Tx, operator tenant.ID) (Machine, error) {
	return oneMachine(ctx, tx, `operator_id = $1 and role = 'host' and state = 'enrolled'`, operator)
}

// MachineQuery says which machines are wanted. Zero values ask for all.
type MachineQuery struct {
	Operator tenant.ID
	Site     uuid.UUID
	Revoked  bool // those that were shut out as well
	After    uuid.UUID
	Limit    int
}

// Machines lists machines in the order they came.
func Machines(ctx context.Context, tx tenants.Tx, q MachineQuery) ([]Machine, error) {
	rows, err := tx.Query(ctx, `
		select `+machineColumns+`
		  from machine
		 where id > $1 and ($2::uuid = $3 or operator_id = $2) and ($4::uuid = $3 or site_id = $4) and (state = 'enrolled' or $5)
		 order by id
		 limit $6`, q.After, uuid.UUID(q.Operator), uuid.Nil, q.Site, q.Revoked, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("list machines: %w", err)
	}
	return pgx.CollectRows(rows, scanMachine)
}

// Change is what staff set of a machine.
type Change struct {
	Name     string
	Settings Settings
}

// Change sets a machine's name and settings; it fetches them with its next
// report. A repeat changes nothing.
func (d *Desk) Change(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID, c Change) (Machine, error) {
	var f faults
	c.Name = strings.TrimSpace(c.Name)
	f.unless(c.Name != "" && len([]rune(c.Name)) <= maxName, "name", fmt.Sprintf("a name of 1 to %d characters", maxName))
	c.Settings.check(&f)
	if err := f.err(); err != nil {
		return Machine{}, err
	}
	m, err := d.locked(ctx, tx, id)
	if err != nil {
		return Machine{}, err
	}
	m.Name, m.Settings = c.Name, c.Settings
	return m, d.record(ctx, tx, by, m, "machine.change", `update machine set name = $2, settings = $3 where id = $1`, m.ID, m.Name, m.Settings)
}

// RenewKeys has a machine change its keys with its next report.
func (d *Desk) RenewKeys(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID) (Machine, error) {
	m, err := d.locked(ctx, tx, id)
	if err != nil || m.Renew {
		return m, err
	}
	m.Renew = true
	return m, d.record(ctx, tx, by, m, "machine.renew_keys", `update machine set renew = true where id = $1`, m.ID)
}

// Revoke shuts a machine out for good: nothing that it says is heard any more.
// What it has it keeps; where it was stolen, its host's secrets are to be
// changed as well. A repeat changes nothing.
func (d *Desk) Revoke(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID, reason string) (Machine, error) {
	if reason = strings.TrimSpace(reason); reason == "" || len([]rune(reason)) > 500 {
		return Machine{}, &tenants.InvalidError{Fields: []tenants.FieldError{{Field: "reason", Want: "a reason of 1 to 500 characters"}}}
	}
	m, err := oneMachine(ctx, tx, `id = $1 for update`, id)
	if err != nil || m.State == Revoked {
		return m, err
	}
	return m, revoke(ctx, tx, by, &m, reason)
}

func revoke(ctx context.Context, tx tenants.Tx, by tenants.Actor, m *Machine, reason string) error {
	m.State, m.RevokedAt, m.RevokedReason = Revoked, &tx.At, reason
	done, err := tx.Exec(ctx, `update machine set state = 'revoked', revoked_at = $2, revoked_reason = $3 where id = $1 and state = 'enrolled'`, m.ID, tx.At, reason)
	if err == nil && done.RowsAffected() != 1 {
		err = ErrState
	}
	if err != nil {
		return fmt.Errorf("revoke machine %s: %w", m.ID, err)
	}
	for _, kind := range append(slices.Clone(conditions), alarm.StandbyLost) {
		if err := alarm.Clear(ctx, tx, kind, m.ID); err != nil {
			return err
		}
	}
	return tenants.Record(ctx, tx, by, tenants.Entry{Action: "machine.revoke", Object: m.ID, Detail: map[string]any{"reason": reason}})
}

// locked is an enrolled machine for a change of it.
func (d *Desk) locked(ctx context.Context, tx tenants.Tx, id uuid.UUID) (Machine, error) {
	m, err := oneMachine(ctx, tx, `id = $1 for update`, id)
	if err == nil && m.State != Enrolled {
		err = fmt.Errorf("machine %s: %w", id, ErrRevoked)
	}
	return m, err
}

func (d *Desk) record(ctx context.Context, tx tenants.Tx, by tenants.Actor, m Machine, action, statement string, args ...any) error {
	done, err := tx.Exec(ctx, statement, args...)
	if err == nil && done.RowsAffected() != 1 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("change machine %s: %w", m.ID, err)
	}
	return tenants.Record(ctx, tx, by, tenants.Entry{Action: action, Object: m.ID, Detail: map[string]any{"name": m.Name}})
}
