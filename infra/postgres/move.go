package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/tenant"
)

// Side is a host database as one end of a move.
type Side struct {
	Server   *Server
	Database string
}

// Move brings one slot from one host database to another while it is used. The
// slot keeps its name, which no other slot of any database has, so that
// PostgreSQL's own logical replication carries it.
//
// Each step may be cut off anywhere and called again. Forward is the stream
// from From to To; back is the one that keeps From whole after the switch.
type Move struct {
	Tenant   tenant.ID
	Slot     tenant.Slot
	From, To Side
	// Token grows with each attempt at the same tenant. Whoever comes back with
	// an older one changes nothing.
	Token int64
}

// RoleMover reads the stream of changes and nothing else.
const RoleMover = "tollhouse_mover"

// Errors of moves.
var (
	// ErrOtherVersion means that the two ends have not the same migrations.
	ErrOtherVersion = errors.New("the two host databases have not the same version")
	// ErrNotDrained means that somebody still writes though nobody may.
	ErrNotDrained = errors.New("a transaction does not end")
	// ErrOvertaken means that somebody with a newer token was here since.
	ErrOvertaken = errors.New("another attempt was here since")
	// ErrBehind means that a copy does not catch up in time.
	ErrBehind = errors.New("the copy is behind")
)

// Reverse is the same move the other way round.
func (m Move) Reverse() Move { m.From, m.To = m.To, m.From; return m }

// stream names publication, replication slot and subscription from one side to
// the other. The two directions must not meet in one cluster under one name.
func (m Move) stream() string {
	name := "mv_" + m.Slot.String() + "_" + m.To.Database
	return name[:min(len(name), 60)]
}

func (s Side) admin(ctx context.Context, fn func(*pgx.Conn) error) error {
	return s.Server.admin(ctx, s.Database, fn)
}

// Prepare makes the slot at the target, as empty as it was made, and has the
// source publish what is written from now on.
func (m Move) Prepare(ctx context.Context) error {
	for _, side := range []Side{m.From, m.To} {
		if err := side.Server.ensureMover(ctx, side.Database); err != nil {
			return err
		}
	}
	if err := m.To.Server.MakeSlot(ctx, m.To.Database, m.Slot); err != nil {
		return fmt.Errorf("make slot at the target: %w", err)
	}
	from, err := m.version(ctx, m.From)
	if err != nil {
		return err
	}
	to, err := m.version(ctx, m.To)
	if err != nil {
		return err
	}
	if from != to {
		return fmt.Errorf("%d at the source, %d at the target: %w", from, to, ErrOtherVersion)
	}
	return m.publish(ctx)
}

func (m Move) version(ctx context.Context, side Side) (version int64, err error) {
	err = side.admin(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `select max(version_id) from `+m.Slot.Schema()+`.`+versions).Scan(&version)
	})
	return version, err
}

func (s *Server) ensureMover(ctx context.Context, database string) error {
	return s.admin(ctx, database, func(conn *pgx.Conn) error {
		// The password is our own base64 text: it holds no quote.
		if err := ensureRole(ctx, conn, RoleMover, "login replication noinherit password '"+s.password(RoleMover)+"'"); err != nil {
			return err
		}
		// A follower sets its path by set_config, which PUBLIC may not.
		return execAll(ctx, conn, `grant connect on database `+pgx.Identifier{database}.Sanitize()+` to `+RoleMover,
			`grant execute on function set_config(text, text, boolean) to `+RoleMover)
	})
}

// publish has the source offer all of the slot's tables but the versions'.
func (m Move) publish(ctx context.Context) error {
	return m.From.admin(ctx, func(conn *pgx.Conn) error {
		names, err := m.tables(ctx, conn)
		if err != nil {
			return err
		}
		var there bool
		if err := conn.QueryRow(ctx, `select exists (select from pg_publication where pubname = $1)`, m.stream()).Scan(&there); err != nil || there {
			return err
		}
		return execAll(ctx, conn, `create publication `+m.stream()+` for table `+strings.Join(names, ", "))
	})
}

func (m Move) tables(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, `select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables where schemaname = $1 and tablename <> $2 order by tablename`,
		m.Slot.Schema(), versions)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Follow has the target apply what the source publishes.
func (m Move) Follow(ctx context.Context) error {
	return m.To.admin(ctx, func(conn *pgx.Conn) error {
		var there bool
		if err := conn.QueryRow(ctx, `select exists (select from pg_subscription where subname = $1)`, m.stream()).Scan(&there); err != nil || there {
			return err
		}
		link, err := m.From.link()
		if err != nil {
			return err
		}
		// The statement holds a password: errors do not repeat it.
		_, err = conn.Exec(ctx, `create subscription `+m.stream()+` connection '`+strings.ReplaceAll(link, "'", "''")+`' publication `+m.stream()+
			` with (create_slot = false, slot_name = '`+m.stream()+`', copy_data = false, binary = true)`)
		return err
	})
}

