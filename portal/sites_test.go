package portal_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"tollhouse/provisioning"
	"tollhouse/provisioning/fleet"
	"tollhouse/provisioning/sitetest"
	"tollhouse/tenants"
)

// keepSites has sites of dedicated stacks kept in a cloud in memory, whose
// hosts come as a test says.
func (h *house) keepSites(seal tenants.Sealer, log *slog.Logger) *fleet.Fleet {
	h.cloud, h.hosts = sitetest.NewMemory(), sitetest.NewHosts()
	clouds := fleet.Clouds{"memory": {Sites: h.cloud, Place: "Hamburg"}}
	reconciler := fleet.New(fleet.Parts{DB: h.control, Clouds: clouds, Hosts: h.hosts, Seal: seal, Log: log},
		fleet.Config{Poll: 20 * time.Millisecond, Watch: 20 * time.Millisecond, Keep: 50 * time.Millisecond, CloudLook: 50 * time.Millisecond})
	reconciler.Start(context.Background())
	h.t.Cleanup(reconciler.Stop)
	return fleet.NewFleet(h.control, clouds, reconciler.Wake)
}

func TestSites_askedForByPlanThenWatchedUntilReady(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made := h.operator("nordnetz")
	b := h.works("ada@tollhouse.example", tenants.Admin)
	form := b.get("/staff/sites/new")
	wish := []string{"site", form.value("site"), "operator", made.ID.String(), "cloud", "memory", "size", "medium", "add_ons.worker", "2",
		"schedule_size", "large", "schedule_from", "1", "schedule_to", "3"}
	bad := b.post("/staff/sites/new", form, append(wish, "schedule_to", "99")...)
	if bad.status != http.StatusUnprocessableEntity || !strings.Contains(bad.words(), "1 to 31") && !strings.Contains(bad.words(), "month's end") {
		t.Errorf("a day that is none: %d %s", bad.status, bad.words())
	}
	plan := b.post("/staff/sites/new", form, append(wish, "do", "plan")...)
	for _, word := range []string{"750.00", "There is room for it", "Workers", "large on 1–3"} {
		if !strings.Contains(plan.words(), word) {
			t.Errorf("the plan says nothing of %q: %s", word, plan.words())
		}
	}
	if len(h.cloud.Standing()) != 0 {
		t.Error("planning made it")
	}
	done := b.post("/staff/sites/new", plan, append(wish, "do", "make")...)
	if done.status != http.StatusSeeOther {
		t.Fatalf("asked for: %d %s", done.status, done.words())
	}
	address := strings.Split(done.header.Get("Location"), "?")[0]
	h.eventually("machines that stand", func() bool { return strings.Contains(b.get(address).words(), "Waiting for its host") })
	id, err := provisioning.ParseSiteID(address[strings.LastIndexByte(address, '/')+1:])
	if err != nil {
		t.Fatal(err)
	}
	h.hosts.Come(id)
	h.eventually("ready", func() bool {
		return strings.Contains(b.get(address).words(), "Ready since") && strings.Contains(b.get("/staff/sites").words(), "Healthy 1")
	})
	h.cloud.Drift(id, "tcp 22 from anywhere was added by hand")
	h.eventually("drift", func() bool {
		p := b.get(address).words()
		return strings.Contains(p, "by hand") && strings.Contains(p, "Repair")
	})
	closing := b.post(address+"/close", b.get(address), "reason", "", "grace_days", "14")
	if closing.status != http.StatusUnprocessableEntity {
		t.Errorf("without a reason: %d", closing.status)
	}
	if got := b.post(address+"/close", b.get(address), "reason", "the contract has ended", "grace_days", "0"); got.status != http.StatusSeeOther {
		t.Fatalf("closed: %d %s", got.status, got.words())
	}
	h.eventually("what a deletion waits for", func() bool { return strings.Contains(b.get(address).words(), "No final backups are kept here") })
	if got := b.post(address+"/waive", b.get(address), "reason", "a trial without data"); got.status != http.StatusSeeOther {
		t.Fatalf("waived: %d %s", got.status, got.words())
	}
	h.eventually("gone", func() bool {
		return strings.Contains(b.get(address).words(), "a trial without data") && len(h.cloud.Standing()) == 0
	})
}

func TestSites_sizesCapacityAndUpgrades(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.works("ada@tollhouse.example", tenants.Admin)
	sizes := b.get("/staff/sizes?size=small")
	refused := b.post("/staff/sizes", sizes, "name", "small", "kind", "size", "title", "Small", "price.amount", "-1", "currency", "EUR", "shape.flavor", "tollhouse.small",
		"shape.worker_flavor", "tollhouse.small", "shape.boot_gb", "20", "shape.data_gb", "50")
	if refused.status != http.StatusUnprocessableEntity {
		t.Errorf("a price below zero: %d %s", refused.status, refused.words())
	}
	put := b.post("/staff/sizes", sizes, "name", "tiny", "kind", "size", "title", "Tiny", "price.amount", "99.00", "currency", "EUR", "shape.flavor", "tollhouse.small",
		"shape.worker_flavor", "tollhouse.small", "shape.boot_gb", "20", "shape.data_gb", "20")
	if put.status != http.StatusSeeOther || !strings.Contains(b.get("/staff/sizes").words(), "Tiny") {
		t.Errorf("a new size: %d %s", put.status, put.words())
	}
	h.eventually("capacity", func() bool {
		p := b.get("/staff/capacity").words()
		return strings.Contains(p, "vCPU 64") && strings.Contains(p, "Hamburg")
	})
	form := b.get("/staff/upgrades")
	none := b.post("/staff/upgrades", form, "upgrade", form.value("upgrade"), "title", "November", "version", strings.Repeat("a", 64), "soak_minutes", "0", "within_minutes", "5")
	if none.status != http.StatusUnprocessableEntity {
		t.Errorf("an upgrade of nothing: %d %s", none.status, none.words())
	}
	viewer := h.works("vic@tollhouse.example", tenants.Viewer)
	if p := viewer.get("/staff/sites"); strings.Contains(p.words(), "New site") {
		t.Error("a viewer is offered a new site")
	}
}
