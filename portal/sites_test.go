package portal_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

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

// A new operator goes straight onto machines of its own: a plan first, then all
// at once. What comes to nothing is told with what to do next.
func TestSites_newOperatorStandsOnItsOwnFromTheStart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.works("ada@tollhouse.example", tenants.Admin)
	blank := b.get("/staff/operators/new")
	wish := append(right("suednetz"), "key", blank.value("key"), "place", "cloud:memory", "size", "small")
	plan := b.post("/staff/operators/new", blank, append(wish, "do", "plan")...)
	contains(t, "plan", plan.words(), "190.00", "There is room for it")
	if plan.value("legal_name") != "Südnetz GmbH" || len(b.get("/staff/operators").all("tr")) > 1 {
		t.Error("a plan took somebody on, or lost the form")
	}
	bad := b.post("/staff/operators/new", blank, append(wish, "size", "huge")...)
	if bad.status != http.StatusUnprocessableEntity || bad.find("#size-e") == nil {
		t.Errorf("a size that is none: %d %s", bad.status, bad.words())
	}
	made := b.post("/staff/operators/new", plan, wish...)
	contains(t, "made", made.words(), "Its machines are being made", "First password")
	at := attribute(made.find("#stack"), "hx-get")
	shown := b.get(at)
	contains(t, "on its way", shown.in("#stack"), "Machines of its own", "memory", "small")
	var site string
	for _, n := range shown.all("a[href]") {
		if words(n) == "To its site" {
			site = attribute(n, "href")
		}
	}
	if !strings.HasPrefix(site, "/staff/sites/") {
		t.Fatalf("no way to its site: %s", shown.in("#stack"))
	}
	contains(t, "the wall", b.get("/staff/").words(), "Machines of its own", "Südnetz")
	contains(t, "the list", b.get("/staff/operators").words(), "Machines of its own")

	id, err := provisioning.ParseSiteID(strings.TrimPrefix(site, "/staff/sites/"))
	if err != nil {
		t.Fatal(err)
	}
	h.write(func(ctx context.Context, tx tenants.Tx) error { // as it is once it has failed and was cleared
		_, err := tx.Exec(ctx, `update site set state = 'cleared', fence = fence + 1, leased_until = null where id = $1`, id.UUID())
		return err
	})
	gone := b.get(at)
	contains(t, "cleared", gone.in("#stack"), "Stands nowhere", "Ask for one, or have its stack made beside others")
	done := b.post(at+"/pool", gone)
	if done.status != http.StatusSeeOther {
		t.Fatalf("beside others: %d %s", done.status, done.words())
	}
	for late := time.Now().Add(20 * time.Second); !strings.Contains(b.get(at).in("#stack"), "Healthy"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("its stack is not made: %s", b.get(at).in("#stack"))
		}
	}
}

func TestStaff_newOperatorIsRefusedWhereNoRoomIs(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.works("ada@tollhouse.example", tenants.Admin)
	h.write(func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `insert into host_database (name, kind, database, sealed_url, capacity, open, added_by, added_at) values ('full', 'pooled', 'full', '\x00', 5, false, 'system', now())`)
		return err
	})
	refused := b.post("/staff/operators/new", b.get("/staff/operators/new"), append(right("suednetz"), "key", uuid.NewString())...)
	if refused.status != http.StatusUnprocessableEntity || refused.value("legal_name") != "Südnetz GmbH" {
		t.Errorf("without room: %d", refused.status)
	}
	contains(t, "refusal", refused.in(".errsum"), "No open host database has room")
	if err := provisioning.LookAtPool(context.Background(), h.control); err != nil {
		t.Fatal(err)
	}
	contains(t, "alarms", b.get("/staff/alarms").words(), "Few places for new operators are left")
	contains(t, "capacity", b.get("/staff/capacity").words(), "0 of 0 places", "by 10 places at least")
}
