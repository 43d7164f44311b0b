package pair

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/infra/postgres"
	"tollhouse/provisioning"
	"tollhouse/provisioning/pair"
)

// Servers are those of all sites below a folder.
type Servers struct {
	dir      string
	variable string // of the environment, that names the folder to what runs in it
	settings map[string]string
}

// New takes the folder of local sites, and the variable by which what runs in
// one is known.
func New(dir, variable string, settings map[string]string) *Servers {
	return &Servers{dir: dir, variable: variable, settings: settings}
}

var _ pair.Nodes = (*Servers)(nil)

// serverWait bounds how long a server may take to start, in seconds.
const serverWait = "60"

// server is one of a site's two.
type server struct {
	*Servers
	site   string // folder of the site
	dir    string // of the server
	node   pair.Node
	socket string
	owner  *syscall.Credential
}

func (s *Servers) server(site provisioning.SiteID, n pair.Node) (server, error) {
	folder := filepath.Join(s.dir, site.String())
	one := server{Servers: s, site: folder, dir: filepath.Join(folder, "db-"+string(n)), node: n}
	// A socket's path has to be short.
	one.socket = filepath.Join(os.TempDir(), "tollhouse-"+site.String()[24:]+"-"+string(n))
	var err error
	one.owner, err = postgres.ServerUser()
	return one, err
}

func (s server) other() (server, error) {
	id, err := provisioning.ParseSiteID(filepath.Base(s.site))
	if err != nil {
		return server{}, err
	}
	return s.server(id, s.node.Other())
}

func (s server) data() string { return filepath.Join(s.dir, "data") }

// password is the administrator's, of both servers.
func (s server) password() (string, error) {
	path := filepath.Join(s.site, "db.password")
	text, err := os.ReadFile(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return strings.TrimSpace(string(text)), err
	}
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	if err := os.MkdirAll(s.site, 0o711); err != nil {
		return "", err
	}
	secret := base64.RawURLEncoding.EncodeToString(raw)
	// Whole or not at all, and never over one that is there.
	fresh := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(fresh, []byte(secret+"\n"), 0o600); err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(fresh) }()
	if err := os.Link(fresh, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	text, err = os.ReadFile(path)
	return strings.TrimSpace(string(text)), err
}

// URL is the administrator's address of a site's primary, whichever it is.
func (s *Servers) URL(site provisioning.SiteID, database string) (string, error) {
	a, err := s.server(site, pair.A)
	if err != nil {
		return "", err
	}
	b, err := a.other()
	if err != nil {
		return "", err
	}
	password, err := a.password()
	if err != nil {
		return "", err
	}
	return address(password, database, a.socket+","+b.socket, "read-write"), nil
}

func address(password, database, hosts, attributes string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(postgres.AdminUser, password), Path: "/" + database,
		RawQuery: url.Values{"host": {hosts}, "sslmode": {"disable"}, "target_session_attrs": {attributes}, "connect_timeout": {"2"}}.Encode()}
	return u.String()
}

func (s server) connect(ctx context.Context) (*pgx.Conn, error) {
	password, err := s.password()
	if err != nil {
		return nil, err
	}
	return pgx.Connect(ctx, address(password, "postgres", s.socket, "any"))
}

