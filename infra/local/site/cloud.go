package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tollhouse/infra/local/pair"
	"tollhouse/provisioning"
	roles "tollhouse/provisioning/pair"
)

// Cloud makes sites in folders of this machine.
type Cloud struct {
	dir     string
	now     func() time.Time
	servers *pair.Servers // of sites with a standby
}

// Open makes the folder, if it is not there yet.
func Open(dir string, now func() time.Time) (*Cloud, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	// The database server of a site may run as another user: it has to get
	// through, but sees no names.
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, fmt.Errorf("folder of local sites: %w", err)
	}
	return &Cloud{dir: dir, now: now, servers: pair.New(dir, folderVariable, nil)}, nil
}

var _ provisioning.Sites = (*Cloud)(nil)

// Servers are the database servers of sites with a standby.
func (c *Cloud) Servers() *pair.Servers { return c.servers }

// record is what a folder's site.json holds.
type record struct {
	Site    string             `json:"site"`
	Name    string             `json:"name"`
	Wanted  int64              `json:"wanted"` // revision
	Shape   provisioning.Shape `json:"shape"`
	BeganAt time.Time          `json:"began_at"`
	Leaving bool               `json:"leaving,omitempty"`
}

const recordName = "site.json"

func (c *Cloud) folder(id provisioning.SiteID) string { return filepath.Join(c.dir, id.String()) }

// locked runs fn while no other process works on the site.
func (c *Cloud) locked(id provisioning.SiteID, fn func(folder string) (provisioning.Observed, error)) (provisioning.Observed, error) {
	lock, err := os.OpenFile(filepath.Join(c.dir, "."+id.String()+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return provisioning.Observed{}, because(err)
	}
	defer func() { _ = lock.Close() }()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return provisioning.Observed{}, provisioning.Because("Another control plane on this machine works on it just now.", err)
	}
	return fn(c.folder(id))
}

func because(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return provisioning.Because("The disk of this machine is full: there is no room for a site.", err)
	}
	return provisioning.Because("The folder of local sites could not be used.", err)
}

func read(folder string) (r record, found bool, err error) {
	raw, err := os.ReadFile(filepath.Join(folder, recordName))
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, false, nil
	}
	if err != nil {
		return record{}, false, because(err)
	}
	return r, true, json.Unmarshal(raw, &r)
}

// write replaces a file whole.
func write(folder, name string, content []byte, mode os.FileMode) error {
	fresh := filepath.Join(folder, name+".new")
	if err := os.WriteFile(fresh, content, mode); err != nil {
		return because(err)
	}
	if err := os.Rename(fresh, filepath.Join(folder, name)); err != nil {
		return because(err)
	}
	return nil
}

func (r record) keep(folder string) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return write(folder, recordName, raw, 0o600)
}

// Ensure implements provisioning.Sites.
func (c *Cloud) Ensure(ctx context.Context, want provisioning.Site) (provisioning.Observed, error) {
	return c.locked(want.ID, func(folder string) (provisioning.Observed, error) {
		r, found, err := read(folder)
		if err != nil {
			return provisioning.Observed{}, err
		}
		if found && (r.Leaving || want.Revision < r.Wanted) {
			return c.look(ctx, want.ID, folder, r), nil
		}
		if found && r.Wanted > 0 && r.Shape.Standby != want.Shape.Standby {
			return provisioning.Observed{}, provisioning.Because("A standby is neither given to a site that stands nor taken from it here: make another site of the size that is wanted, and move the stack there.", errStandby)
		}
		if !found {
			r = record{Site: want.ID.String(), BeganAt: c.now().UTC()}
			if err := os.MkdirAll(folder, 0o711); err != nil {
				return provisioning.Observed{}, because(err)
			}
		}
		data := map[string]string{"machine": want.UserData}
		for i := range want.Shape.Workers {
			data[fmt.Sprintf("worker-%d", i+1)] = want.WorkerData
		}
		if err := c.fewer(folder, r.Shape.Workers, want.Shape.Workers); err != nil {
			return provisioning.Observed{}, err
		}
		r.Name, r.Wanted, r.Shape = want.Name, want.Revision, want.Shape
		if err := r.keep(folder); err != nil {
			return provisioning.Observed{}, err
		}
		database, err := c.database(ctx, want)
		if err != nil {
			return provisioning.Observed{}, err
		}
		for name, script := range data {
			if err := start(filepath.Join(folder, name), script, database...); err != nil {
				return provisioning.Observed{}, err
			}
		}
		return c.look(ctx, want.ID, folder, r), nil
	})
}

// errStandby refuses what would leave a stack's data behind.
var errStandby = errors.New("the standby of a site is fixed once it is made")

// database is the environment that leads a site's machines to its two servers;
// none where the machine has a server of its own.
func (c *Cloud) database(ctx context.Context, want provisioning.Site) ([]string, error) {
	if !want.Shape.Standby {
		return nil, nil
	}
	if err := c.servers.Begin(ctx, want.ID); err != nil {
		return nil, provisioning.Because("The site's first database server could not be made.", err)
	}
	link, err := c.servers.URL(want.ID, "postgres")
	if err != nil {
		return nil, because(err)
	}
	return []string{"TOLLHOUSE_DATABASE_URL=" + link}, nil
}

// fewer takes workers away that are not wanted any more.
func (c *Cloud) fewer(folder string, has, wants int) error {
	for i := wants; i < has; i++ {
		machine := filepath.Join(folder, fmt.Sprintf("worker-%d", i+1))
		if stop(machine, syscall.SIGKILL) > 0 {
			time.Sleep(killTakes)
		}
		if err := os.RemoveAll(machine); err != nil {
			return because(err)
		}
	}
	return nil
}

