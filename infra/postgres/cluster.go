package postgres

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is a PostgreSQL server of our own in a data folder. It listens on a
// Unix socket only, so it can't clash with a server that already runs, until
// Listen opens it to the machines beside its own.
type Cluster struct {
	dir    string // the cluster's folder
	socket string // folder of its socket
	bin    string
	login  *url.Userinfo       // as whom it is asked: its administrator, or a standby's role
	owner  *syscall.Credential // unprivileged user when we are root, else nil
	log    *slog.Logger

	mu       sync.Mutex
	settings map[string]string // of the next start of the server

	stop    context.CancelFunc
	stopped chan struct{}
}

// ClusterOptions are what a caller may set; zero values are sensible.
type ClusterOptions struct {
	Settings map[string]string // server settings over our own
	Log      *slog.Logger
}

// AdminUser is the superuser of an embedded cluster.
const AdminUser = "tollhouse_admin"

const admin = AdminUser

// Paths are where an embedded cluster's parts stand.
type Paths struct{ Data, Socket string }

// ClusterPaths are those of the cluster in a folder, whether it is there or not.
func ClusterPaths(dir string) (Paths, error) {
	dir, err := filepath.Abs(dir)
	return Paths{Data: filepath.Join(dir, "cluster", "data"), Socket: socketOf(dir)}, err
}

// ServerUser is as whom an embedded server runs; nil: as ourselves.
func ServerUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // nobody else is no fault
	}
	return unprivileged()
}

// AdminPassword is that of the embedded cluster in a folder.
func AdminPassword(dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "admin.password"))
	return strings.TrimSpace(string(text)), err
}

// ErrNoServer means that the PostgreSQL 15 server binaries are not installed.
var ErrNoServer = errors.New("no PostgreSQL server found: install it with `apt-get install postgresql-15`")

// durable settings are not to be overridden: see RequireDurable.
var clusterSettings = map[string]string{
	"listen_addresses":          "",
	"unix_socket_permissions":   "0700",
	"fsync":                     "on",
	"full_page_writes":          "on",
	"synchronous_commit":        "on",
	"wal_level":                 "logical",
	"max_connections":           "200",
	"shared_buffers":            "256MB",
	"max_locks_per_transaction": "512",
	"max_wal_size":              "4GB",
	// each stack that is moved, or may still go back, has a stream of its own
	"max_replication_slots":           "60",
	"max_wal_senders":                 "60",
	"max_logical_replication_workers": "40",
	"max_worker_processes":            "56",
	"checkpoint_timeout":              "15min",
	"jit":                             "off",
	"timezone":                        "UTC",
	"log_timezone":                    "UTC",
	"log_min_messages":                "warning",
	"log_min_error_statement":         "panic", // statements hold personal data
	"log_error_verbosity":             "terse", // so do details: "Key (email)=(…) already exists"
}

// ServerSettings are those that every server of ours has: a copy.
func ServerSettings() map[string]string { return maps.Clone(clusterSettings) }

// ServerBinary is where a program of the installed server is; ErrNoServer if
// none is.
func ServerBinary(name string) (string, error) {
	bin, err := serverBinaries()
	return filepath.Join(bin, name), err
}

// StartCluster starts the server in dir and waits until it answers. It creates
// the cluster when dir holds none. A server left over from a killed process is
// stopped first. If the server dies it is started again until Stop.
func StartCluster(ctx context.Context, dir string, options ClusterOptions) (*Cluster, error) {
	c, err := newCluster(dir, options)
	if err != nil {
		return nil, err
	}
	password, err := secretFile(filepath.Join(filepath.Dir(c.dir), "admin.password"))
	if err != nil {
		return nil, err
	}
	c.login = url.UserPassword(admin, password)
	if err := c.initialize(ctx, password); err != nil {
		return nil, fmt.Errorf("initialize cluster in %s: %w", c.dir, err)
	}
	if err := c.run(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// run starts the server and waits until it answers.
func (c *Cluster) run(ctx context.Context) error {
	if err := c.stopLeftover(ctx); err != nil {
		return err
	}
	runCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop, c.stopped = stop, make(chan struct{})
	go c.supervise(runCtx)
	if err := c.awaitReady(ctx); err != nil {
		c.Stop()
		return err
	}
	return nil
}

func newCluster(dir string, options ClusterOptions) (*Cluster, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	bin, err := serverBinaries()
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: filepath.Join(dir, "cluster"), bin: bin, log: options.Log, settings: map[string]string{}}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	for _, from := range []map[string]string{clusterSettings, options.Settings} {
		for name, value := range from {
			c.settings[name] = value
		}
	}
	if os.Geteuid() == 0 {
		if c.owner, err = unprivileged(); err != nil {
			return nil, err
		}
	}
	return c, c.makeFolders(dir)
}

func serverBinaries() (string, error) {
	for _, pattern := range []string{"/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/1[6-9]/bin", "/usr/local/pgsql/bin"} {
		found, _ := filepath.Glob(pattern)
		for _, dir := range found {
			if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
				return dir, nil
			}
		}
	}
	return "", ErrNoServer
}

// unprivileged picks the user the server runs as, since it refuses root.
func unprivileged() (*syscall.Credential, error) {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("started as root, and neither user postgres nor nobody exists to run the server")
}

