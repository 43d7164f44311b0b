package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// Primary is the server that a follower is a copy of.
type Primary struct {
	Address     netip.AddrPort
	Certificate []byte // in PEM: the only one that it may show (Cluster.Listen)
	Name        string // under which the follower connects (StandbyName)
	Derive      func(label string) []byte
}

// Follower is a copy of a server of ours in a data folder, which replays the
// other one's log. It answers on a Unix socket only.
type Follower struct {
	*Cluster
	primary Primary
}

// followerSettings are those of a copy. What a server needs as much of as the one
// that it follows is as much: see networkConnections.
var followerSettings = map[string]string{
	"hot_standby": "on", "max_connections": networkConnections, "synchronous_standby_names": "",
	"wal_receiver_status_interval": "1s", "wal_receiver_timeout": "10s", "wal_retrieve_retry_interval": "1s",
}

// StartFollower has a copy of the primary run in dir and waits until it answers.
// Where dir holds none it is made, which takes as long as all data take over the
// network. A server left over from a killed process is stopped first.
func StartFollower(ctx context.Context, dir string, primary Primary, log *slog.Logger) (*Follower, error) {
	c, err := newCluster(dir, ClusterOptions{Settings: followerSettings, Log: log})
	if err != nil {
		return nil, err
	}
	f := &Follower{Cluster: c, primary: primary}
	c.login = url.UserPassword(RoleStandby, rolePassword(primary.Derive, RoleStandby))
	if err := f.writeWay(); err != nil {
		return nil, fmt.Errorf("the way to the primary at %s: %w", primary.Address, err)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "data", "PG_VERSION")); err != nil {
		if err := f.copy(ctx); err != nil {
			return nil, err
		}
		if err := f.swapIn(); err != nil {
			return nil, err
		}
	}
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	return f, nil
}

// writeWay writes down how the primary is reached. The password stands in a file:
// command lines are seen by everybody on a machine.
func (f *Follower) writeWay() error {
	password := rolePassword(f.primary.Derive, RoleStandby)
	f.settings["primary_conninfo"], f.settings["primary_slot_name"] = f.way(f.primary.Name), f.primary.Name
	return errors.Join(f.give(f.trustPath(), f.primary.Certificate), f.give(f.passPath(), []byte("*:*:*:"+RoleStandby+":"+password+"\n")))
}

func (f *Follower) trustPath() string { return filepath.Join(f.dir, "primary.crt") }
func (f *Follower) passPath() string  { return filepath.Join(f.dir, "primary.pass") }

// way is how the primary is reached. It misses a follower that is cut off after
// five seconds.
func (f *Follower) way(name string) string {
	return fmt.Sprintf("host=%s hostaddr=%s port=%d user=%s application_name=%s sslmode=verify-full sslrootcert='%s' ssl_min_protocol_version=TLSv1.3 passfile='%s' gssencmode=disable options='-c wal_sender_timeout=5s' connect_timeout=5 keepalives_idle=5 keepalives_interval=2 keepalives_count=3",
		certificateName, f.primary.Address.Addr(), f.primary.Address.Port(), RoleStandby, name, f.trustPath(), f.passPath())
}

// copy makes a copy beside its place. A copy that is cut off is begun anew.
func (f *Follower) copy(ctx context.Context) error {
	fresh := f.fresh()
	if err := errors.Join(os.RemoveAll(fresh), os.RemoveAll(f.former())); err != nil {
		return err
	}
	// It is no standby while it is made: nobody is to wait for it. What the primary
	// writes meanwhile comes along, and from then on it keeps its log for us.
	cmd := f.command(ctx, "pg_basebackup", "-D", fresh, "-d", f.way("tollhouse_copy"), "-X", "stream", "--checkpoint=fast", "--no-password")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("copy the primary at %s: %w: %s", f.primary.Address, err, out[max(0, len(out)-500):])
	}
	return f.give(filepath.Join(fresh, "standby.signal"), nil)
}

func (f *Follower) fresh() string  { return filepath.Join(f.dir, "data.new") }
func (f *Follower) former() string { return filepath.Join(f.dir, "data.old") }

// swapIn puts the fresh copy in its place. The server does not run.
func (f *Follower) swapIn() error {
	data := filepath.Join(f.dir, "data")
	if err := os.Rename(data, f.former()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(f.fresh(), data); err != nil {
		return err
	}
	return os.RemoveAll(f.former())
}

// CopyAnew makes the copy anew, where the log does not lead on from the one that
// is there; that one stays until the new one is whole.
func (f *Follower) CopyAnew(ctx context.Context) error {
	if err := f.copy(ctx); err != nil {
		return err
	}
	f.Stop()
	if err := f.swapIn(); err != nil {
		return err
	}
	return f.run(ctx)
}

// Following is how far a copy is.
type Following struct {
	Streams bool  // it receives the log now
	Behind  int64 // bytes of what it knows that the primary has written and that it has not replayed
	Seconds int64 // how old what it has replayed is, where it has not all
}

// Following looks how far the copy is.
func (f *Follower) Following(ctx context.Context) (seen Following, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, f.AdminURL("postgres"))
	if err != nil {
		return seen, fmt.Errorf("look at the copy: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	err = conn.QueryRow(ctx, `
		select r.pid is not null, coalesce(greatest(pg_wal_lsn_diff(r.latest_end_lsn, pg_last_wal_replay_lsn()), 0), 0)::bigint,
		       case when r.latest_end_lsn <= pg_last_wal_replay_lsn() then 0
		            else coalesce(ceil(extract(epoch from now() - pg_last_xact_replay_timestamp())), 0) end::bigint
		  from (select) one
		  left join pg_stat_wal_receiver r on r.status = 'streaming'`).Scan(&seen.Streams, &seen.Behind, &seen.Seconds)
	if err != nil {
		return seen, fmt.Errorf("look at the copy: %w", err)
	}
	return seen, nil
}
