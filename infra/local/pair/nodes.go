package pair

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tollhouse/provisioning"
	"tollhouse/provisioning/pair"
)

// Look implements pair.Nodes.
func (s *Servers) Look(ctx context.Context, site provisioning.SiteID, n pair.Node) (seen pair.Sight) {
	one, err := s.server(site, n)
	if err == nil {
		err = one.look(ctx, &seen)
	}
	if err != nil {
		seen.Answers, seen.Detail = false, err.Error()
	}
	return seen
}

func (s server) look(ctx context.Context, seen *pair.Sight) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	err = conn.QueryRow(ctx, `
		select pg_is_in_recovery(), current_setting('synchronous_standby_names') <> '',
		       exists (select from pg_stat_replication where state = 'streaming' and sync_state in ('sync', 'quorum')),
		       exists (select from pg_stat_wal_receiver where status = 'streaming'),
		       (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text`).
		Scan(&seen.Standby, &seen.Waits, &seen.InStep, &seen.Streams, &seen.Location)
	seen.Answers = err == nil
	return err
}

// Begin makes and starts the first server of a site that has none yet, so that
// its stack can be made while the standby is.
func (s *Servers) Begin(ctx context.Context, site provisioning.SiteID) error {
	return s.locked(ctx, site, pair.A, func(a server) error {
		b, err := a.other()
		if err != nil || a.isMade() || b.isMade() {
			return err
		}
		return a.primary(ctx, true)
	})
}

// End stops both servers for good and takes away what they left outside the
// site's folder.
func (s *Servers) End(ctx context.Context, site provisioning.SiteID) error {
	return s.locked(ctx, site, pair.A, func(a server) error {
		b, err := a.other()
		if err != nil {
			return err
		}
		return errors.Join(a.fence(ctx), b.fence(ctx), os.RemoveAll(a.socket), os.RemoveAll(b.socket))
	})
}

// locked runs fn while nobody else works on a site's servers.
func (s *Servers) locked(ctx context.Context, site provisioning.SiteID, n pair.Node, fn func(one server) error) error {
	one, err := s.server(site, n)
	if err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(s.dir, "."+site.String()+".db.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	err = until(ctx, func() (bool, error) {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return fmt.Errorf("lock servers of site %s: %w", site, err)
	}
	return fn(one)
}

// Primary implements pair.Nodes.
func (s *Servers) Primary(ctx context.Context, site provisioning.SiteID, n pair.Node, standalone bool) error {
	return s.locked(ctx, site, n, func(one server) error { return one.primary(ctx, standalone) })
}

