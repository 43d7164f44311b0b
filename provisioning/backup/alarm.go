package backup

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/provisioning/alarm"
	"tollhouse/tenants"
)

// alarmOf is the alarm that each fault belongs to.
var alarmOf = map[Fault]alarm.Kind{
	NeverBacked: alarm.BackupOld, BackupOld: alarm.BackupOld, Silent: alarm.BackupOld, NotEncrypted: alarm.BackupOld,
	ArchiveBehind: alarm.ArchiveBehind,
	DrillFailed:   alarm.DrillFailed, DrillOld: alarm.DrillFailed, DrillSlow: alarm.DrillFailed,
}

// graceOfFirst is how long a server may have no backup yet.
const graceOfFirst = 15 * time.Minute

// serverSubject is what alarms about a server's backups are about.
func serverSubject(server string) uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte("database server "+server))
}

// tell raises alarms for a server's faults and clears those that are over. What
// is known already is not counted again.
func tell(ctx context.Context, tx tenants.Tx, r Report, found []Fault) error {
	subject := serverSubject(r.Server)
	for _, kind := range []alarm.Kind{alarm.BackupOld, alarm.ArchiveBehind, alarm.DrillFailed} {
		var faults []string
		for _, f := range found {
			if alarmOf[f] == kind && (f != NeverBacked || tx.At.Sub(r.KnownSince) > graceOfFirst) {
				faults = append(faults, string(f))
			}
		}
		if len(faults) == 0 {
			if err := alarm.Clear(ctx, tx, kind, subject); err != nil {
				return err
			}
			continue
		}
		slices.Sort(faults)
		detail := map[string]string{"server": r.Server, "faults": strings.Join(faults, ", ")}
		moments := map[string]*time.Time{"backup": r.LastBackup, "archived": r.LastArchived, "heard": &r.ReportedAt}
		for name, at := range moments {
			if at != nil {
				detail[name] = at.UTC().Format(time.RFC3339)
			}
		}
		if r.ArchiveFault != "" {
			detail["reason"] = r.ArchiveFault
		}
		var known bool
		err := tx.QueryRow(ctx, `select exists (select from alarm where kind = $1 and subject = $2 and state <> 'cleared' and detail ->> 'faults' = $3)`,
			kind, subject, detail["faults"]).Scan(&known)
		if err == nil && !known {
			err = alarm.Raise(ctx, tx, alarm.Fault{Kind: kind, Subject: subject, Detail: detail})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Look judges all servers, also those whose keeper does not report any more.
func Look(ctx context.Context, db *tenants.DB) error {
	return db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		all, err := Statuses(ctx, tx)
		if err != nil {
			return err
		}
		for _, s := range all {
			if err := tell(ctx, tx, s.Report, s.Faults); err != nil {
				return err
			}
		}
		return nil
	})
}

// lookEvery is how soon a silent keeper is seen.
const lookEvery = time.Minute

// Watch looks until ctx ends.
func Watch(ctx context.Context, db *tenants.DB, log *slog.Logger) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := Look(ctx, db); err != nil && ctx.Err() == nil {
			log.Error("backups not judged", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