// Observe implements provisioning.Sites.
func (c *Cloud) Observe(ctx context.Context, id provisioning.SiteID) (provisioning.Observed, error) {
	r, found, err := read(c.folder(id))
	if err != nil || !found {
		return provisioning.Observed{Phase: provisioning.SiteAbsent}, err
	}
	return c.look(ctx, id, c.folder(id), r), nil
}

// lookTakes is how long a look at one database server may.
const lookTakes = 2 * time.Second

// lookAtServers tells of the two database servers.
func (c *Cloud) lookAtServers(ctx context.Context, id provisioning.SiteID, obs *provisioning.Observed) {
	for _, n := range []roles.Node{roles.A, roles.B} {
		within, cancel := context.WithTimeout(ctx, lookTakes)
		seen := c.servers.Look(within, id, n)
		cancel()
		step := provisioning.Step{Name: "database-" + string(n), State: "done"}
		switch {
		case !seen.Answers:
			step.State, step.Detail = "working", "does not answer"
		case seen.Standby && seen.Streams:
			step.Detail = "standby, receives the log up to " + seen.Location
		case seen.Standby:
			step.State, step.Detail = "working", "standby, does not receive the log"
		case seen.InStep:
			step.Detail = "primary, its commits wait for the standby; log at " + seen.Location
		default:
			step.State, step.Detail = "working", "primary, alone"
		}
		obs.Steps = append(obs.Steps, step)
		if step.State != "done" {
			obs.Drift = append(obs.Drift, step.Name+": "+step.Detail)
		}
	}
}

// look is a site as its folder and its processes show it.
func (c *Cloud) look(ctx context.Context, id provisioning.SiteID, folder string, r record) provisioning.Observed {
	obs := provisioning.Observed{Phase: provisioning.SiteStanding, Revision: r.Wanted, Ref: folder, Address: "127.0.0.1"}
	began := r.BeganAt
	obs.Steps = append(obs.Steps, provisioning.Step{Name: "folder", State: "done", BeganAt: &began, ChangedAt: &began})
	names := []string{"machine"}
	for i := range r.Shape.Workers {
		names = append(names, fmt.Sprintf("worker-%d", i+1))
	}
	for _, name := range names {
		m := lookAt(filepath.Join(folder, name))
		obs.Steps = append(obs.Steps, provisioning.Step{Name: name, State: m.state, Detail: m.detail, BeganAt: m.began, ChangedAt: m.changed})
		switch {
		case m.state == "failed" && obs.Phase != provisioning.SiteBroken:
			obs.Phase, obs.Reason, obs.Detail = provisioning.SiteBroken, m.reason, m.detail
		case m.state != "done" && obs.Phase == provisioning.SiteStanding:
			obs.Phase = provisioning.SiteMaking
		}
		if m.stopped != "" {
			obs.Drift = append(obs.Drift, name+": its "+m.stopped+" process does not run")
		}
	}
	if r.Shape.Standby && !r.Leaving {
		c.lookAtServers(ctx, id, &obs)
	}
	if r.Leaving {
		obs.Phase = provisioning.SiteLeaving
	}
	return obs
}

// Remove implements provisioning.Sites: processes are asked to end, then made
// to, and the folder goes when none is left.
func (c *Cloud) Remove(ctx context.Context, id provisioning.SiteID) (provisioning.Observed, error) {
	return c.locked(id, func(folder string) (provisioning.Observed, error) {
		r, found, err := read(folder)
		if err != nil {
			return provisioning.Observed{}, err
		}
		if !found {
			// What a removal left that was cut off after site.json.
			if err := os.RemoveAll(folder); err != nil {
				return provisioning.Observed{}, because(err)
			}
			return provisioning.Observed{Phase: provisioning.SiteAbsent}, nil
		}
		signal := syscall.SIGTERM
		if r.Leaving {
			if since, err := os.Stat(filepath.Join(folder, recordName)); err == nil && c.now().Sub(since.ModTime()) > politeFor {
				signal = syscall.SIGKILL
			}
		} else {
			r.Leaving = true
			if err := r.keep(folder); err != nil {
				return provisioning.Observed{}, err
			}
		}
		if r.Shape.Standby { // asked to end they would wait for all sessions
			if err := c.servers.End(ctx, id); err != nil {
				return provisioning.Observed{}, provisioning.Because("The site's database servers could not be stopped.", err)
			}
		}
		if left := stop(folder, signal); left > 0 {
			return c.look(ctx, id, folder, r), nil
		}
		for _, path := range []string{filepath.Join(folder, recordName), folder} {
			if err := os.RemoveAll(path); err != nil {
				return provisioning.Observed{}, because(err)
			}
		}
		_ = os.Remove(filepath.Join(c.dir, "."+id.String()+".lock"))
		_ = os.Remove(filepath.Join(c.dir, "."+id.String()+".db.lock"))
		return provisioning.Observed{Phase: provisioning.SiteAbsent}, nil
	})
}

// Orphans implements provisioning.Sites.
func (c *Cloud) Orphans(_ context.Context, known []provisioning.SiteID) ([]provisioning.Orphan, error) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil, because(err)
	}
	var list []provisioning.Orphan
	for _, e := range entries {
		id, err := provisioning.ParseSiteID(e.Name())
		if err != nil || !e.IsDir() || strings.HasPrefix(e.Name(), ".") || slices.Contains(known, id) {
			continue
		}
		r, _, err := read(c.folder(id))
		if err != nil {
			return nil, err
		}
		list = append(list, provisioning.Orphan{Ref: c.folder(id), Kind: "folder", Name: r.Name, Site: id.String(), At: r.BeganAt})
	}
	return list, nil
}