func (s server) primary(ctx context.Context, standalone bool) error {
	if err := s.folders(); err != nil {
		return err
	}
	if err := s.make(ctx); err != nil {
		return err
	}
	if s.isStandby() {
		return fmt.Errorf("server %s is a standby", s.node)
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	return s.waitFor(ctx, standalone)
}

// waitFor has a primary's commits wait for its standby, or for nobody.
func (s server) waitFor(ctx context.Context, nobody bool) error {
	names := "FIRST 1 (node_" + string(s.node.Other()) + ")"
	if nobody {
		names = ""
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	// The text is our own: it holds no quote.
	for _, statement := range []string{`alter system set synchronous_standby_names = '` + names + `'`, `select pg_reload_conf()`} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return until(ctx, func() (bool, error) { // the postmaster reloads in its own time
		var set string
		err := conn.QueryRow(ctx, `select setting from pg_settings where name = 'synchronous_standby_names'`).Scan(&set)
		return set == names, err
	})
}

// until asks again and again.
func until(ctx context.Context, is func() (bool, error)) error {
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

// Promote implements pair.Nodes.
func (s *Servers) Promote(ctx context.Context, site provisioning.SiteID, n pair.Node) error {
	return s.locked(ctx, site, n, func(one server) error { return one.promote(ctx) })
}

func (s server) promote(ctx context.Context) error {
	if err := s.start(ctx); err != nil {
		return err
	}
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var standby bool
	if err := conn.QueryRow(ctx, `select pg_is_in_recovery()`).Scan(&standby); err != nil {
		return err
	}
	if standby {
		var done bool
		if err := conn.QueryRow(ctx, `select pg_promote(true, 60)`).Scan(&done); err != nil {
			return err
		}
		if !done {
			return fmt.Errorf("server %s was not promoted within a minute", s.node)
		}
	}
	return s.waitFor(ctx, true)
}

// Fence implements pair.Nodes.
func (s *Servers) Fence(ctx context.Context, site provisioning.SiteID, n pair.Node) error {
	return s.locked(ctx, site, n, func(one server) error { return one.fence(ctx) })
}

func (s server) fence(ctx context.Context) error {
	if !s.isMade() {
		return nil
	}
	if err := os.WriteFile(s.fencedBy(), nil, 0o600); err != nil {
		return err
	}
	return errors.Join(s.kill(ctx), s.gone(ctx))
}

// Follow implements pair.Nodes.
func (s *Servers) Follow(ctx context.Context, site provisioning.SiteID, n pair.Node) error {
	return s.locked(ctx, site, n, func(one server) error { return one.follow(ctx) })
}

func (s server) follow(ctx context.Context) error {
	source, err := s.other()
	if err != nil {
		return err
	}
	if err := s.folders(); err != nil {
		return err
	}
	if s.isMade() && s.isStandby() && !exists(s.fencedBy()) {
		// It was cut off, or is behind: it goes on, if its source still has what it misses.
		soon, cancel := context.WithTimeout(ctx, catchUp)
		defer cancel()
		if s.start(soon) == nil && s.streams(soon) == nil {
			return nil
		}
	}
	// From here on it holds nothing that anybody counts on.
	if s.isMade() {
		if err := s.fence(ctx); err != nil {
			return err
		}
		soon, cancel := context.WithTimeout(ctx, rewindTakes)
		defer cancel()
		// Where a standby has parted from its source is not known: only what was a
		// primary, of an earlier timeline, is rewound.
		if !s.isStandby() && s.rewind(soon, source) == nil && s.begin(soon) == nil {
			return nil
		}
		if err := s.fence(ctx); err != nil {
			return err
		}
	}
	if err := s.copy(ctx, source); err != nil {
		return err
	}
	return s.begin(ctx)
}

const (
	// catchUp is how long a standby that was cut off has to stream again.
	catchUp = 10 * time.Second
	// rewindTakes is how long a rewind may take until all is copied instead.
	rewindTakes = 30 * time.Second
)

// begin starts a server that has become a copy.
func (s server) begin(ctx context.Context) error {
	if err := os.Remove(s.fencedBy()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	return s.streams(ctx)
}

func (s server) streams(ctx context.Context) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return until(ctx, func() (streams bool, err error) {
		err = conn.QueryRow(ctx, `select exists (select from pg_stat_wal_receiver where status = 'streaming')`).Scan(&streams)
		return streams, err
	})
}

// conninfo is how a standby reaches its source.
func (s server) conninfo(source server) (string, error) {
	password, err := s.password()
	return fmt.Sprintf("host=%s user=tollhouse_admin password=%s dbname=postgres application_name=node_%s sslmode=disable", source.socket, password, s.node), err
}

// rewind takes back what a former primary has and its source has not.
func (s server) rewind(ctx context.Context, source server) error {
	info, err := s.conninfo(source)
	if err != nil {
		return err
	}
	// A source that was promoted just now has its new timeline in memory only
	// until its next checkpoint, and a rewind would see no difference.
	conn, err := source.connect(ctx)
	if err == nil {
		_, err = conn.Exec(ctx, `checkpoint`)
		err = errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	if err != nil {
		return err
	}
	if err := s.run(ctx, "pg_rewind", "-D", s.data(), "--source-server="+info); err != nil {
		return err
	}
	return s.asStandby(info)
}

// copy makes the server anew, beside its place first.
func (s server) copy(ctx context.Context, source server) error {
	info, err := s.conninfo(source)
	if err != nil {
		return err
	}
	fresh := filepath.Join(s.dir, "data.new")
	for _, folder := range []string{fresh, s.data()} {
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	if err := s.run(ctx, "pg_basebackup", "-D", fresh, "-d", info, "-X", "stream", "-c", "fast"); err != nil {
		return err
	}
	if err := os.Rename(fresh, s.data()); err != nil {
		return err
	}
	return s.asStandby(info)
}

// asStandby writes into a copy whose standby it is. It waits for nobody with
// its own commits, should it have some one day.
func (s server) asStandby(info string) error {
	auto := filepath.Join(s.data(), "postgresql.auto.conf")
	raw, err := os.ReadFile(auto)
	if err != nil {
		return err
	}
	var kept []string
	for line := range strings.Lines(string(raw)) {
		if name, _, _ := strings.Cut(line, " "); name != "primary_conninfo" && name != "synchronous_standby_names" {
			kept = append(kept, strings.TrimRight(line, "\n"))
		}
	}
	kept = append(kept, "primary_conninfo = '"+info+"'", "recovery_target_timeline = 'latest'", "")
	for path, text := range map[string]string{auto: strings.Join(kept, "\n"), filepath.Join(s.data(), "standby.signal"): ""} {
		if err := s.write(path, text); err != nil {
			return err
		}
	}
	return nil
}
