package enrol

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// reportEvery is how often machines report, in seconds.
const reportEvery = 15

// configuration is what a machine works by at present, without its key.
func (d *Desk) configuration(ctx context.Context, tx tenants.Tx, m Machine) (machine.Configuration, error) {
	c := machine.Configuration{Role: m.Role, Name: m.Name, ReportEvery: reportEvery, PublicURL: m.Settings.PublicURL, Watch: m.Settings.Watch}
	if d.Wanted != nil && m.Site != uuid.Nil {
		wanted, err := d.Wanted(ctx, tx, m.Site)
		if err != nil {
			return c, fmt.Errorf("wanted version of site %s: %w", m.Site, err)
		}
		c.Binary = wanted
	}
	if m.Role == machine.Host {
		stack, err := d.stackOf(ctx, tx, m)
		if err != nil {
			return c, err
		}
		c.Stack = &stack
	}
	return c.Marked()
}

// stackOf is the stack that a host carries. It makes the stack itself as long
// as the owner's first password waits for it; a stack that stands elsewhere is
// moved in.
func (d *Desk) stackOf(ctx context.Context, tx tenants.Tx, m Machine) (machine.Stack, error) {
	operator, err := tenants.GetOperator(ctx, tx, m.Operator)
	if err != nil {
		return machine.Stack{}, err
	}
	own, err := ownHost(ctx, tx, m.Operator, "")
	if err != nil {
		return machine.Stack{}, err
	}
	password, err := tenants.OwnerPasswordHash(ctx, tx, m.Operator)
	if err != nil {
		return machine.Stack{}, err
	}
	return machine.Stack{Operator: operator, Slot: own.Slot.String(), Epoch: own.Epoch, SetUp: password != "", OwnerPassword: password}, nil
}

// sealedKey is the key of the machine's host, for this machine alone. An agent
// has none.
func (d *Desk) sealedKey(ctx context.Context, tx tenants.Tx, m Machine) ([]byte, error) {
	if m.Role == machine.Agent {
		return nil, nil
	}
	key, err := d.HostKey(ctx, tx, m.Operator)
	if errors.Is(err, ErrNotFound) {
		return nil, nil // a worker that came before its host
	}
	if err != nil {
		return nil, fmt.Errorf("host key of %s: %w", m.Operator, err)
	}
	return machine.SealFor(m.Box, key)
}

// Configuration answers a machine that asks for what it works by.
func (d *Desk) Configuration(ctx context.Context, s machine.Signed, address string) (machine.Configuration, error) {
	var c machine.Configuration
	err := d.hear(ctx, s, address, func(ctx context.Context, tx tenants.Tx, m Machine) (err error) {
		if c, err = d.configuration(ctx, tx, m); err != nil {
			return err
		}
		c.Key, err = d.sealedKey(ctx, tx, m)
		return err
	})
	return c, err
}
