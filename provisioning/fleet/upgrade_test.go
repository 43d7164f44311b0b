package fleet_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/provisioning"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

var (
	oldVersion = strings.Repeat("a", 64)
	newVersion = strings.Repeat("b", 64)
)

// run has a site's host run what is wanted of it, or not.
func (w *world) run(id provisioning.SiteID, version string, healthy bool) {
	w.hosts.Say(id, provisioning.Seen{Enrolled: true, Healthy: healthy, Version: version, Reason: map[bool]string{false: "the database does not start"}[healthy]})
}

func (w *world) upgrade(n fleet.NewUpgrade) (u fleet.Upgrade, err error) {
	err = w.try(func(ctx context.Context, tx tenants.Tx) (err error) {
		u, err = w.fleet.StartUpgrade(ctx, tx, w.by, n)
		return err
	})
	return u, err
}

func (w *world) getUpgrade(id uuid.UUID) (u fleet.Upgrade) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenants.Tx) (err error) {
		u, err = fleet.GetUpgrade(ctx, tx, id)
		return err
	})
	return u
}

func (w *world) readySites(n int) []provisioning.SiteID {
	w.t.Helper()
	operator := w.operator("nordnetz")
	var sites []provisioning.SiteID
	for range n {
		id := newID()
		w.run(id, oldVersion, true)
		w.put(id, fleet.Want{Operator: operator, Cloud: "memory", Size: "small"})
		sites = append(sites, id)
	}
	for _, id := range sites {
		w.until(id, "ready and seen", func(s fleet.Site) bool { return s.State == fleet.Ready && s.Seen.Version == oldVersion })
	}
	return sites
}

// obey has all hosts run the version that is wanted of them.
func (w *world) obey(sites []provisioning.SiteID, healthy bool) (asked int) {
	for _, id := range sites {
		s := w.get(id)
		version := oldVersion
		if s.VersionWanted != "" {
			version = s.VersionWanted
		}
		if version == newVersion {
			asked++
		}
		w.run(id, version, healthy || version == oldVersion)
	}
	return asked
}

// passObeying lets minutes pass in which hosts go on telling how they are.
func (w *world) passObeying(minutes int, sites []provisioning.SiteID, healthy bool) {
	w.t.Helper()
	for range minutes {
		w.pass(time.Minute)
		w.obey(sites, healthy)
		for _, id := range sites {
			w.until(id, "heard", func(s fleet.Site) bool { return w.now().Sub(s.Seen.At) < time.Minute })
		}
	}
}

func TestUpgrade_oneThenTenThenAll(t *testing.T) {
	w := newWorld(t)
	w.reconcile(quick)
	sites := w.readySites(13)
	n := fleet.NewUpgrade{ID: uuid.New(), Version: newVersion, Title: "November", SoakMinutes: 30, WithinMinutes: 10}
	if _, err := w.upgrade(n); err != nil {
		t.Fatal(err)
	}
	if again, err := w.upgrade(n); err != nil || len(again.Members) != 13 {
		t.Errorf("begun again: %+v, %v", again, err)
	}
	other := n
	other.ID = uuid.New()
	if _, err := w.upgrade(other); !errors.Is(err, fleet.ErrUpgrading) {
		t.Errorf("a second upgrade of the same sites: %v", err)
	}
	for wave, want := range []int{1, 11, 13} {
		eventually(t, "wave asked", func() bool { return w.obey(sites, true) == want })
		eventually(t, "wave done", func() bool { w.obey(sites, true); return w.getUpgrade(n.ID).Counts[fleet.MemberDone] == want })
		if u := w.getUpgrade(n.ID); u.State != fleet.UpgradeRunning || u.Wave != wave+1 {
			t.Errorf("wave %d: %+v", wave+1, u)
		}
		w.passObeying(31, sites, true)
	}
	eventually(t, "done", func() bool { w.obey(sites, true); return w.getUpgrade(n.ID).State == fleet.UpgradeDone })
}

func TestUpgrade_haltsAtTheFirstThatIsNotWell(t *testing.T) {
	w := newWorld(t)
	w.reconcile(quick)
	sites := w.readySites(3)
	n := fleet.NewUpgrade{ID: uuid.New(), Version: newVersion, Title: "November", WithinMinutes: 10}
	if _, err := w.upgrade(n); err != nil {
		t.Fatal(err)
	}
	eventually(t, "asked", func() bool { return w.obey(sites, false) == 1 })
	w.passObeying(11, sites, false)
	eventually(t, "halted", func() bool { w.obey(sites, false); return w.getUpgrade(n.ID).State == fleet.UpgradeHalted })
	u := w.getUpgrade(n.ID)
	if !strings.Contains(u.Reason, "the database does not start") || u.Counts[fleet.MemberWaiting] != 2 {
		t.Errorf("halted: %+v", u)
	}
	if asked := w.obey(sites, false); asked != 1 {
		t.Errorf("%d were asked after the halt", asked)
	}
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.fleet.ResumeUpgrade(ctx, tx, w.by, n.ID)
		return err
	})
	eventually(t, "next wave", func() bool { w.obey(sites, true); return w.getUpgrade(n.ID).Wave == 2 })
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.fleet.Rollback(ctx, tx, w.by, n.ID)
		return err
	})
	eventually(t, "rolled back", func() bool { w.obey(sites, true); return w.getUpgrade(n.ID).State == fleet.UpgradeRolledBack })
	for _, id := range sites {
		if v := w.get(id).VersionWanted; v == newVersion {
			t.Errorf("still asked for %q", v)
		}
	}
	err := w.try(func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.fleet.ResumeUpgrade(ctx, tx, w.by, n.ID)
		return err
	})
	if !errors.Is(err, fleet.ErrUpgradeState) {
		t.Errorf("resumed after its end: %v", err)
	}
}

func TestUpgrade_refusesByField(t *testing.T) {
	w := newWorld(t)
	good := fleet.NewUpgrade{ID: uuid.New(), Version: newVersion, Title: "November", WithinMinutes: 10}
	for field, change := range map[string]func(n *fleet.NewUpgrade){
		"version": func(n *fleet.NewUpgrade) { n.Version = "v1.2" }, "title": func(n *fleet.NewUpgrade) { n.Title = "" },
		"within_minutes": func(n *fleet.NewUpgrade) { n.WithinMinutes = 0 }, "soak_minutes": func(n *fleet.NewUpgrade) { n.SoakMinutes = -1 },
		"sites": func(*fleet.NewUpgrade) {},
	} {
		n := good
		change(&n)
		_, err := w.upgrade(n)
		refused(t, err, field)
	}
}
