package site

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/provisioning"
	"tollhouse/provisioning/pair"
)

// A site with a standby has two database servers: its machine is led to
// whichever is the primary, its steps tell of both, and they end with it.
func TestCloud_siteWithAStandby(t *testing.T) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("/dev/shm", "sites")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // the servers run as another user
		t.Fatal(err)
	}
	c, err := Open(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ha := small
	ha.Standby = true
	want := provisioning.Site{ID: provisioning.SiteID(uuid.New()), Name: "nordnetz", Revision: 1, Shape: ha,
		UserData: "#!/bin/sh\nset -eu\nprintf %s \"$TOLLHOUSE_DATABASE_URL\" >url\n"}
	if _, err := c.Ensure(ctx, want); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Servers().End(ctx, want.ID) })
	steps := func(o provisioning.Observed) map[string]provisioning.Step {
		found := map[string]provisioning.Step{}
		for _, s := range o.Steps {
			found[s.Name] = s
		}
		return found
	}
	obs := wait(t, c, want.ID, "standing", func(o provisioning.Observed) bool { return o.Phase == provisioning.SiteStanding })
	if a, b := steps(obs)["database-a"], steps(obs)["database-b"]; !strings.Contains(a.Detail, "alone") || b.State == "done" || len(obs.Drift) != 2 {
		t.Errorf("before the standby: %+v, %+v, drift %v", a, b, obs.Drift)
	}
	url, err := os.ReadFile(filepath.Join(c.folder(want.ID), "machine", "url"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, string(url))
	if err != nil {
		t.Fatalf("the machine's database: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := c.Servers().Follow(ctx, want.ID, pair.B); err != nil {
		t.Fatal(err)
	}
	if err := c.Servers().Primary(ctx, want.ID, pair.A, false); err != nil {
		t.Fatal(err)
	}
	wait(t, c, want.ID, "in step", func(o provisioning.Observed) bool {
		return steps(o)["database-a"].State == "done" && steps(o)["database-b"].State == "done" && len(o.Drift) == 0
	})
	if _, err := conn.Exec(ctx, `create table answered (n bigint)`); err != nil {
		t.Errorf("a commit that both have: %v", err)
	}
	other := want
	other.Revision, other.Shape = 2, small
	if _, err := c.Ensure(ctx, other); err == nil {
		t.Error("its standby was taken away, and with it perhaps its data")
	}
	gone(t, c, want.ID)
	if _, err := os.Stat(c.folder(want.ID)); !os.IsNotExist(err) {
		t.Errorf("its folder is there still: %v", err)
	}
}
