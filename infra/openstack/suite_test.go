package openstack_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/provisioning"
)

// limit is how long a lab may take for one thing. It shares a small machine.
const limit = 8 * time.Minute

func (l *lab) ensure(want provisioning.Site) provisioning.Observed {
	l.t.Helper()
	seen, err := l.cloud.Ensure(context.Background(), want)
	if err != nil {
		l.t.Fatalf("ensure: %v", err)
	}
	return seen
}

// settles waits until a site is no longer being made, and looks.
func (l *lab) settles(id provisioning.SiteID, want provisioning.Phase) provisioning.Observed {
	l.t.Helper()
	ctx := context.Background()
	l.quietly(func() {
		for until := time.Now().Add(limit); ; time.Sleep(2 * time.Second) {
			if seen, err := l.cloud.Observe(ctx, id); err == nil && seen.Phase != provisioning.SiteMaking {
				return
			}
			if time.Now().After(until) {
				l.t.Fatalf("it is not %s after %s", want, limit)
			}
		}
	})
	seen, err := l.cloud.Observe(ctx, id)
	if err != nil {
		l.t.Fatal(err)
	}
	if seen.Phase != want {
		l.t.Fatalf("the site is %s, want %s: %s (%s) %+v", seen.Phase, want, seen.Reason, seen.Detail, seen.Steps)
	}
	return seen
}

// leaves takes a site away to the end.
func (l *lab) leaves(id provisioning.SiteID) {
	l.t.Helper()
	ctx := context.Background()
	if _, err := l.cloud.Remove(ctx, id); err != nil {
		l.t.Fatal(err)
	}
	l.quietly(func() { l.gone(id) })
	seen, err := l.cloud.Remove(ctx, id)
	if err != nil || seen.Phase != provisioning.SiteAbsent {
		l.t.Fatalf("%+v, %v", seen, err)
	}
}

func (l *lab) gone(id provisioning.SiteID) {
	l.t.Helper()
	for until := time.Now().Add(limit); ; time.Sleep(2 * time.Second) {
		seen, err := l.cloud.Remove(context.Background(), id)
		if err == nil && seen.Phase == provisioning.SiteAbsent {
			return
		}
		if time.Now().After(until) {
			l.t.Fatalf("it is not gone after %s: %+v, %v", limit, seen, err)
		}
	}
}

