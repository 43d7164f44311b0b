package local

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/audit"
	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
	"tollhouse/infra/pgbackrest"
	"tollhouse/infra/postgres"
	"tollhouse/infra/secrets"
	"tollhouse/provisioning"
	"tollhouse/provisioning/backup"
)

// Archive keeps the backups of an embedded server that carries host databases.
type Archive struct {
	Name     string // of the server
	Rest     *pgbackrest.Archive
	Admin    func(database string) string // of the server itself
	Hosts    func(ctx context.Context) ([]string, error)
	Side     string // folder for side clusters
	Vault    *Vault
	Anchors  func(ctx context.Context, id tenant.ID) ([]audit.Anchor, error)
	Now      func() time.Time
	Slots    func(host string) (*postgres.Server, string) // where restored data go
	prepared bool
	// Key says that the kit's master key is the key itself, not the text of a key file.
	Key bool
}

var _ backup.Archive = (*Archive)(nil)

// Server implements backup.Archive.
func (a *Archive) Server() string { return a.Name }

// Backup implements backup.Archive.
func (a *Archive) Backup(ctx context.Context, full bool) (map[string]any, error) {
	if err := a.Rest.Backup(ctx, full); err != nil {
		return nil, provisioning.Because("pgBackRest could not make the backup; the log says why.", err)
	}
	return map[string]any{}, nil
}

// Report implements backup.Archive. It also leaves a mark of the time in the
// log, by which a drill sees how much would have been lost.
func (a *Archive) Report(ctx context.Context) (backup.Report, error) {
	var r backup.Report
	if !a.prepared {
		if err := a.Rest.Prepare(ctx); err != nil {
			return r, err
		}
		a.prepared = true
	}
	if _, err := a.Rest.Escrow(); err != nil {
		return r, err
	}
	info, err := a.Rest.Info(ctx)
	if err != nil {
		return r, err
	}
	r.Encrypted = info.Encrypted
	for _, b := range info.Backups {
		r.LastBackup, r.SizeBytes = &b.EndedAt, r.SizeBytes+b.RepoBytes
		if b.Full {
			r.LastFull = &b.EndedAt
		}
		if r.Earliest == nil {
			r.Earliest = &b.EndedAt
		}
	}
	conn, err := pgx.Connect(ctx, a.Admin("postgres"))
	if err != nil {
		return r, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var failedAt *time.Time
	var failed *string
	err = conn.QueryRow(ctx, `select last_archived_time, last_failed_time, last_failed_wal from pg_stat_archiver`).Scan(&r.LastArchived, &failedAt, &failed)
	if err == nil && failedAt != nil && (r.LastArchived == nil || failedAt.After(*r.LastArchived)) {
		r.ArchiveFault = "archive-push of " + *failed + " failed; see postgres.log"
	}
	return r, errors.Join(err, a.mark(ctx))
}

// mark writes the time into each host database.
func (a *Archive) mark(ctx context.Context) error {
	hosts, err := a.Hosts(ctx)
	if err != nil {
		return err
	}
	for _, host := range hosts {
		err = errors.Join(err, onDatabase(ctx, a.Admin(host), func(conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, `insert into host.pulse (id, at) values (1, $1) on conflict (id) do update set at = excluded.at`, a.Now().UTC())
			return err
		}))
	}
	return err
}

