package backup

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/tenants"
)

// Report is what a server's keeper last said of its backups.
type Report struct {
	Server       string
	LastBackup   *time.Time
	LastFull     *time.Time
	LastArchived *time.Time // up to when nothing is lost if the server is
	Earliest     *time.Time // that can be restored
	ArchiveFault string
	SizeBytes    int64 // of the repository
	Encrypted    bool
	ReportedAt   time.Time
	KnownSince   time.Time // its first report
}

// What is promised, and when somebody is told.
const (
	// MaxLoss is how much may be lost with a server.
	MaxLoss = 5 * time.Minute
	// MaxRestore is how long a restore may take.
	MaxRestore = time.Hour
	// backupEvery, fullEvery and drillEvery are when another one is due.
	backupEvery = 24 * time.Hour
	fullEvery   = 7 * 24 * time.Hour
	drillEvery  = 7 * 24 * time.Hour
	// silentAfter is how old a report may be.
	silentAfter = 10 * time.Minute
)

// Fault is what should be looked at on a server.
type Fault string

// The faults of backups.
const (
	NeverBacked   Fault = "never"          // there is no backup yet
	BackupOld     Fault = "backup_old"     // the last one is older than a day and a half
	ArchiveBehind Fault = "archive_behind" // more would be lost than is promised
	NotEncrypted  Fault = "not_encrypted"
	Silent        Fault = "silent" // its keeper does not report
	DrillFailed   Fault = "drill_failed"
	DrillOld      Fault = "drill_old"  // the last one that went well is older than nine days
	DrillSlow     Fault = "drill_slow" // a restore takes longer than is promised
)

// Status is a server with its last drill and what is wrong.
type Status struct {
	Report
	Drill  *Run // the newest that has ended
	Faults []Fault
}

// Statuses reads all servers.
func Statuses(ctx context.Context, tx tenants.Tx) ([]Status, error) {
	reports, err := reports(ctx, tx, `order by server`)
	if err != nil {
		return nil, err
	}
	all := make([]Status, len(reports))
	for i, r := range reports {
		all[i].Report = r
		drill, found, err := LastRun(ctx, tx, r.Server, Drill, Done, Failed)
		if err != nil {
			return nil, err
		}
		if found {
			all[i].Drill = &drill
		}
		all[i].Faults = faults(r, all[i].Drill, tx.At)
	}
	return all, nil
}

// faults judges a server at an instant.
func faults(r Report, drill *Run, at time.Time) (found []Fault) {
	older := func(t *time.Time, than time.Duration) bool { return t == nil || at.Sub(*t) > than }
	add := func(f Fault, is bool) {
		if is {
			found = append(found, f)
		}
	}
	add(Silent, at.Sub(r.ReportedAt) > silentAfter)
	add(NeverBacked, r.LastBackup == nil)
	add(BackupOld, r.LastBackup != nil && older(r.LastBackup, backupEvery*3/2))
	add(ArchiveBehind, r.LastBackup != nil && (older(r.LastArchived, MaxLoss) || r.ArchiveFault != ""))
	add(NotEncrypted, r.LastBackup != nil && !r.Encrypted)
	add(DrillFailed, drill != nil && drill.State == Failed)
	add(DrillOld, r.LastBackup != nil && (drill == nil && older(r.Earliest, drillEvery) || drill != nil && older(&drill.AskedAt, drillEvery+48*time.Hour)))
	if drill != nil {
		ms, _ := drill.Result["restored_ms"].(float64)
		add(DrillSlow, time.Duration(ms)*time.Millisecond > MaxRestore)
	}
	return found
}

func reportOf(ctx context.Context, tx tenants.Tx, server string) (Report, error) {
	found, err := reports(ctx, tx, `where server = $1`, server)
	if err == nil && len(found) == 0 {
		err = ErrNoServer
	}
	if err != nil {
		return Report{}, err
	}
	return found[0], nil
}

func reports(ctx context.Context, tx tenants.Tx, which string, args ...any) ([]Report, error) {
	rows, err := tx.Query(ctx, `
		select server, last_backup, last_full, last_archived, earliest, archive_fault, size_bytes, encrypted, reported_at, known_since
		  from backup_report `+which, args...)
	if err != nil {
		return nil, fmt.Errorf("read reports of backups: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Report])
	if err != nil {
		return nil, fmt.Errorf("read reports of backups: %w", err)
	}
	return found, nil
}

// Note writes down what a server's keeper says.
func Note(ctx context.Context, tx tenants.Tx, r Report) error {
	_, err := tx.Exec(ctx, `
		insert into backup_report (server, last_backup, last_full, last_archived, earliest, archive_fault, size_bytes, encrypted, reported_at, known_since)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
		on conflict (server) do update
		   set last_backup = excluded.last_backup, last_full = excluded.last_full, last_archived = excluded.last_archived, earliest = excluded.earliest,
		       archive_fault = excluded.archive_fault, size_bytes = excluded.size_bytes, encrypted = excluded.encrypted, reported_at = excluded.reported_at`,
		r.Server, r.LastBackup, r.LastFull, r.LastArchived, r.Earliest, r.ArchiveFault, r.SizeBytes, r.Encrypted, tx.At)
	if err != nil {
		return fmt.Errorf("note report of %s: %w", r.Server, err)
	}
	return nil
}

// Words say what a fault is and what to do next.
func (f Fault) Words() string { return faultWords[f] }

var faultWords = map[Fault]string{
	NeverBacked:   "There is no backup yet: ask for a full one.",
	BackupOld:     "The last backup is older than a day and a half: ask for one and look why none was made.",
	ArchiveBehind: "The archive of the log is more than five minutes behind: see that the repository has room and can be written.",
	NotEncrypted:  "The repository is not encrypted: take it out of use and begin a new one.",
	Silent:        "The server's keeper has not reported for ten minutes: see that its process runs.",
	DrillFailed:   "The last drill failed: a restore may not work. Read its reason, mend it, ask for another.",
	DrillOld:      "No drill has been made for more than a week: ask for one.",
	DrillSlow:     "A restore takes longer than the hour that is promised: a faster disk or smaller servers are needed.",
}
