package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/google/uuid"

	"tollhouse/billing/sandbox"
	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
	"tollhouse/provisioning"
	"tollhouse/provisioning/backup"
	"tollhouse/tenants"
)

// Fleet is the host databases of a control plane: new stacks are made in its
// home, others are reached wherever they have been moved.
type Fleet struct {
	*Cloud // the home
	lookUp func(ctx context.Context, name string) (Config, error)
	known  func(ctx context.Context) ([]string, error)

	mu     sync.Mutex
	clouds map[string]*Cloud
}

// NewFleet makes a fleet around its home. lookUp tells how another host
// database is reached, known lists their names.
func NewFleet(home *Cloud, lookUp func(ctx context.Context, name string) (Config, error), known func(ctx context.Context) ([]string, error)) *Fleet {
	return &Fleet{Cloud: home, lookUp: lookUp, known: known, clouds: map[string]*Cloud{home.config.Host: home}}
}

var _ provisioning.Cloud = (*Fleet)(nil)

// Close lets go of all but the home, which whoever opened it closes.
func (f *Fleet) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for name, c := range f.clouds {
		if c != f.Cloud {
			c.Close()
			delete(f.clouds, name)
		}
	}
}

// at is the host database of that name.
func (f *Fleet) at(ctx context.Context, name string) (*Cloud, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.clouds[name]; c != nil {
		return c, nil
	}
	config, err := f.lookUp(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("look up host database %s: %w", name, err)
	}
	c, err := Open(ctx, config)
	if err != nil {
		return nil, err
	}
	f.clouds[name] = c
	return c, nil
}

// Choose implements provisioning.Cloud. Without a host database it is the home.
func (f *Fleet) Choose(ctx context.Context, host string) (provisioning.Place, error) {
	if host == "" {
		host = f.config.Host
	}
	c, err := f.at(ctx, host)
	if err != nil {
		return provisioning.Place{}, provisioning.Because("The host database "+host+" does not answer.", err)
	}
	return c.Choose(ctx, host)
}

// Fill makes slots in a host database until so many are in its stock.
func (f *Fleet) Fill(ctx context.Context, host string, want int) error {
	c, err := f.at(ctx, host)
	if err != nil {
		return err
	}
	return NewStockKeeper(c, want, 0).Fill(ctx, nil)
}

// Ensure implements provisioning.Cloud.
func (f *Fleet) Ensure(ctx context.Context, want provisioning.Wanted) error {
	c, err := f.at(ctx, want.Place.Host)
	if err != nil {
		return err
	}
	return c.Ensure(ctx, want)
}

// Stand implements provisioning.Cloud.
func (f *Fleet) Stand(ctx context.Context, at provisioning.Placed, s tenants.Standing) error {
	c, err := f.at(ctx, at.Place.Host)
	if err != nil {
		return err
	}
	return c.Stand(ctx, at, s)
}

// Inspect implements provisioning.Inspector.
func (f *Fleet) Inspect(ctx context.Context, at provisioning.Placed) (provisioning.Figures, error) {
	c, err := f.at(ctx, at.Place.Host)
	if err != nil {
		return provisioning.Figures{}, err
	}
	return c.Inspect(ctx, at)
}

// Consent implements provisioning.Doors.
func (f *Fleet) Consent(ctx context.Context, at provisioning.Placed) (visit.Consent, error) {
	c, err := f.at(ctx, at.Place.Host)
	if err != nil {
		return visit.Consent{}, err
	}
	return c.Consent(ctx, at)
}

// Enter implements provisioning.Doors.
func (f *Fleet) Enter(ctx context.Context, at provisioning.Placed, by tenants.Actor) (visit.Begun, error) {
	c, err := f.at(ctx, at.Place.Host)
	if err != nil {
		return visit.Begun{}, err
	}
	return c.Enter(ctx, at, by)
}

