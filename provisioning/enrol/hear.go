package enrol

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// hear judges a signed request and, where it is a machine's own and new, has fn
// answer it in the same transaction. What is refused leaves its alarm.
func (d *Desk) hear(ctx context.Context, s machine.Signed, address string, fn func(ctx context.Context, tx tenants.Tx, m Machine) error) error {
	var refused *refusal
	err := d.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		m, r, err := judge(ctx, tx, s, address)
		if refused = r; err != nil {
			return err
		}
		if !r.none() {
			return settled(ctx, tx, r)
		}
		m.Address = address
		if err := hearNumber(ctx, tx, m, s.Number); err != nil {
			return err
		}
		return fn(ctx, tx, m)
	})
	if err != nil {
		return err
	}
	if !refused.none() {
		return refused.why
	}
	return nil
}

// judge says whose request it is. The machine's row is locked: its requests
// are heard one after the other.
func judge(ctx context.Context, tx tenants.Tx, s machine.Signed, address string) (Machine, *refusal, error) {
	m, err := oneMachine(ctx, tx, `id = $1 for update`, s.Machine)
	if errors.Is(err, ErrNotFound) {
		return m, &refusal{why: ErrSignature}, nil
	}
	if err != nil {
		return m, nil, err
	}
	refuse := func(kind alarm.Kind, why error) (Machine, *refusal, error) {
		r := &refusal{why: why}
		if kind != "" {
			r.fault = alarm.Fault{Kind: kind, Subject: m.ID, Operator: m.Operator, Detail: map[string]string{"address": address, "path": s.Path, "machine": m.Name}}
		}
		return m, r, nil
	}
	off := tx.At.Sub(s.Time).Abs()
	switch {
	case !s.By(m.Key) && (s.Path != machine.PathKeys || !s.By(m.FormerKey)):
		return refuse(alarm.RequestForged, ErrSignature)
	case m.State == Revoked:
		return refuse(alarm.RevokedMachine, ErrRevoked)
	case off > machine.Tolerance: // its alarm comes with its next report, which says how far
		return refuse("", ErrClock)
	case s.Number <= m.sequence:
		return refuse(alarm.RequestReplay, ErrReplay)
	}
	return m, nil, nil
}

func hearNumber(ctx context.Context, tx tenants.Tx, m Machine, number int64) error {
	done, err := tx.Exec(ctx, `update machine set sequence = $2, address = $3 where id = $1 and sequence < $2`, m.ID, number, m.Address)
	if err == nil && done.RowsAffected() != 1 {
		err = ErrReplay
	}
	if err != nil {
		return fmt.Errorf("hear machine %s: %w", m.ID, err)
	}
	return nil
}

// ChangeKeys takes a machine's new keys, which it asks for with the old one. A
// machine that lost our answer asks again, with the old one still.
func (d *Desk) ChangeKeys(ctx context.Context, s machine.Signed, r machine.Renewal, address string) error {
	return d.hear(ctx, s, address, func(ctx context.Context, tx tenants.Tx, m Machine) error {
		if bytes.Equal(m.Key, r.Key) && s.By(m.FormerKey) {
			return nil // a repeat
		}
		if !s.By(m.Key) {
			return ErrSignature
		}
		if !r.IsProven(m.Key) {
			return ErrProof
		}
		return d.record(ctx, tx, tenants.System, m, "machine.keys_changed", `
			update machine set former_key = public_key, public_key = $2, box_key = $3, keys_at = $4, renew = false where id = $1`, m.ID, r.Key, r.Box, tx.At)
	})
}
