package pgbackrest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tollhouse/infra/postgres"
)

// ErrMissing means that pgBackRest is not installed.
var ErrMissing = errors.New("no pgBackRest found: install it with `apt-get install pgbackrest`")

// archiveEvery is how long a commit may wait for the archive: half of what is
// promised.
const archiveEvery = 2 * time.Minute

// stanza is what pgBackRest calls a server; a repository of ours holds one.
const stanza = "tollhouse"

// Archive keeps one server's backups.
type Archive struct {
	binary string
	data   string // folder of the embedded cluster
	repo   string
	escrow string
	master string // file of the master key, a copy of which is escrowed
	key    []byte // that itself, where it is in no file
	log    *slog.Logger
}

// Config says where everything is.
type Config struct {
	Data      string // folder of the embedded cluster (postgres.StartCluster)
	Repo      string // folder of the backups
	Escrow    string // folder of the keys: kept apart from the backups
	MasterKey string // file
	Key       []byte // the master key itself, where it is in no file
	Log       *slog.Logger
}

// New makes the configuration and keys of an archive; ErrMissing where
// pgBackRest is not installed.
func New(config Config) (*Archive, error) {
	binary, err := exec.LookPath("pgbackrest")
	if err != nil {
		return nil, ErrMissing
	}
	a := &Archive{binary: binary, data: config.Data, repo: config.Repo, escrow: config.Escrow, master: config.MasterKey, key: config.Key, log: config.Log}
	for _, path := range []*string{&a.data, &a.repo, &a.escrow, &a.master} {
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
	}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	for _, dir := range []string{a.repo, filepath.Join(a.repo, "log"), filepath.Join(a.repo, "lock"), filepath.Join(a.repo, "spool")} {
		if err := a.folder(dir); err != nil {
			return nil, err
		}
	}
	kit, err := a.Escrow()
	if err != nil {
		return nil, fmt.Errorf("escrow the keys: %w", err)
	}
	return a, a.writeConfig(a.configFile(), kit)
}

// folder makes a folder that the server's user owns.
func (a *Archive) folder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return a.give(dir)
}

func (a *Archive) give(path string) error {
	owner, err := postgres.ServerUser()
	if err != nil || owner == nil {
		return err
	}
	return os.Chown(path, int(owner.Uid), int(owner.Gid))
}

func (a *Archive) configFile() string { return filepath.Join(a.repo, "pgbackrest.conf") }

// Kit is what is needed beside the backups to read them, and what they hold.
type Kit struct {
	Note      string    `json:"note"`
	Cipher    string    `json:"repository_cipher_pass"`
	MasterKey []byte    `json:"master_key_file"`
	MadeAt    time.Time `json:"made_at"`
}

func (a *Archive) kitFile() string { return filepath.Join(a.escrow, "recovery-kit.json") }

// Escrow writes the recovery kit, or brings its copy of the master key up to
// date. Only we can read it; it belongs on paper or on another machine.
func (a *Archive) Escrow() (Kit, error) {
	kit, err := a.kit()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return kit, err
	}
	if kit.Cipher == "" {
		if entries, err := os.ReadDir(filepath.Join(a.repo, "backup")); err == nil && len(entries) > 0 {
			return kit, fmt.Errorf("%s is gone, and the backups in %s can't be read without it", a.kitFile(), a.repo)
		}
		raw := make([]byte, 36)
		if _, err := rand.Read(raw); err != nil {
			return kit, err
		}
		kit.Cipher, kit.MadeAt = base64.StdEncoding.EncodeToString(raw), time.Now().UTC().Truncate(time.Second)
		kit.Note = "Keep this apart from the backups. With it and the repository everything can be restored; without it nothing."
	}
	master := a.key
	if master == nil {
		if master, err = os.ReadFile(a.master); err != nil {
			return kit, err
		}
	}
	if bytes.Equal(master, kit.MasterKey) {
		return kit, nil
	}
	kit.MasterKey = master
	if err := os.MkdirAll(a.escrow, 0o700); err != nil {
		return kit, err
	}
	text, err := json.MarshalIndent(kit, "", "  ")
	if err != nil {
		return kit, err
	}
	return kit, replaceFile(a.kitFile(), append(text, '\n'))
}

func (a *Archive) kit() (kit Kit, err error) {
	text, err := os.ReadFile(a.kitFile())
	if err != nil {
		return kit, err
	}
	return kit, json.Unmarshal(text, &kit)
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), "writing-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// writeConfig writes pgBackRest's configuration from the kit.
func (a *Archive) writeConfig(path string, kit Kit) error {
	paths, err := postgres.ClusterPaths(a.data)
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# Written by tollhouse; changes are overwritten.
[global]
repo1-path=%s
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=%s
repo1-retention-full=2
repo1-retention-full-type=count
compress-type=lz4
process-max=2
start-fast=y
stop-auto=y
log-level-console=warn
log-level-file=detail
log-path=%s
lock-path=%s
spool-path=%s

[%s]
pg1-path=%s
pg1-socket-path=%s
pg1-user=%s
pg1-database=postgres
`, a.repo, kit.Cipher, filepath.Join(a.repo, "log"), filepath.Join(a.repo, "lock"), filepath.Join(a.repo, "spool"), stanza, paths.Data, paths.Socket, postgres.AdminUser)
	if before, err := os.ReadFile(path); err == nil && string(before) == b.String() {
		return nil
	}
	if err := replaceFile(path, []byte(b.String())); err != nil {
		return err
	}
	return a.give(path)
}

// Settings are what the server needs to archive.
func (a *Archive) Settings() map[string]string {
	return map[string]string{
		"archive_mode":    "on",
		"archive_command": a.binary + " --config=" + a.configFile() + " --stanza=" + stanza + " archive-push %p",
		"archive_timeout": fmt.Sprint(int(archiveEvery.Seconds())),
	}
}

// run calls pgBackRest as the server's user.
func (a *Archive) run(ctx context.Context, config string, args ...string) ([]byte, error) {
	password, err := postgres.AdminPassword(a.data)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, a.binary, append([]string{"--config=" + config, "--stanza=" + stanza}, args...)...)
	cmd.Dir = "/"
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", "TZ=UTC", "PGPASSWORD=" + password}
	owner, err := postgres.ServerUser()
	if err != nil {
		return nil, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: owner}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	var out, fault bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &fault
	if err := cmd.Run(); err != nil {
		words := strings.TrimSpace(out.String() + "\n" + fault.String())
		return nil, fmt.Errorf("pgbackrest %s: %w: %s", args[len(args)-1], err, words[max(0, len(words)-800):])
	}
	return out.Bytes(), nil
}

// Prepare makes the stanza. It may be called again.
func (a *Archive) Prepare(ctx context.Context) error {
	_, err := a.run(ctx, a.configFile(), "stanza-create")
	return err
}

// Backup makes a base backup, of all or of what changed since the last one.
func (a *Archive) Backup(ctx context.Context, full bool) error {
	kind := "incr"
	if full {
		kind = "full"
	}
	_, err := a.run(ctx, a.configFile(), "--type="+kind, "backup")
	return err
}