// Reachable says whether the user the server will run as can reach dir. It
// matters to root only: a folder under /root, say, is closed to that user.
func Reachable(dir string) bool {
	if os.Geteuid() != 0 {
		return true
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		if info, err := os.Stat(parent); err == nil && info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if parent == filepath.Dir(parent) {
			return true
		}
	}
}

// maxSocketPath is the room sockaddr_un leaves for the folder.
const maxSocketPath = 85

func (c *Cluster) makeFolders(dir string) error {
	if !Reachable(c.dir) {
		return fmt.Errorf("user %d, who runs the database server for root, can't reach %s: choose another data folder", c.owner.Uid, dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	c.socket = socketOf(dir)
	for _, folder := range []string{c.dir, c.socket} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		if c.owner != nil {
			if err := os.Chown(folder, int(c.owner.Uid), int(c.owner.Gid)); err != nil {
				return err
			}
		}
	}
	return nil
}

// socketOf is where the socket of the cluster in a folder stands.
func socketOf(dir string) string {
	socket := filepath.Join(dir, "socket")
	if len(socket) > maxSocketPath {
		socket = filepath.Join(os.TempDir(), fmt.Sprintf("tollhouse-%x", fnv(dir)))
	}
	return socket
}

func fnv(text string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 1099511628211
	}
	return h
}

// secretFile reads a secret, or makes a new one that only we can read.
func secretFile(path string) (string, error) {
	if text, err := os.ReadFile(path); err == nil {
		return strings.TrimSpace(string(text)), nil
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	secret := base64.RawURLEncoding.EncodeToString(raw)
	return secret, os.WriteFile(path, []byte(secret+"\n"), 0o600)
}

// initialize runs initdb beside the final place and moves the result there, so
// that a cluster cut off half-made is never taken for a whole one.
func (c *Cluster) initialize(ctx context.Context, password string) error {
	if _, err := os.Stat(filepath.Join(c.dir, "data", "PG_VERSION")); err == nil {
		return nil
	}
	fresh := filepath.Join(c.dir, "data.new")
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	passwordFile := filepath.Join(c.dir, "password.new")
	if err := os.WriteFile(passwordFile, []byte(password), 0o600); err != nil {
		return err
	}
	defer func() { _ = os.Remove(passwordFile) }()
	if c.owner != nil {
		if err := os.Chown(passwordFile, int(c.owner.Uid), int(c.owner.Gid)); err != nil {
			return err
		}
	}
	cmd := c.command(ctx, "initdb", "-D", fresh, "-U", admin, "--pwfile="+passwordFile,
		"-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return os.Rename(fresh, filepath.Join(c.dir, "data"))
}

func (c *Cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	// A neutral environment: PG* variables of the caller must not leak in.
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: c.owner}
	return cmd
}

// supervise keeps one server running until ctx ends, then stops it.
func (c *Cluster) supervise(ctx context.Context) {
	defer close(c.stopped)
	// The death signal below is tied to the thread that starts the server.
	runtime.LockOSThread()
	for ctx.Err() == nil {
		err := c.runServer(ctx)
		if ctx.Err() != nil {
			return
		}
		c.log.Error("database server ended, starting it again", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(300 * time.Millisecond):
		}
	}
}

func (c *Cluster) runServer(ctx context.Context) error {
	logFile, err := os.OpenFile(filepath.Join(filepath.Dir(c.dir), "postgres.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = logFile.Close() }()
	args := []string{"-D", filepath.Join(c.dir, "data"), "-k", c.socket}
	c.mu.Lock()
	for name, value := range c.settings {
		args = append(args, "-c", name+"="+value)
	}
	c.mu.Unlock()
	cmd := c.command(ctx, "postgres", args...)
	cmd.Stdout, cmd.Stderr = logFile, logFile
	// If we are killed outright, the server shuts down in good order by itself.
	cmd.SysProcAttr.Pdeathsig = syscall.SIGINT
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 60 * time.Second
	return cmd.Run()
}

// stopLeftover ends a server that a killed process left in our folder.
func (c *Cluster) stopLeftover(ctx context.Context) error {
	deadline := time.Now().Add(60 * time.Second)
	for {
		pid := c.ServerPID()
		if pid == 0 || syscall.Kill(pid, 0) != nil || !c.isOurs(pid) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("database server %d in %s doesn't stop: stop it and try again", pid, c.dir)
		}
		_ = syscall.Kill(pid, syscall.SIGINT)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// isOurs guards against a process that got the old server's number.
func (c *Cluster) isOurs(pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && strings.Contains(string(line), filepath.Join(c.dir, "data"))
}

// ServerPID is the postmaster's process id, 0 when none is recorded.
func (c *Cluster) ServerPID() int {
	text, err := os.ReadFile(filepath.Join(c.dir, "data", "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(strings.TrimSpace(first))
	return pid
}

func (c *Cluster) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 120*time.Second)
	defer cancel()
	var last error
	for {
		conn, err := pgx.Connect(ctx, c.AdminURL("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("database server in %s doesn't answer: %w (see postgres.log there)", c.dir, last)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// AdminURL is the connection string of the cluster's superuser for a database; of
// a follower that of its standby's role.
func (c *Cluster) AdminURL(database string) string {
	u := url.URL{Scheme: "postgres", User: c.login, Path: "/" + database,
		RawQuery: url.Values{"host": {c.socket}, "sslmode": {"disable"}}.Encode()}
	return u.String()
}

// Stop shuts the server down and waits for it. A second Stop is harmless.
func (c *Cluster) Stop() {
	c.stop()
	<-c.stopped
}