// link is how the other side reads the stream.
func (s Side) link() (string, error) {
	u, err := url.Parse(s.Server.url(s.Database, url.UserPassword(RoleMover, s.Server.password(RoleMover))))
	if err != nil {
		return "", err
	}
	q := u.Query()
	q.Set("connect_timeout", "10")
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// Unfollow ends the stream at both ends. What is gone already stays so.
func (m Move) Unfollow(ctx context.Context) error {
	if err := m.unsubscribe(ctx); err != nil {
		return err
	}
	return m.From.admin(ctx, func(conn *pgx.Conn) error {
		if err := m.dropReplicationSlot(ctx, conn); err != nil {
			return err
		}
		return execAll(ctx, conn, `drop publication if exists `+m.stream())
	})
}

func (m Move) unsubscribe(ctx context.Context) error {
	return m.To.admin(ctx, func(conn *pgx.Conn) error {
		var there bool
		if err := conn.QueryRow(ctx, `select exists (select from pg_subscription where subname = $1)`, m.stream()).Scan(&there); err != nil || !there {
			return err
		}
		return execAll(ctx, conn, `alter subscription `+m.stream()+` disable`, `alter subscription `+m.stream()+` set (slot_name = none)`,
			`drop subscription `+m.stream())
	})
}

// dropReplicationSlot also shows out who still reads it.
func (m Move) dropReplicationSlot(ctx context.Context, conn *pgx.Conn) error {
	for {
		var pid *int32
		err := conn.QueryRow(ctx, `select active_pid from pg_replication_slots where slot_name = $1`, m.stream()).Scan(&pid)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if pid == nil {
			_, err = conn.Exec(ctx, `select pg_drop_replication_slot($1)`, m.stream())
			if pg, is := errors.AsType[*pgconn.PgError](err); !is || pg.Code != "55006" { // in use again
				return err
			}
		} else if _, err := conn.Exec(ctx, `select pg_terminate_backend($1)`, *pid); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Keep has the source remember its changes from now on, for a stream that is
// read later.
func (m Move) Keep(ctx context.Context) error {
	if err := m.publish(ctx); err != nil {
		return err
	}
	return m.From.admin(ctx, func(conn *pgx.Conn) error {
		var there bool
		if err := conn.QueryRow(ctx, `select exists (select from pg_replication_slots where slot_name = $1)`, m.stream()).Scan(&there); err != nil || there {
			return err
		}
		_, err := conn.Exec(ctx, `select pg_create_logical_replication_slot($1, 'pgoutput')`, m.stream())
		return err
	})
}

// Lag is how far the target is behind.
type Lag struct {
	Bytes  int64
	Active bool // somebody reads the stream
}

// Lag asks the source.
func (m Move) Lag(ctx context.Context) (lag Lag, err error) {
	err = m.From.admin(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `
			select coalesce(pg_wal_lsn_diff(pg_current_wal_flush_lsn(), confirmed_flush_lsn), 0)::bigint, active
			  from pg_replication_slots where slot_name = $1`, m.stream()).Scan(&lag.Bytes, &lag.Active)
	})
	if err != nil {
		return Lag{}, fmt.Errorf("ask how far the copy is: %w", err)
	}
	return lag, nil
}

// CaughtUp waits until the target has all that the source has written by now.
func (m Move) CaughtUp(ctx context.Context) error {
	return m.From.admin(ctx, func(conn *pgx.Conn) error {
		// Insert, not flush: what committed without waiting for the disk counts.
		var upto string
		if err := conn.QueryRow(ctx, `select pg_current_wal_insert_lsn()::text`).Scan(&upto); err != nil {
			return err
		}
		for {
			var there bool
			err := conn.QueryRow(ctx, `select confirmed_flush_lsn >= $2::text::pg_lsn from pg_replication_slots where slot_name = $1`, m.stream(), upto).Scan(&there)
			if err != nil || there {
				return err
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%w: %w", ErrBehind, ctx.Err())
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
}

// Skip has the source forget the changes that it keeps, up to now.
func (m Move) Skip(ctx context.Context) error {
	return m.From.admin(ctx, func(conn *pgx.Conn) error {
		var upto string
		if err := conn.QueryRow(ctx, `select pg_current_wal_flush_lsn()::text`).Scan(&upto); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, `select pg_replication_slot_advance($1, $2::text::pg_lsn)`, m.stream(), upto)
		return err
	})
}
