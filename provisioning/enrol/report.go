package enrol

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tollhouse/provisioning"
	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/backup"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// Bounds beyond which a machine's report raises an alarm.
const (
	diskPercent     = 90
	memoryPercent   = 95
	certificateDays = 21
	backupAge       = 26 * time.Hour     // a nightly one, and two hours to make it
	drillAge        = 9 * 24 * time.Hour // a weekly one, and two days to make it
	drillSlow       = backup.MaxRestore
	clockOff        = 10 * time.Second
	// keysLast is how long a machine goes on with the same keys.
	keysLast = 90 * 24 * time.Hour
)

// Report takes what a machine says of itself and answers what it is to do.
func (d *Desk) Report(ctx context.Context, s machine.Signed, r machine.Report, address string) (machine.Orders, error) {
	if err := r.Check(); err != nil {
		return machine.Orders{}, err
	}
	var orders machine.Orders
	err := d.hear(ctx, s, address, func(ctx context.Context, tx tenants.Tx, m Machine) error {
		if r.Takings != nil {
			if err := keepTakings(ctx, tx, m, *r.Takings); err != nil {
				return err
			}
			r.Takings = nil // kept apart
		}
		if err := keepReport(ctx, tx, m, r); err != nil {
			return err
		}
		if m.Role == machine.Host && r.Stack == machine.StackReady {
			if err := stands(ctx, tx, m.Operator); err != nil {
				return err
			}
			if err := provisioning.OwnStands(ctx, tx, m.Operator); err != nil {
				return err
			}
		}
		if err := d.judgeReport(ctx, tx, m, r); err != nil {
			return err
		}
		configuration, err := d.configuration(ctx, tx, m)
		if err == nil && m.Role == machine.Host && r.Stack == machine.StackReady && r.Revision == configuration.Revision {
			if err := provisioning.OwnObeys(ctx, tx, m.Operator); err != nil { // it works by what the registry says now
				return err
			}
		}
		orders = machine.Orders{Time: tx.At, Revision: configuration.Revision, NewKeys: m.Renew || tx.At.Sub(m.KeysAt) > keysLast}
		if err == nil && m.Role == machine.Host && r.Stack == machine.StackReady {
			if orders.Takings, err = wantTakings(ctx, tx, m); err == nil {
				orders.TakeOut, err = wantTakeOut(ctx, tx, m, r)
			}
		}
		return err
	})
	return orders, err
}

func keepReport(ctx context.Context, tx tenants.Tx, m Machine, r machine.Report) error {
	// The new key was used: the one before it is not needed any more.
	done, err := tx.Exec(ctx, `update machine set report = $2, reported_at = $3, former_key = null where id = $1`, m.ID, r, tx.At)
	if err == nil && done.RowsAffected() != 1 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("keep report of machine %s: %w", m.ID, err)
	}
	return nil
}

// conditions are the alarms that a machine's silence or reports raise and clear.
var conditions = []alarm.Kind{alarm.MachineSilent, alarm.MachineUnhealthy, alarm.DiskLow, alarm.MemoryLow, alarm.CertificateEnds,
	alarm.ProcessGone, alarm.BackupOld, alarm.DrillFailed, alarm.ClockOff}

