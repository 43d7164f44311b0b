package site

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/provisioning"
	"tollhouse/provisioning/sitetest"
)

func open(t *testing.T) *Cloud {
	t.Helper()
	c, err := Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// serving has a host process that runs until it is told to end.
const serving = `#!/bin/sh
set -eu
mkdir -p "$TOLLHOUSE_LOCAL_SITE/data"
setsid sleep 600 >/dev/null 2>&1 &
echo $! >"$TOLLHOUSE_LOCAL_SITE/data/host.pid"
`

var small = provisioning.Shape{Flavor: "tollhouse.small", WorkerFlavor: "tollhouse.small", BootGB: 5, DataGB: 1}

func TestCloud_isACloudOfSites(t *testing.T) {
	grown := small
	grown.Workers = 2
	sitetest.Run(t, sitetest.Config{Sites: open(t), Shape: small, Grown: grown, UserData: serving})
}

func wait(t *testing.T, c *Cloud, id provisioning.SiteID, what string, is func(provisioning.Observed) bool) provisioning.Observed {
	t.Helper()
	for late := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		obs, err := c.Observe(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		if is(obs) {
			return obs
		}
		if time.Now().After(late) {
			t.Fatalf("not %s: %+v", what, obs)
		}
	}
}

func gone(t *testing.T, c *Cloud, id provisioning.SiteID) {
	t.Helper()
	for late := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		obs, err := c.Remove(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		if obs.Phase == provisioning.SiteAbsent {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("not gone: %+v", obs)
		}
	}
}

func TestCloud_failureHasTheMachinesOwnWords(t *testing.T) {
	c := open(t)
	want := provisioning.Site{ID: provisioning.SiteID(uuid.New()), Name: "nordnetz", Revision: 1, Shape: small, UserData: "#!/bin/sh\necho the disk smells of smoke\nexit 7\n"}
	if _, err := c.Ensure(context.Background(), want); err != nil {
		t.Fatal(err)
	}
	obs := wait(t, c, want.ID, "broken", func(o provisioning.Observed) bool { return o.Phase == provisioning.SiteBroken })
	if !strings.Contains(obs.Detail, "smells of smoke") || obs.Reason == "" {
		t.Errorf("broken: %+v", obs)
	}
	want.UserData = serving // what failed half-way is resumed
	if _, err := c.Ensure(context.Background(), want); err != nil {
		t.Fatal(err)
	}
	wait(t, c, want.ID, "standing", func(o provisioning.Observed) bool { return o.Phase == provisioning.SiteStanding })
	gone(t, c, want.ID)
}

func TestCloud_stoppedHostIsDriftAndStartedByARepair(t *testing.T) {
	c := open(t)
	want := provisioning.Site{ID: provisioning.SiteID(uuid.New()), Name: "nordnetz", Revision: 1, Shape: small, UserData: serving}
	if _, err := c.Ensure(context.Background(), want); err != nil {
		t.Fatal(err)
	}
	wait(t, c, want.ID, "standing", func(o provisioning.Observed) bool { return o.Phase == provisioning.SiteStanding })
	stop(c.folder(want.ID), 9)
	wait(t, c, want.ID, "drifted", func(o provisioning.Observed) bool { return len(o.Drift) == 1 })
	want.Revision, want.UserData = 2, ""
	if _, err := c.Ensure(context.Background(), want); err != nil {
		t.Fatal(err)
	}
	wait(t, c, want.ID, "repaired", func(o provisioning.Observed) bool { return o.Phase == provisioning.SiteStanding && len(o.Drift) == 0 })
	gone(t, c, want.ID)
}

// The program is told its data folder alone, and is known by that. What has
// stopped with the machine is started again where nobody has taken it away.
func TestCloud_haltsAndResumes(t *testing.T) {
	c := open(t)
	want := provisioning.Site{ID: provisioning.SiteID(uuid.New()), Name: "nordnetz", Revision: 1, Shape: small, UserData: `#!/bin/sh
set -eu
data=$TOLLHOUSE_LOCAL_SITE/data
mkdir -p "$data"
echo made >>made
unset TOLLHOUSE_LOCAL_SITE
TOLLHOUSE_DATA=$data setsid sleep 600 >/dev/null 2>&1 &
echo $! >"$data/host.pid"
`}
	if _, err := c.Ensure(context.Background(), want); err != nil {
		t.Fatal(err)
	}
	runs := func(o provisioning.Observed) bool {
		return o.Phase == provisioning.SiteStanding && len(o.Drift) == 0
	}
	wait(t, c, want.ID, "running", runs)
	if err := Halt(context.Background(), c.dir); err != nil {
		t.Fatal(err)
	}
	if left := processes(c.dir); len(left) > 0 {
		t.Errorf("still running: %v", left)
	}
	wait(t, c, want.ID, "stopped", func(o provisioning.Observed) bool { return len(o.Drift) == 1 })
	for range 2 { // what runs is not started twice
		if err := c.Resume(context.Background()); err != nil {
			t.Fatal(err)
		}
		wait(t, c, want.ID, "running again", runs)
	}
	if made, err := os.ReadFile(filepath.Join(c.folder(want.ID), "machine", "made")); string(made) != "made\nmade\n" {
		t.Errorf("its user-data ran: %q (%v)", made, err)
	}
	gone(t, c, want.ID)
	if err := c.Resume(context.Background()); err != nil {
		t.Error(err)
	}
	if left := processes(c.dir); len(left) > 0 {
		t.Errorf("what was removed runs again: %v", left)
	}
	if err := Halt(context.Background(), filepath.Join(c.dir, "no-such-folder")); err != nil {
		t.Error(err)
	}
}

// What another process has that happens to have the same number is let live.
func TestCloud_touchesNothingOfOthers(t *testing.T) {
	c := open(t)
	want := provisioning.Site{ID: provisioning.SiteID(uuid.New()), Name: "nordnetz", Revision: 1, Shape: small, UserData: "#!/bin/sh\ntrue\n"}
	other := filepath.Join(c.dir, "not-a-site")
	if err := os.MkdirAll(other, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ensure(context.Background(), want); err != nil {
		t.Fatal(err)
	}
	wait(t, c, want.ID, "standing", func(o provisioning.Observed) bool { return o.Phase == provisioning.SiteStanding })
	if runsIn(os.Getpid(), c.folder(want.ID)) {
		t.Error("the test itself would be ended")
	}
	if orphans, err := c.Orphans(context.Background(), nil); err != nil || len(orphans) != 1 {
		t.Errorf("orphans %+v (%v)", orphans, err)
	}
	gone(t, c, want.ID)
	if _, err := os.Stat(other); err != nil {
		t.Error("a folder that is no site's was touched")
	}
}