func step(t *testing.T, seen provisioning.Observed, name string) provisioning.Step {
	t.Helper()
	for _, s := range seen.Steps {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no step %q in %+v", name, seen.Steps)
	return provisioning.Step{}
}

// A site is made, grows and shrinks while it stands, and goes without leaving
// anything.
func TestSite_isMadeGrownAndTakenAway(t *testing.T) {
	t.Parallel()
	l, want := newLab(t, "test-life"), aSite(t)
	want.Shape.Workers = 1
	if seen, err := l.cloud.Observe(context.Background(), want.ID); err != nil || seen.Phase != provisioning.SiteAbsent {
		t.Fatalf("before it is made: %+v, %v", seen, err)
	}
	if seen := l.ensure(want); seen.Phase != provisioning.SiteMaking || seen.Revision != 1 || seen.Ref == "" {
		t.Errorf("while it is made: %+v", seen)
	}
	made := l.settles(want.ID, provisioning.SiteStanding)
	if made.Address == "" || len(made.Drift) != 0 || made.Reason != "" {
		t.Errorf("made: %+v", made)
	}
	l.byHand(func(a *admin) {
		if got := a.userData(want.ID); got != want.UserData {
			t.Errorf("Nova holds the user-data %q", got)
		}
	})
	if s := step(t, made, "worker 1: machine"); s.State != "done" || s.BeganAt == nil || s.ChangedAt == nil || s.ChangedAt.Before(*s.BeganAt) {
		t.Errorf("worker's step: %+v", s)
	}
	if seen := l.ensure(want); seen.Phase != provisioning.SiteStanding {
		t.Errorf("nothing was to be done: %+v", seen)
	}

	want.Revision, want.Image = 2, "debian-13" // a new image is no reason for a new machine
	want.Shape = provisioning.Shape{Flavor: "tollhouse.medium", WorkerFlavor: "tollhouse.small", Workers: 2, BootGB: 20, DataGB: 80, Standby: true}
	l.ensure(want)
	grown := l.settles(want.ID, provisioning.SiteStanding)
	if grown.Revision != 2 || grown.Address != made.Address || len(grown.Drift) != 0 {
		t.Errorf("grown: %+v", grown)
	}
	step(t, grown, "standby: data volume on the machine")
	step(t, grown, "worker 2: machine")

	older := want
	older.Revision, older.Shape.Flavor = 1, "tollhouse.large"
	if seen := l.ensure(older); seen.Phase != provisioning.SiteStanding || seen.Revision != 2 {
		t.Errorf("an older revision has done something: %+v", seen)
	}
	smaller := want
	smaller.Revision, smaller.Shape.DataGB = 3, 60
	if _, err := l.cloud.Ensure(context.Background(), smaller); err == nil || !strings.Contains(err.Error(), "The data volume has 80 GB and cannot shrink to 60 GB.") {
		t.Errorf("shrunk: %v", err)
	}

	want.Revision, want.Shape.Workers, want.Shape.Standby, want.Shape.Flavor = 4, 0, false, "tollhouse.small"
	l.ensure(want)
	if seen := l.settles(want.ID, provisioning.SiteStanding); len(seen.Drift) != 0 || len(seen.Steps) != len(made.Steps)-3 {
		t.Errorf("shrunk: %+v", seen)
	}
	l.leaves(want.ID)
	if left, err := l.cloud.Orphans(context.Background(), nil); err != nil || len(left) != 0 {
		t.Errorf("left over: %+v, %v", left, err)
	}
}

// A size that no host can carry fails with a reason, and a smaller one takes the
// half-made site up.
func TestSite_withoutAHostIsToldAndResumed(t *testing.T) {
	t.Parallel()
	l, want := newLab(t, "test-host"), aSite(t)
	want.Shape.Flavor = "lab.impossible"
	l.ensure(want)
	seen := l.settles(want.ID, provisioning.SiteBroken)
	if !strings.Contains(seen.Reason, "No host of the cloud has room for this machine") || !strings.Contains(seen.Detail, "No valid host was found") {
		t.Errorf("reason %q, the cloud's words %q", seen.Reason, seen.Detail)
	}
	if s := step(t, seen, "machine"); s.State != "failed" || s.Detail == "" {
		t.Errorf("its step: %+v", s)
	}
	want.Revision, want.Shape.Flavor = 2, "tollhouse.small"
	l.ensure(want)
	if seen := l.settles(want.ID, provisioning.SiteStanding); len(seen.Drift) != 0 {
		t.Errorf("resumed: %+v", seen)
	}
	l.leaves(want.ID)
}

// A volume that Cinder cannot make fails with a reason; the half-made site is
// cleaned up as asked.
func TestSite_withoutAVolumeIsToldAndCleaned(t *testing.T) {
	t.Parallel()
	l, want := newLab(t, "test-volume"), aSite(t)
	want.Shape.DataGB = 4001 // the lab's disks are full above 4000
	l.ensure(want)
	seen := l.settles(want.ID, provisioning.SiteBroken)
	if seen.Reason != "Cinder could not make a volume." || seen.Detail == "" {
		t.Errorf("reason %q, the cloud's words %q", seen.Reason, seen.Detail)
	}
	l.leaves(want.ID)
	if left, err := l.cloud.Orphans(context.Background(), nil); err != nil || len(left) != 0 {
		t.Errorf("left over: %+v, %v", left, err)
	}
}

// What hands did to a site is told, and a new revision mends what is gone.
func TestSite_driftIsToldAndMended(t *testing.T) {
	t.Parallel()
	l, want := newLab(t, "test-drift"), aSite(t)
	want.Shape.Workers = 1
	l.ensure(want)
	l.settles(want.ID, provisioning.SiteStanding)
	l.byHand(func(a *admin) {
		tag := "test-drift-site-" + want.ID.String()
		for _, s := range a.list("compute", "/servers/detail?all_tenants=1&name=nordnetz", "servers") {
			if s["metadata"].(map[string]any)["tollhouse_site"] == want.ID.String() && strings.Contains(s["name"].(string), "worker") {
				a.do("compute", "DELETE", "/servers/"+s["id"].(string), nil)
			}
		}
		for _, g := range a.list("network", "/v2.0/security-groups?name="+tag, "security_groups") {
			a.do("network", "POST", "/v2.0/security-group-rules", map[string]any{"security_group_rule": map[string]any{
				"security_group_id": g["id"], "direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22}})
			for _, r := range a.list("network", "/v2.0/security-group-rules?port_range_min=443&security_group_id="+g["id"].(string), "security_group_rules") {
				a.do("network", "DELETE", "/v2.0/security-group-rules/"+r["id"].(string), nil)
			}
		}
		time.Sleep(5 * time.Second) // until Nova has let the worker go
	})
	seen, err := l.cloud.Observe(context.Background(), want.ID)
	if err != nil || seen.Phase != provisioning.SiteStanding {
		t.Fatalf("%+v, %v", seen, err)
	}
	told := strings.Join(seen.Drift, "; ")
	for _, part := range []string{"worker 1: machine is gone", "firewall lets through what was not asked for: tcp 22 from everywhere, IPv4",
		"firewall no longer lets through: tcp 443 from 0.0.0.0/0, IPv4"} {
		if !strings.Contains(told, part) {
			t.Errorf("told %q, %q is missing", told, part)
		}
	}
	want.Revision = 2
	l.ensure(want)
	if seen := l.settles(want.ID, provisioning.SiteStanding); len(seen.Drift) != 1 || !strings.Contains(seen.Drift[0], "tcp 22") {
		t.Errorf("mended: %q", seen.Drift)
	}
	l.leaves(want.ID)
}

// What is another's stays, though it has our names; what is ours and unknown is
// found; a site whose stack has gone without its parts goes to the end.
func TestRemove_takesOursToTheEndAndNothingElse(t *testing.T) {
	t.Parallel()
	l, want := newLab(t, "test-orphan"), aSite(t)
	another := want
	another.ID = provisioning.SiteID(uuid.NewSHA1(uuid.NameSpaceURL, []byte("another")))
	l.byHand(func(a *admin) {
		a.stack("test-orphan-"+want.ID.String(), "someone-elses")
	})
	for what, call := range map[string]func() error{
		"ensure": func() error { _, err := l.cloud.Ensure(context.Background(), want); return err },
		"remove": func() error { _, err := l.cloud.Remove(context.Background(), want.ID); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "does not bear our tags") {
			t.Errorf("%s of another's stack: %v", what, err)
		}
	}
	l.byHand(func(a *admin) {
		a.noStack("test-orphan-" + want.ID.String())
		// A volume that bears our marks and belongs to no stack, beside one that does not.
		a.volume("left", map[string]any{"tollhouse_mark": "test-orphan", "tollhouse_site": want.ID.String()})
		a.volume("other", map[string]any{"tollhouse_mark": "another", "tollhouse_site": want.ID.String()})
		a.network("left", "test-orphan", "test-orphan-site-"+want.ID.String())
		a.network("test-orphan-site-" + want.ID.String()) // its engine died before it was tagged
		a.network("test-orphan-site-of-somebody")
	})
	left, err := l.cloud.Orphans(context.Background(), []provisioning.SiteID{another.ID})
	if err != nil || len(left) != 3 || left[0].Kind != "volume" || left[1].Kind != "network" || left[2].Kind != "network" || left[0].Site != want.ID.String() {
		t.Errorf("left over: %+v, %v", left, err)
	}
	if none, err := l.cloud.Orphans(context.Background(), []provisioning.SiteID{want.ID}); err != nil || len(none) != 0 {
		t.Errorf("of a known site: %+v, %v", none, err)
	}
	l.leaves(want.ID)
	l.byHand(func(a *admin) {
		if !a.hasVolume("other") {
			t.Error("another's volume was deleted")
		}
		if !a.hasNetwork("test-orphan-site-of-somebody") {
			t.Error("another's network was deleted")
		}
	})
}

// What a project may not have is told, and its quota raised lets the site be
// resumed. The administrator's view of room is for administrators.
func TestSite_overQuotaIsToldAndResumed(t *testing.T) {
	l, want := newLab(t, "test-quota"), aSite(t)
	l.byHand(func(a *admin) {
		a.quota(1)
		t.Cleanup(func() { a.quota(-1) })
	})
	l.ensure(want)
	seen := l.settles(want.ID, provisioning.SiteBroken)
	if !strings.HasPrefix(seen.Reason, "The project's quota for cores is used up") || !strings.Contains(seen.Detail, "Quota exceeded") {
		t.Errorf("reason %q, the cloud's words %q", seen.Reason, seen.Detail)
	}
	room, err := l.cloud.Room(context.Background())
	if err != nil || len(room.Hypervisors) != 0 || len(room.Flavors) == 0 {
		t.Errorf("room %+v, %v", room, err)
	}
	told := map[string]provisioning.Amount{}
	for _, q := range room.Quotas {
		told[q.What] = q
	}
	if told["vcpu"].Limit != 1 || told["stacks"].Used != 1 || told["networks"].Used < 1 || told["volume_gb"].Limit != -1 {
		t.Errorf("quotas %+v", room.Quotas)
	}
	l.byHand(func(a *admin) { a.quota(-1) })
	l.ensure(want)
	l.settles(want.ID, provisioning.SiteStanding)
	l.leaves(want.ID)
}