// judgeReport raises and clears a machine's alarms by what it says.
func (d *Desk) judgeReport(ctx context.Context, tx tenants.Tx, m Machine, r machine.Report) error {
	found := map[alarm.Kind]map[string]string{}
	if !r.Healthy {
		found[alarm.MachineUnhealthy] = map[string]string{"reason": r.Reason}
	}
	for _, disk := range r.Disks {
		if used := disk.UsedPercent(); used >= diskPercent {
			found[alarm.DiskLow] = map[string]string{"disk": disk.Path, "used": fmt.Sprintf("%d %%", used)}
		}
	}
	if used := r.MemoryPercent(); used >= memoryPercent {
		found[alarm.MemoryLow] = map[string]string{"used": fmt.Sprintf("%d %%", used)}
	}
	for _, c := range r.Certificates {
		switch {
		case c.Fault != "":
			found[alarm.CertificateEnds] = map[string]string{"certificate": c.Name, "reason": c.Fault}
		case c.EndsAt.Before(tx.At.AddDate(0, 0, certificateDays)):
			found[alarm.CertificateEnds] = map[string]string{"certificate": c.Name, "ends": c.EndsAt.UTC().Format(time.RFC3339)}
		}
	}
	if len(r.Missing) > 0 {
		found[alarm.ProcessGone] = map[string]string{"processes": strings.Join(r.Missing, ", ")}
	}
	if r.BackupAt != nil && tx.At.Sub(*r.BackupAt) > backupAge {
		found[alarm.BackupOld] = map[string]string{"backup": r.BackupAt.UTC().Format(time.RFC3339)}
	}
	if fault := drillFault(m, r, tx.At); fault != nil {
		found[alarm.DrillFailed] = fault
	}
	if off := time.Duration(r.OffsetMillis) * time.Millisecond; off.Abs() > clockOff {
		found[alarm.ClockOff] = map[string]string{"seconds": fmt.Sprintf("%d", int64(off.Abs()/time.Second))}
	}
	for _, kind := range conditions {
		var err error
		if detail, bad := found[kind]; bad {
			detail["machine"] = m.Name
			err = alarm.Raise(ctx, tx, alarm.Fault{Kind: kind, Subject: m.ID, Operator: m.Operator, Detail: detail})
		} else {
			err = alarm.Clear(ctx, tx, kind, m.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// drillFault is what is wrong with a host's drills; nil if nothing is. A host
// that keeps no backups of its own has none to make.
func drillFault(m Machine, r machine.Report, now time.Time) map[string]string {
	switch d := r.Drill; {
	case d == nil && r.BackupAt != nil && now.Sub(m.EnrolledAt) > drillAge:
		return map[string]string{"faults": string(backup.DrillOld)}
	case d == nil:
		return nil
	case d.Fault != "":
		return map[string]string{"faults": string(backup.DrillFailed), "reason": d.Fault, "drill": d.At.UTC().Format(time.RFC3339)}
	case now.Sub(d.At) > drillAge:
		return map[string]string{"faults": string(backup.DrillOld), "drill": d.At.UTC().Format(time.RFC3339)}
	case time.Duration(d.RestoredMS)*time.Millisecond > drillSlow:
		return map[string]string{"faults": string(backup.DrillSlow), "drill": d.At.UTC().Format(time.RFC3339)}
	}
	return nil
}

// silentAtOnce bounds how many silent machines one look raises alarms for.
const silentAtOnce = 200

// LookForSilence raises an alarm for each machine that has said nothing for too
// long. It is called every few seconds; the alarm is cleared by the machine's
// next report.
func (d *Desk) LookForSilence(ctx context.Context) error {
	return d.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		rows, err := tx.Query(ctx, `
			select id, operator_id, name, coalesce(reported_at, enrolled_at)
			  from machine m
			 where state = 'enrolled' and coalesce(reported_at, enrolled_at) < $1
			   and not exists (select from alarm a where a.kind = $2 and a.subject = m.id and a.state <> 'cleared')
			 order by id
			 limit $3`, tx.At.Add(-Silence), alarm.MachineSilent, silentAtOnce)
		if err != nil {
			return fmt.Errorf("look for silent machines: %w", err)
		}
		silent, err := collectSilent(rows)
		if err != nil {
			return fmt.Errorf("look for silent machines: %w", err)
		}
		for _, m := range silent {
			err := alarm.Raise(ctx, tx, alarm.Fault{Kind: alarm.MachineSilent, Subject: m.id, Operator: m.operator,
				Detail: map[string]string{"machine": m.name, "heard": m.heard.UTC().Format(time.RFC3339)}})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