// asOwner is a command as the server's own user, known by the site's folder.
func (s server) asOwner(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	password, err := s.password()
	if err != nil {
		return nil, err
	}
	bin, err := postgres.ServerBinary(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", "TZ=UTC", "PGPASSWORD=" + password, s.variable + "=" + s.site}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: s.owner}
	return cmd, nil
}

func (s server) run(ctx context.Context, name string, args ...string) error {
	cmd, err := s.asOwner(ctx, name, args...)
	if err != nil {
		return err
	}
	// A server that stays would keep a pipe open: its words go to a file.
	log, err := os.OpenFile(filepath.Join(s.dir, "run.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s of server %s: %w (see %s)", name, s.node, err, log.Name())
	}
	return nil
}

// folders are the server's own user's.
func (s server) folders() error {
	for _, folder := range []string{s.dir, s.socket} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		if s.owner != nil {
			if err := os.Chown(folder, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
				return err
			}
		}
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (s server) isMade() bool { return exists(filepath.Join(s.data(), "PG_VERSION")) }

// isStandby says whether the folder is that of a standby.
func (s server) isStandby() bool { return exists(filepath.Join(s.data(), "standby.signal")) }

func (s server) fencedBy() string { return filepath.Join(s.dir, "fenced") }

// make makes an empty server, beside its place first.
func (s server) make(ctx context.Context) error {
	if s.isMade() {
		return nil
	}
	password, err := s.password()
	if err != nil {
		return err
	}
	fresh, words := filepath.Join(s.dir, "data.new"), filepath.Join(s.dir, "password.new")
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	if err := s.write(words, password); err != nil {
		return err
	}
	defer func() { _ = os.Remove(words) }()
	// Checksums are what a rewind goes by.
	if err := s.run(ctx, "initdb", "-D", fresh, "-U", postgres.AdminUser, "--pwfile="+words, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--data-checksums"); err != nil {
		return err
	}
	config := filepath.Join(fresh, "postgresql.conf")
	raw, err := os.ReadFile(config)
	if err == nil {
		err = s.write(config, string(raw)+"include_if_exists '../"+settingsName+"'\n")
	}
	if err != nil {
		return err
	}
	return os.Rename(fresh, s.data())
}

// settingsName is the file beside a server's data that holds its settings: not
// the command line, as a rewind starts the server by itself.
const settingsName = "node.conf"

// write writes a file that the server's own user reads.
func (s server) write(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	if s.owner == nil {
		return nil
	}
	return os.Chown(path, int(s.owner.Uid), int(s.owner.Gid))
}

// writeSettings writes those of ours, in the order of their names.
func (s server) writeSettings() error {
	settings := postgres.ServerSettings()
	settings["wal_keep_size"], settings["hot_standby"] = "512MB", "on"
	settings["unix_socket_directories"], settings["cluster_name"] = s.socket, "node_"+string(s.node)
	settings["wal_receiver_status_interval"], settings["wal_sender_timeout"], settings["wal_receiver_timeout"] = "1s", "10s", "10s"
	settings["wal_retrieve_retry_interval"] = "500ms"
	for name, value := range s.settings {
		settings[name] = value
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&text, "%s = '%s'\n", name, settings[name])
	}
	return s.write(filepath.Join(s.dir, settingsName), text.String())
}

// start has a server run that does not yet.
func (s server) start(ctx context.Context) error {
	if exists(s.fencedBy()) {
		return errFenced
	}
	if s.pid() != 0 {
		return nil
	}
	if err := s.writeSettings(); err != nil {
		return err
	}
	return s.run(ctx, "pg_ctl", "-D", s.data(), "-w", "-t", serverWait, "-l", filepath.Join(s.dir, "postgres.log"), "start")
}

// errFenced means that a server is not to be started.
var errFenced = errors.New("the server is fenced: it has to become a copy of the other one first")

// pid is the running postmaster's; zero if none runs.
func (s server) pid() int {
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 0 {
		return 0
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !strings.Contains(string(line), s.data()) {
		return 0
	}
	return pid
}

// kill ends a server at once, as a power cut would.
func (s server) kill(ctx context.Context) error {
	for began := time.Now(); ; {
		pid := s.pid()
		if pid == 0 {
			return nil
		}
		// The postmaster first: it starts nobody again; the others see it and end.
		_ = syscall.Kill(pid, syscall.SIGKILL)
		if time.Since(began) > 20*time.Second {
			return fmt.Errorf("server %s with process %d does not end", s.node, pid)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// gone waits until what a killed postmaster left has ended as well: until then
// they hold its shared memory.
func (s server) gone(ctx context.Context) error {
	for {
		left := 0
		entries, err := os.ReadDir("/proc")
		if err != nil {
			return err
		}
		for _, e := range entries {
			if cwd, err := os.Readlink(filepath.Join("/proc", e.Name(), "cwd")); err == nil && cwd == s.data() {
				left++
				if pid, err := strconv.Atoi(e.Name()); err == nil {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			}
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}
