package site

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"tollhouse/provisioning"
)

// StartMachine runs user-data in a folder that belongs to no site, as that of a
// machine which only reports. What runs is left alone; what has stopped is started
// again, by what it was made with where the script is empty.
func StartMachine(folder, script string) error { return start(folder, script) }

// Resume starts what has stopped of the sites here, as a machine does with its
// services when it is switched on. Sites that are being removed stay as they are.
func (c *Cloud) Resume(ctx context.Context) error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return because(err)
	}
	var faults []error
	for _, e := range entries {
		if id, err := provisioning.ParseSiteID(e.Name()); err == nil && e.IsDir() {
			_, err := c.locked(id, func(folder string) (provisioning.Observed, error) {
				return provisioning.Observed{}, c.resume(ctx, id, folder)
			})
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

func (c *Cloud) resume(ctx context.Context, id provisioning.SiteID, folder string) error {
	r, found, err := read(folder)
	if err != nil || !found || r.Leaving {
		return err
	}
	database, err := c.database(ctx, provisioning.Site{ID: id, Shape: r.Shape})
	if err != nil {
		return err
	}
	machines, err := filepath.Glob(filepath.Join(folder, "*", "user-data"))
	if err != nil {
		return because(err)
	}
	var faults []error
	for _, made := range machines {
		faults = append(faults, start(filepath.Dir(made), "", database...))
	}
	return errors.Join(faults...)
}

// Halt ends what runs of the sites and machines in a folder, whoever started it,
// and leaves what they keep: Resume starts them again. Processes have a while to
// end by themselves, unless ctx ends first. A folder that is not there is no fault.
func Halt(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var asked []int
	for late := time.Now().Add(politeFor); ; {
		running := processes(dir)
		if len(running) == 0 {
			return nil
		}
		if time.Now().After(late) || ctx.Err() != nil {
			return killed(dir)
		}
		for _, pid := range running { // also what came since; each once
			if !slices.Contains(asked, pid) {
				_ = syscall.Kill(pid, syscall.SIGTERM)
				asked = append(asked, pid)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(killTakes):
		}
	}
}

// errAlive means that not even the kernel could end a process.
var errAlive = errors.New("a process of a local site does not end")

func killed(dir string) error {
	for range 10 {
		if stop(dir, syscall.SIGKILL) == 0 {
			return nil
		}
		time.Sleep(killTakes)
	}
	return errAlive
}
