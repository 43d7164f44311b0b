package enrol

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// reportEvery is how often machines report, in seconds.
const reportEvery = 15

// configuration is what a machine works by at present, without its key.
func (d *Desk) configuration(ctx context.Context, tx tenants.Tx, m Machine) (machine.Configuration, error) {
	c := machine.Configuration{Role: m.Role, Name: m.Name, ReportEvery: reportEvery, PublicURL: m.Settings.PublicURL, Watch: m.Settings.Watch}
	if err := d.secure(ctx, tx, m, &c); err != nil {
		return c, err
	}
	if d.Wanted != nil && m.Site != uuid.Nil {
		wanted, err := d.Wanted(ctx, tx, m.Site)
		if err != nil {
			return c, fmt.Errorf("wanted version of site %s: %w", m.Site, err)
		}
		c.Binary = wanted
	}
	var err error
	switch m.Role {
	case machine.Host:
		var stack machine.Stack
		if stack, err = d.stackOf(ctx, tx, m); err != nil {
			return c, err
		}
		c.Stack = &stack
		if c.Workers, err = workersOf(ctx, tx, m.Operator); err != nil {
			return c, err
		}
		c.Standby, err = standbyID(ctx, tx, m.Operator)
	case machine.Worker, machine.Standby:
		c.Beside, err = besideOf(ctx, tx, m.Operator)
	}
	if err != nil {
		return c, err
	}
	return c.Marked()
}

// secure has the host of a dedicated stack answer by TLS itself, under the address
// that staff have set, else under its operator's name in our domain, else under
// the address of its site. What stands elsewhere has its own door before it.
func (d *Desk) secure(ctx context.Context, tx tenants.Tx, m Machine, c *machine.Configuration) error {
	if m.Role != machine.Host || m.Place != machine.Dedicated {
		return nil
	}
	switch {
	case c.PublicURL != "":
	case d.Domain != "":
		operator, err := tenants.GetOperator(ctx, tx, m.Operator)
		if err != nil {
			return err
		}
		c.PublicURL = "https://" + operator.Name + "." + d.Domain
	case d.Address != nil && m.Site != uuid.Nil:
		text, err := d.Address(ctx, tx, m.Site)
		if err != nil {
			return fmt.Errorf("address of site %s: %w", m.Site, err)
		}
		if address, err := netip.ParseAddr(text); err == nil && !address.IsLoopback() {
			c.PublicURL = "https://" + strings.TrimSuffix(netip.AddrPortFrom(address, 443).String(), ":443")
		}
	}
	c.HTTPS = &machine.HTTPS{Name: nameIn(c.PublicURL)}
	if c.HTTPS.Name != "" {
		c.HTTPS.Directory, c.HTTPS.Contact = d.HTTPS.Directory, d.HTTPS.Contact
	}
	return nil
}

// nameIn is the name for which a certificate is wanted; empty where none can be had.
func nameIn(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || net.ParseIP(u.Hostname()) != nil || !strings.Contains(u.Hostname(), ".") {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// maxWorkers bounds how many workers a host is told of.
const maxWorkers = 64

// workersOf are the workers of an operator's host, by what they said last; nil
// if it has none. Whether one is there at present the host finds out itself: it
// is asked every moment, and the control plane may be away.
func workersOf(ctx context.Context, tx tenants.Tx, operator tenant.ID) (*machine.Workers, error) {
	rows, err := tx.Query(ctx, `
		select report->'inside'->>'address'
		  from machine
		 where operator_id = $1 and role = 'worker' and state = 'enrolled'
		 order by id
		 limit $2`, operator, maxWorkers)
	if err != nil {
		return nil, fmt.Errorf("read workers of %s: %w", operator, err)
	}
	said, err := pgx.CollectRows(rows, pgx.RowTo[*string])
	if err != nil {
		return nil, fmt.Errorf("read workers of %s: %w", operator, err)
	}
	if len(said) == 0 {
		return nil, nil //nolint:nilnil // none is no fault
	}
	found := &machine.Workers{Addresses: []netip.AddrPort{}}
	for _, text := range said {
		if text == nil {
			continue
		}
		address, err := netip.ParseAddrPort(*text)
		if err != nil {
			return nil, fmt.Errorf("read workers of %s: address: %w", operator, err)
		}
		found.Addresses = append(found.Addresses, address)
	}
	return found, nil
}

// besideOf is the host beside which an operator's workers charge, and which its
// standby follows; nil as long as
// it has not said where its database is.
func besideOf(ctx context.Context, tx tenants.Tx, operator tenant.ID) (*machine.Beside, error) {
	host, err := hostOf(ctx, tx, operator)
	if errors.Is(err, ErrNotFound) || err == nil && (host.Report == nil || host.Report.Inside == nil) {
		return nil, nil //nolint:nilnil // none is no fault
	}
	if err != nil {
		return nil, err
	}
	inside := host.Report.Inside
	return &machine.Beside{Database: inside.Address, Certificate: inside.Certificate, Operator: operator}, nil
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
		return nil, nil // a worker or a standby that came before its host
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