func onDatabase(ctx context.Context, url string, fn func(conn *pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return fn(conn)
}

// errDrill means that what was restored is not what it should be.
var errDrill = errors.New("the restored data are not whole")

// Drill implements backup.Archive.
func (a *Archive) Drill(ctx context.Context, progress func(string) error) (map[string]any, error) {
	began := a.Now()
	side, err := a.Rest.Restore(ctx, filepath.Join(a.Side, "drill"), time.Time{}, progress)
	if err != nil {
		return nil, provisioning.Because("Nothing could be restored from the repository and the escrowed kit.", err)
	}
	defer func() { _ = side.Close() }()
	result := map[string]any{"restored_ms": side.Restored.Milliseconds()}
	if err := progress("check"); err != nil {
		return nil, err
	}
	hosts, err := a.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	box, err := a.boxOf(side.Kit)
	if err != nil {
		return result, provisioning.Because("The escrowed master key can't be read.", err)
	}
	stacks, loss := 0, time.Duration(0)
	for _, host := range hosts {
		n, at, err := a.check(ctx, side, host, box)
		stacks += n
		if err != nil {
			return result, provisioning.Because(fmt.Sprintf("In %s: %v.", host, err), err)
		}
		loss = max(loss, began.Sub(at))
	}
	result["stacks"], result["loss_seconds"] = stacks, int64(loss.Seconds())
	return result, nil
}

// boxOf opens the master key of a kit, as whoever has nothing else would.
func (a *Archive) boxOf(kit pgbackrest.Kit) (*secrets.Box, error) {
	if a.Key {
		return secrets.New(kit.MasterKey)
	}
	file, err := os.CreateTemp(a.Side, "master-*.key")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(kit.MasterKey)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	return secrets.Load(file.Name())
}

// check holds each stack of a restored database against its own books, the
// anchors and the escrowed key, and says of when the database is.
func (a *Archive) check(ctx context.Context, side *pgbackrest.Side, host string, box *secrets.Box) (stacks int, at time.Time, err error) {
	type placed struct {
		ID   tenant.ID
		Name string
		Slot string
	}
	var all []placed
	var wrapped [][]byte
	err = onDatabase(ctx, side.AdminURL(host), func(conn *pgx.Conn) error {
		if err := conn.QueryRow(ctx, `select at from host.pulse where id = 1`).Scan(&at); err != nil {
			return err
		}
		rows, err := conn.Query(ctx, `select tenant, name, slot from host.placement where state in ('ready', 'leaving') order by name`)
		if err != nil {
			return err
		}
		if all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[placed]); err != nil {
			return err
		}
		rows, err = conn.Query(ctx, `select wrapped from host.data_key where wrapped is not null order by tenant, version limit 1`)
		if err == nil {
			wrapped, err = pgx.CollectRows(rows, pgx.RowTo[[]byte])
		}
		return err
	})
	if err != nil {
		return 0, at, err
	}
	for _, w := range wrapped {
		if err := box.Opens(w); err != nil {
			return 0, at, fmt.Errorf("%w: the escrowed key does not open its data keys: %w", errDrill, err)
		}
	}
	server := postgres.NewServer(side.AdminURL("postgres"), box.Derive)
	for _, p := range all {
		slot, err := tenant.ParseSlot(p.Slot)
		if err != nil {
			return stacks, at, err
		}
		if err := a.checkStack(ctx, server, host, p.ID, slot); err != nil {
			return stacks, at, fmt.Errorf("%s: %w", p.Name, err)
		}
		stacks++
	}
	return stacks, at.UTC(), nil
}

func (a *Archive) checkStack(ctx context.Context, server *postgres.Server, host string, id tenant.ID, slot tenant.Slot) error {
	anchors, err := a.Anchors(ctx, id)
	if err != nil {
		return err
	}
	return server.Look(ctx, host, slot, id, func(ctx context.Context, tx tenant.Tx) error {
		sums, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		if err := sums.Check(); err != nil {
			return fmt.Errorf("%w: %w", errDrill, err)
		}
		head, err := audit.Head(ctx, tx)
		if err != nil {
			return err
		}
		for _, anchor := range anchors {
			if anchor.Seq > head.Seq {
				continue // of later than what was restored
			}
			seal, found, err := audit.GetSeal(ctx, tx, anchor.Seq)
			if err != nil {
				return err
			}
			if !found || hex.EncodeToString(seal.Hash) != hex.EncodeToString(anchor.Hash) {
				return fmt.Errorf("%w: seal %d is another than the anchored one", errDrill, anchor.Seq)
			}
		}
		return nil
	})
}

// Restore implements backup.Archive: one operator's data of an instant, in an
// empty slot beside the present one and as an archive of open files.
func (a *Archive) Restore(ctx context.Context, r backup.Run, at provisioning.Placed, progress func(string) error) (map[string]any, error) {
	var when time.Time
	if r.At != nil {
		when = *r.At
	}
	side, err := a.Rest.Restore(ctx, filepath.Join(a.Side, "restore"), when, progress)
	if err != nil {
		return nil, provisioning.Because("Nothing could be restored for that instant.", err)
	}
	defer func() { _ = side.Close() }()
	target, database := a.Slots(at.Place.Host)
	from := postgres.NewServer(side.AdminURL("postgres"), func(label string) []byte { return []byte(label) })
	slot, err := postgres.NewSlot()
	if err != nil {
		return nil, err
	}
	if err := progress("copy"); err != nil {
		return nil, err
	}
	if err := target.MakeSlot(ctx, database, slot); err != nil {
		return nil, provisioning.Because("No slot could be made.", err)
	}
	rows, err := postgres.Transfer(ctx, postgres.Side{Server: from, Database: database}, at.Place.Slot, postgres.Side{Server: target, Database: database}, slot)
	if err != nil {
		return nil, provisioning.Because("The tables could not be copied; perhaps the operator had no stack there at that instant.", err)
	}
	if err := progress("write"); err != nil {
		return nil, err
	}
	file := r.ID.String() + ".zip"
	_, sum, err := a.Vault.Keep(file, exportOf(ctx, from, database, at, a.Now()))
	if err != nil {
		return nil, err
	}
	return map[string]any{"rows": rows, "slot": slot.String(), "sha256": sum, "file": slot.String() + ", " + file, "restored_ms": side.Restored.Milliseconds()}, nil
}
