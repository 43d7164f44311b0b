package enrol

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// Enrol takes a machine in, and answers with what it works by. One that comes
// again with the same token and key lost our answer, and gets it again. address
// is where it spoke from, for people.
func (d *Desk) Enrol(ctx context.Context, a machine.Application, address string) (machine.Welcome, error) {
	if err := checkApplication(a); err != nil {
		return machine.Welcome{}, err
	}
	var welcome machine.Welcome
	var refused *refusal
	err := d.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		var m Machine
		if m, refused, err = d.admit(ctx, tx, a, address); err != nil {
			return err
		}
		if !refused.none() {
			return settled(ctx, tx, refused)
		}
		configuration, err := d.configuration(ctx, tx, m)
		if err == nil {
			configuration.Key, err = d.sealedKey(ctx, tx, m)
		}
		welcome = machine.Welcome{Machine: m.ID, Time: tx.At, Configuration: configuration}
		return err
	})
	if err != nil {
		return machine.Welcome{}, err
	}
	if !refused.none() {
		d.Log.Warn("enrolment refused", "operator", a.Operator, "role", string(a.Role), "address", address, "error", refused.why)
		return machine.Welcome{}, refused.why
	}
	return welcome, nil
}

func checkApplication(a machine.Application) error {
	var f faults
	f.unless(a.Token != "" && len(a.Token) <= 200, "token", "the token of an invitation")
	f.unless(a.Operator != "" && len(a.Operator) <= 100, "operator", "the operator's name")
	f.unless(slices.Contains(machine.Roles, a.Role), "role", "host, worker, standby or agent")
	f.unless(len(a.Key) == machine.KeyBytes, "key", "an Ed25519 public key of 32 bytes")
	f.unless(len(a.Box) == machine.KeyBytes, "box", "an X25519 public key of 32 bytes")
	for _, text := range []string{a.Facts.Hostname, a.Facts.System, a.Facts.Kernel, a.Facts.Arch, a.Facts.Serial} {
		f.unless(len(text) <= 200, "facts", "texts of at most 200 characters")
	}
	if err := f.err(); err != nil {
		return err
	}
	if !a.IsProven() {
		return ErrProof
	}
	return nil
}

// admit judges an application. Whoever comes by an invitation waits at its row
// for whoever came before.
func (d *Desk) admit(ctx context.Context, tx tenants.Tx, a machine.Application, address string) (Machine, *refusal, error) {
	i, err := oneInvitation(ctx, tx, `hash = $1 for update`, hashOf(a.Token))
	if errors.Is(err, ErrNotFound) {
		return Machine{}, &refusal{ErrToken, alarm.Fault{Kind: alarm.TokenUnknown, Detail: map[string]string{"address": address, "operator": a.Operator}}}, nil
	}
	if err != nil {
		return Machine{}, nil, err
	}
	operator, err := tenants.GetOperator(ctx, tx, i.Operator)
	if err != nil {
		return Machine{}, nil, err
	}
	refuse := func(kind alarm.Kind, why error) (Machine, *refusal, error) {
		return Machine{}, &refusal{why, alarm.Fault{Kind: kind, Subject: i.ID, Operator: i.Operator,
			Detail: map[string]string{"address": address, "operator": a.Operator, "role": string(a.Role), "hostname": a.Facts.Hostname, "key": hex.EncodeToString(a.Key[:8])}}}, nil
	}
	if a.Operator != operator.Name || a.Role != i.Role {
		if i.State == Open { // it is in the wrong hands, or was carried to the wrong place
			if err := i.end(ctx, tx, Burnt); err != nil {
				return Machine{}, nil, err
			}
		}
		return refuse(alarm.TokenForeign, ErrTokenForeign)
	}
	m, err := oneMachine(ctx, tx, `id = (select machine_id from enrolment_use where enrolment_id = $1 and public_key = $2)`, i.ID, a.Key)
	switch {
	case err == nil && m.State == Revoked:
		return refuse(alarm.RevokedMachine, ErrRevoked)
	case err == nil && !bytes.Equal(m.Box, a.Box):
		return refuse(alarm.TokenReused, ErrTokenUsed)
	case err == nil:
		return m, nil, nil
	case !errors.Is(err, ErrNotFound):
		return Machine{}, nil, err
	case i.State == Used:
		return refuse(alarm.TokenReused, ErrTokenUsed)
	case !i.OpenAt(tx.At):
		return refuse(alarm.TokenLate, ErrTokenLate)
	}
	m, err = d.take(ctx, tx, i, a, address)
	return m, nil, err
}

// take makes the machine, in the place of a host or a standby that was there
// before.
func (d *Desk) take(ctx context.Context, tx tenants.Tx, i Invitation, a machine.Application, address string) (Machine, error) {
	m := Machine{ID: uuid.Must(uuid.NewV7()), Operator: i.Operator, Site: i.Site, Role: i.Role, Place: i.Place, Name: i.Name, State: Enrolled,
		Key: a.Key, Box: a.Box, KeysAt: tx.At, Facts: a.Facts, Settings: i.Settings, Address: address, EnrolledAt: tx.At}
	if i.Machines > 1 {
		m.Name = fmt.Sprintf("%s %d", i.Name, i.Used+1)
	}
	if m.Role == machine.Host || m.Role == machine.Standby {
		before, err := oneMachine(ctx, tx, `operator_id = $1 and role = $2 and state = 'enrolled' for update`, m.Operator, m.Role)
		if err == nil {
			err = revoke(ctx, tx, tenants.System, &before, fmt.Sprintf("Another %s has taken its place.", m.Role))
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return Machine{}, err
		}
	}
	if m.Role == machine.Host {
		if err := d.ensureOwnHost(ctx, tx, m.Operator); err != nil {
			return Machine{}, err
		}
	}
	if err := m.insert(ctx, tx); err != nil {
		return Machine{}, err
	}
	_, err := tx.Exec(ctx, `insert into enrolment_use (enrolment_id, public_key, machine_id, address, used_at) values ($1, $2, $3, $4, $5)`,
		i.ID, m.Key, m.ID, address, tx.At)
	if err != nil {
		return Machine{}, fmt.Errorf("note use of invitation %s: %w", i.ID, err)
	}
	if i.Used++; i.Used == i.Machines {
		i.State, i.EndedAt = Used, &tx.At
	}
	if err := i.write(ctx, tx); err != nil {
		return Machine{}, err
	}
	return m, tenants.Record(ctx, tx, tenants.System, tenants.Entry{Action: "machine.enrol", Object: m.ID,
		Detail: map[string]any{"operator": m.Operator, "role": m.Role, "invitation": i.ID, "address": address, "key": hex.EncodeToString(m.Key)}})
}

func (m Machine) insert(ctx context.Context, tx tenants.Tx) error {
	const uniqueViolation = "23505"
	_, err := tx.Exec(ctx, `
		insert into machine (id, operator_id, site_id, role, place, name, public_key, box_key, keys_at, facts, settings, address, enrolled_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $9)`,
		m.ID, m.Operator, optional(m.Site), m.Role, m.Place, m.Name, m.Key, m.Box, m.EnrolledAt, m.Facts, m.Settings, m.Address)
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == uniqueViolation && pg.ConstraintName == "machine_key" {
		return ErrKeyKnown
	}
	if err != nil {
		return fmt.Errorf("insert machine: %w", err)
	}
	return nil
}
