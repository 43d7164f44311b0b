package enrol

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/provisioning"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// The desk is what fleet asks about a site's machines.
var _ provisioning.Hosts = (*Desk)(nil)

// Invite implements provisioning.Hosts.
func (d *Desk) Invite(ctx context.Context, site provisioning.Site) (provisioning.Invitation, error) {
	var made provisioning.Invitation
	err := d.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		operator, err := tenants.GetOperator(ctx, tx, site.Operator)
		if err != nil {
			return err
		}
		made = provisioning.Invitation{UserData: site.UserData, Revision: site.Revision}
		if made.UserData == "" {
			if err := d.inviteFirst(ctx, tx, site, operator.Name, &made); err != nil {
				return err
			}
		}
		if made.WorkerData, err = d.inviteBeside(ctx, tx, site, operator.Name, machine.Worker, site.Shape.Workers, &made); err != nil {
			return err
		}
		standbys := site.Shape.Beside() - site.Shape.Workers
		made.StandbyData, err = d.inviteBeside(ctx, tx, site, operator.Name, machine.Standby, standbys, &made)
		return err
	})
	return made, err
}

// inviteBeside invites so many machines beside a site's first and gives their
// user-data; none where no machine is wanted.
func (d *Desk) inviteBeside(ctx context.Context, tx tenants.Tx, site provisioning.Site, name string, role machine.Role, machines int, made *provisioning.Invitation) (string, error) {
	if machines == 0 {
		return "", nil
	}
	beside, err := d.Issue(ctx, tx, tenants.System, NewInvitation{Operator: site.Operator, Site: uuid.UUID(site.ID), Role: role,
		Place: machine.Dedicated, Name: name + " " + string(role), Machines: machines})
	if err != nil {
		return "", err
	}
	made.Until = beside.ExpiresAt
	return d.UserData(role, name, beside.Token)
}

// inviteFirst invites a site's first machine, in the place of all that were
// invited before and have not come.
func (d *Desk) inviteFirst(ctx context.Context, tx tenants.Tx, site provisioning.Site, name string, made *provisioning.Invitation) error {
	if err := withdrawAll(ctx, tx, site.ID); err != nil {
		return err
	}
	host, err := d.Issue(ctx, tx, tenants.System, NewInvitation{Operator: site.Operator, Site: uuid.UUID(site.ID), Role: machine.Host,
		Place: machine.Dedicated, Name: name, Replace: true})
	if err != nil {
		return err
	}
	made.Until = host.ExpiresAt
	made.UserData, err = d.UserData(machine.Host, name, host.Token)
	return err
}

func withdrawAll(ctx context.Context, tx tenants.Tx, site provisioning.SiteID) error {
	_, err := tx.Exec(ctx, `update enrolment set state = 'withdrawn', ended_at = $2 where site_id = $1 and state = 'open'`, uuid.UUID(site), tx.At)
	if err != nil {
		return fmt.Errorf("withdraw invitations to site %s: %w", site, err)
	}
	return nil
}

// Seen implements provisioning.Hosts.
func (d *Desk) Seen(ctx context.Context, id provisioning.SiteID) (provisioning.Seen, error) {
	var seen provisioning.Seen
	err := d.DB.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		m, err := oneMachine(ctx, tx, `site_id = $1 and role = 'host' and state = 'enrolled'`, uuid.UUID(id))
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err == nil {
			seen = m.seen(tx)
		}
		return err
	})
	return seen, err
}

func (m Machine) seen(tx tenants.Tx) provisioning.Seen {
	s := provisioning.Seen{Enrolled: true, Reason: "It has enrolled and has not reported yet.", At: m.heardAt(), Load: provisioning.Load{}}
	r := m.Report
	if r == nil {
		return s
	}
	s.Version, s.PublicURL, s.Reason = r.Version, r.PublicURL, ""
	switch m.Stands(tx.At) {
	case StandsHealthy:
		s.Healthy = true
	case StandsUnhealthy:
		s.Reason = r.Reason
	default:
		s.Reason = "It has said nothing since " + s.At.UTC().Format("2006-01-02 15:04:05 UTC") + "."
	}
	s.Load[provisioning.ChargesPerSecond] = r.ChargesPerSecond
	s.Load[provisioning.CPUPercent] = (r.CPUPermille + 9) / 10
	if r.MemoryTotal > 0 {
		s.Load[provisioning.MemoryPercent] = r.MemoryPercent()
	}
	for _, disk := range r.Disks {
		s.Load[provisioning.DiskPercent] = max(s.Load[provisioning.DiskPercent], disk.UsedPercent())
	}
	if r.P99Millis != nil {
		s.Load[provisioning.P99Millis] = *r.P99Millis
	}
	return s
}

// withdrawnSite is why machines of a site that is taken away are shut out.
const withdrawnSite = "Its site is taken away."

// Withdraw implements provisioning.Hosts.
func (d *Desk) Withdraw(ctx context.Context, id provisioning.SiteID) error {
	return d.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		if err := withdrawAll(ctx, tx, id); err != nil {
			return err
		}
		left, err := Machines(ctx, tx, MachineQuery{Site: uuid.UUID(id), Limit: 2 * maxMachines})
		if err != nil {
			return err
		}
		for _, m := range left {
			if err := revoke(ctx, tx, tenants.System, &m, withdrawnSite); err != nil {
				return err
			}
		}
		return nil
	})
}
