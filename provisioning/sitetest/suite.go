package sitetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
)

// Config says what the suite runs against.
type Config struct {
	Sites provisioning.Sites
	Shape provisioning.Shape // small
	Grown provisioning.Shape // with more workers or more data
	// UserData of the machines; empty: none that does anything.
	UserData string
	Image    string
	Patience time.Duration // how long a site may take; 2 min
	Every    time.Duration // how often it is looked at; 50 ms
}

// suite is a run of it.
type suite struct {
	Config
	ctx context.Context
}

// Run shows that a cloud of sites does what is written at provisioning.Sites.
func Run(t *testing.T, config Config) {
	if config.Patience == 0 {
		config.Patience = 2 * time.Minute
	}
	if config.Every == 0 {
		config.Every = 50 * time.Millisecond
	}
	if config.UserData == "" {
		config.UserData = "#!/bin/sh\ntrue\n"
	}
	s := suite{Config: config, ctx: t.Context()}
	t.Run("what nobody asked for is absent", s.absent)
	t.Run("a site is made once, grown, and never taken back to an older revision", s.made)
	t.Run("removing one leaves the other", s.apart)
	t.Run("what belongs to no known site is an orphan", s.orphans)
	t.Run("room names the flavours that the shapes have", s.room)
}

func (s suite) site(name string) provisioning.Site {
	return provisioning.Site{ID: provisioning.SiteID(uuid.Must(uuid.NewV7())), Operator: tenant.NewID(), Name: name, Revision: 1, Shape: s.Shape,
		Image: s.Image, UserData: s.UserData, WorkerData: s.UserData, StandbyData: s.UserData}
}

// until looks at a site until it has a phase at a revision.
func (s suite) until(t *testing.T, id provisioning.SiteID, phase provisioning.Phase, revision int64, look func() (provisioning.Observed, error)) provisioning.Observed {
	t.Helper()
	late := time.Now().Add(s.Patience)
	for {
		obs, err := look()
		if err != nil {
			t.Fatalf("look at %s: %v", id, err)
		}
		if obs.Phase == phase && (phase == provisioning.SiteAbsent || obs.Revision >= revision) {
			return obs
		}
		if obs.Phase == provisioning.SiteBroken {
			t.Fatalf("site broke: %s (%s)", obs.Reason, obs.Detail)
		}
		if time.Now().After(late) {
			t.Fatalf("site is %s at revision %d, not %s at %d: %+v", obs.Phase, obs.Revision, phase, revision, obs)
		}
		time.Sleep(s.Every)
	}
}

func (s suite) observe(id provisioning.SiteID) func() (provisioning.Observed, error) {
	return func() (provisioning.Observed, error) { return s.Sites.Observe(s.ctx, id) }
}

func (s suite) ensure(t *testing.T, want provisioning.Site) provisioning.Observed {
	t.Helper()
	obs, err := s.Sites.Ensure(s.ctx, want)
	if err != nil {
		t.Fatalf("ensure: %v", err)
	}
	return obs
}

func (s suite) remove(t *testing.T, id provisioning.SiteID) {
	t.Helper()
	s.until(t, id, provisioning.SiteAbsent, 0, func() (provisioning.Observed, error) {
		obs, err := s.Sites.Remove(s.ctx, id)
		if obs.Phase == provisioning.SiteBroken { // a deletion that fails is tried again
			obs.Phase = provisioning.SiteLeaving
		}
		return obs, err
	})
}

func (s suite) absent(t *testing.T) {
	id := provisioning.SiteID(uuid.New())
	s.until(t, id, provisioning.SiteAbsent, 0, s.observe(id))
	s.remove(t, id)
}

func (s suite) made(t *testing.T) {
	want := s.site("conform-made")
	t.Cleanup(func() { s.remove(t, want.ID) })
	if obs := s.ensure(t, want); obs.Phase != provisioning.SiteMaking && obs.Phase != provisioning.SiteStanding {
		t.Fatalf("after ensure: %+v", obs)
	}
	s.ensure(t, want) // again, while it is being made
	obs := s.until(t, want.ID, provisioning.SiteStanding, 1, s.observe(want.ID))
	if obs.Address == "" || obs.Ref == "" || len(obs.Steps) == 0 || len(obs.Drift) > 0 {
		t.Errorf("standing: %+v", obs)
	}
	if again := s.ensure(t, want); again.Phase != provisioning.SiteStanding || again.Ref != obs.Ref {
		t.Errorf("ensured again: %+v", again)
	}
	grown := want
	grown.Revision, grown.Shape = 2, s.Grown
	s.ensure(t, grown)
	after := s.until(t, want.ID, provisioning.SiteStanding, 2, s.observe(want.ID))
	if after.Ref != obs.Ref || len(after.Drift) > 0 {
		t.Errorf("grown: %+v", after)
	}
	if old := s.ensure(t, want); old.Revision != 2 {
		t.Errorf("asked for an older revision: %+v", old)
	}
	s.remove(t, want.ID)
	s.remove(t, want.ID)
	s.until(t, want.ID, provisioning.SiteAbsent, 0, s.observe(want.ID))
}

func (s suite) apart(t *testing.T) {
	a, b := s.site("conform-a"), s.site("conform-b")
	t.Cleanup(func() { s.remove(t, a.ID); s.remove(t, b.ID) })
	s.ensure(t, a)
	s.ensure(t, b)
	s.until(t, a.ID, provisioning.SiteStanding, 1, s.observe(a.ID))
	s.until(t, b.ID, provisioning.SiteStanding, 1, s.observe(b.ID))
	s.remove(t, a.ID)
	s.until(t, b.ID, provisioning.SiteStanding, 1, s.observe(b.ID))
}

func (s suite) orphans(t *testing.T) {
	want := s.site("conform-orphan")
	t.Cleanup(func() { s.remove(t, want.ID) })
	s.ensure(t, want)
	s.until(t, want.ID, provisioning.SiteStanding, 1, s.observe(want.ID))
	has := func(known ...provisioning.SiteID) bool {
		orphans, err := s.Sites.Orphans(s.ctx, known)
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(orphans, func(o provisioning.Orphan) bool { return o.Site == want.ID.String() })
	}
	if !has() {
		t.Error("not an orphan, though nobody knows it")
	}
	if has(want.ID) {
		t.Error("an orphan, though it is known")
	}
	s.remove(t, want.ID)
	if has() {
		t.Error("an orphan, though nothing of it stands")
	}
}

func (s suite) room(t *testing.T) {
	room, err := s.Sites.Room(s.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{s.Shape.Flavor, s.Grown.Flavor} {
		if !slices.ContainsFunc(room.Flavors, func(f provisioning.Flavor) bool { return f.Name == name && f.VCPUs > 0 && f.MemoryMB > 0 }) {
			t.Errorf("no flavour %q in %+v", name, room.Flavors)
		}
	}
	if len(room.Hypervisors) == 0 || room.At.IsZero() {
		t.Errorf("room: %+v", room)
	}
}