// BreakIn implements provisioning.Doors.
func (f *Fleet) BreakIn(ctx context.Context, at provisioning.Placed, by tenants.Actor, e visit.Emergency) (visit.Begun, error) {
	c, err := f.at(ctx, at.Place.Host)
	if err != nil {
		return visit.Begun{}, err
	}
	return c.BreakIn(ctx, at, by, e)
}

// Visit implements provisioning.Doors.
func (f *Fleet) Visit(ctx context.Context, at provisioning.Placed, id uuid.UUID) (visit.Visit, error) {
	c, err := f.at(ctx, at.Place.Host)
	if err != nil {
		return visit.Visit{}, err
	}
	return c.Visit(ctx, at, id)
}

// Leave implements provisioning.Doors.
func (f *Fleet) Leave(ctx context.Context, at provisioning.Placed, by tenants.Actor, id uuid.UUID) error {
	c, err := f.at(ctx, at.Place.Host)
	if err != nil {
		return err
	}
	return c.Leave(ctx, at, by, id)
}

// Asking implements provisioning.Copier over all host databases.
func (f *Fleet) Asking(ctx context.Context, limit int) ([]tenant.ID, error) {
	var all []tenant.ID
	err := f.each(ctx, func(c *Cloud) error {
		asking, err := c.Asking(ctx, limit)
		all = append(all, asking...)
		return err
	})
	return all[:min(len(all), limit)], err
}

// Heard implements provisioning.Copier.
func (f *Fleet) Heard(ctx context.Context, id tenant.ID) error {
	return f.each(ctx, func(c *Cloud) error { return c.Heard(ctx, id) })
}

// Databases runs fn for the tenants' transactions of each host database.
func (f *Fleet) Databases(ctx context.Context, fn func(name string, db *tenant.DB) error) error {
	return f.each(ctx, func(c *Cloud) error { return fn(c.config.Host, c.config.DB) })
}

// each goes through all host databases; one that does not answer keeps nobody
// from the others.
func (f *Fleet) each(ctx context.Context, fn func(*Cloud) error) error {
	names, err := f.known(ctx)
	if err != nil {
		return err
	}
	faults := []error{fn(f.Cloud)}
	for _, name := range names {
		if name == f.config.Host {
			continue
		}
		c, err := f.at(ctx, name)
		if err == nil {
			err = fn(c)
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// WantedCopy implements provisioning.Copier.
func (f *Fleet) WantedCopy(ctx context.Context, at provisioning.Placed) (request uuid.UUID, wanted bool, err error) {
	c, err := f.at(ctx, at.Place.Host)
	if err != nil {
		return uuid.Nil, false, err
	}
	return c.WantedCopy(ctx, at)
}

// errCopyElsewhere means that a sandbox copy and its original would stand in
// two host databases.
var errCopyElsewhere = errors.New("a copy is made in the database of its original")

// Copy implements provisioning.Copier.
func (f *Fleet) Copy(ctx context.Context, from provisioning.Placed, want provisioning.Wanted, progress provisioning.Progress) error {
	if from.Place.Host != want.Place.Host {
		return provisioning.Because("The original has been moved since; ask for the copy again.", errCopyElsewhere)
	}
	c, err := f.at(ctx, from.Place.Host)
	if err != nil {
		return err
	}
	return c.Copy(ctx, from, want, progress)
}

// Report implements provisioning.Copier.
func (f *Fleet) Report(ctx context.Context, at provisioning.Placed, r sandbox.Report) error {
	c, err := f.at(ctx, at.Place.Host)
	if err != nil {
		return err
	}
	return c.Report(ctx, at, r)
}

// TakeOut implements backup.Stacks.
func (f *Fleet) TakeOut(ctx context.Context, want backup.TakeOut, to io.Writer) (backup.Taken, error) {
	c, err := f.at(ctx, want.At.Place.Host)
	if err != nil {
		return backup.Taken{}, err
	}
	return c.TakeOut(ctx, want, to)
}

// Verify implements backup.Stacks.
func (f *Fleet) Verify(_ context.Context, from io.Reader) (backup.Taken, error) { return verify(from) }
