package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// RoleStandby is as whom a standby receives the log of a server of ours.
const RoleStandby = "tollhouse_standby"

// Bounds of what a standby may be behind, in bytes of the log.
const (
	nearlyAll = 16 << 20 // commits may begin to wait for it
	keptFor   = 8 << 30  // what is kept for one that is away; it is copied anew then
)

// StandbyName is what the machine of a standby is called where it connects.
func StandbyName(machine uuid.UUID) string {
	return standbyPrefix + strings.ReplaceAll(machine.String(), "-", "")
}

const standbyPrefix = "standby_"

// BeFollowed makes ready that the standby of this name (StandbyName) receives the
// log, and no other one; derive makes its password, as that of login roles. What
// the administrator commits waits for no standby: a server that starts while its
// standby is away has to come far enough to ask whether it may do without. What
// is answered to tenants is committed by their role, and everything before it is
// in the copy as well.
func (c *Cluster) BeFollowed(ctx context.Context, name string, derive func(label string) []byte) error {
	return c.asAdmin(ctx, func(conn *pgx.Conn) error {
		// The name is our own: it holds no quote.
		if err := execAll(ctx, conn, `set synchronous_commit = local`, `alter role `+admin+` set synchronous_commit = local`); err != nil {
			return err
		}
		password := rolePassword(derive, RoleStandby)
		if err := ensureRole(ctx, conn, RoleStandby, "login replication inherit password '"+password+"'"); err != nil {
			return err
		}
		if err := execAll(ctx, conn, `grant pg_monitor to `+RoleStandby); err != nil { // it sees how it stands itself
			return err
		}
		return c.keepFor(ctx, conn, name)
	})
}

// keepFor has the log kept for the standby of this name and for no other one,
// as long as that is not too much: then it is kept from now on.
func (c *Cluster) keepFor(ctx context.Context, conn *pgx.Conn, name string) error {
	_, err := conn.Exec(ctx, `
		select pg_drop_replication_slot(slot_name)
		  from pg_replication_slots
		 where slot_type = 'physical' and not active and starts_with(slot_name, $1)
		   and (slot_name <> $2 or pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) > $3)`, standbyPrefix, name, int64(keptFor))
	if err == nil && name != "" {
		_, err = conn.Exec(ctx, `
			select pg_create_physical_replication_slot($1, true)
			 where not exists (select from pg_replication_slots where slot_name = $1)`, name)
	}
	if err != nil {
		return fmt.Errorf("keep the log for standby %q: %w", name, err)
	}
	return nil
}

// Followed is how a server's standby follows it.
type Followed struct {
	Waits   bool  // commits wait for it
	Streams bool  // it receives the log
	Follows bool  // and has nearly all of it
	InStep  bool  // it has each commit before that is answered
	Behind  int64 // bytes of the log that it has not
	Seconds int64 // for how long it has had not what it has not
}

// Followed looks how the standby of this name follows.
func (c *Cluster) Followed(ctx context.Context, name string) (f Followed, err error) {
	err = c.asAdmin(ctx, func(conn *pgx.Conn) error {
		if err := c.keepFor(ctx, conn, name); err != nil {
			return err
		}
		return conn.QueryRow(ctx, `
			select current_setting('synchronous_standby_names') = $2, s.pid is not null,
			       coalesce(s.behind <= $3, false), s.pid is not null and s.sync_state = 'sync',
			       coalesce(greatest(s.behind, 0), 0)::bigint, coalesce(ceil(extract(epoch from s.flush_lag)), 0)::bigint
			  from (select) one
			  left join (select pid, sync_state, flush_lag, pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn) as behind
			               from pg_stat_replication
			              where application_name = $1 and state = 'streaming') s on true`, name, waitsFor(name), int64(nearlyAll)).
			Scan(&f.Waits, &f.Streams, &f.Follows, &f.InStep, &f.Behind, &f.Seconds)
	})
	if err != nil {
		return Followed{}, fmt.Errorf("look at standby %q: %w", name, err)
	}
	f.InStep = f.InStep && f.Waits
	return f, nil
}

func waitsFor(name string) string {
	if name == "" {
		return ""
	}
	return "FIRST 1 (" + name + ")"
}

// WaitFor has commits wait for the standby of this name; for nobody if it is
// empty. It lasts over starts of the server.
func (c *Cluster) WaitFor(ctx context.Context, name string) error {
	names := waitsFor(name)
	err := c.asAdmin(ctx, func(conn *pgx.Conn) error {
		// The name is our own: it holds no quote.
		if err := execAll(ctx, conn, `alter system set synchronous_standby_names = '`+names+`'`, `select pg_reload_conf()`); err != nil {
			return err
		}
		return soon(ctx, func() (bool, error) { // the postmaster reloads in its own time
			var set string
			err := conn.QueryRow(ctx, `select current_setting('synchronous_standby_names')`).Scan(&set)
			return set == names, err
		})
	})
	if err != nil {
		return fmt.Errorf("have commits wait for %q: %w", name, err)
	}
	return nil
}

// soon asks again and again until it is so.
func soon(ctx context.Context, is func() (bool, error)) error {
	for {
		done, err := is()
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (c *Cluster) asAdmin(ctx context.Context, fn func(conn *pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, c.AdminURL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return fn(conn)
}
