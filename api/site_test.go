package api

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/tenants"
)

func TestSites_putIsPlannedThenMadeOnce(t *testing.T) {
	w, signIn := newControlWorld(t)
	admin := signIn(tenants.Admin)
	operator := w.post(admin, "/staff/v1/operators", application("nordnetz")).want(t, 202).text("operator", "id")
	path := "/staff/v1/sites/" + uuid.NewString()
	want := map[string]any{"operator": operator, "cloud": "memory", "size": "medium", "add_ons": map[string]int{"worker": 1},
		"schedules": []any{map[string]any{"size": "large", "from": 1, "to": 3}},
		"scaling":   map[string]any{"min": 0, "max": 2, "cooldown_minutes": 10, "rules": []any{map[string]any{"measure": "cpu_percent", "above": 70, "below": 30}}}}
	planned := w.send(request{method: "PUT", path: path + "?dry_run=true", token: admin, body: want}).want(t, 200)
	if planned.text("plan", "monthly", "amount") != "660.00" || planned.text("plan", "at_most", "amount") != "840.00" || planned.at("plan", "fits") != true || planned.at("site") != nil {
		t.Errorf("planned: %s", planned.raw)
	}
	w.get(admin, path).want(t, 404)
	made := w.send(request{method: "PUT", path: path, token: admin, body: want}).want(t, 200)
	again := w.send(request{method: "PUT", path: path, token: admin, body: want}).want(t, 200)
	if made.text("site", "state") != "requested" || again.at("site", "revision") != made.at("site", "revision") || made.text("site", "monthly", "amount") != "660.00" {
		t.Errorf("made %s, again %s", made.raw, again.raw)
	}
	if shown := w.get(admin, path).want(t, 200); shown.text("size") != "medium" || shown.text("health") != "working" {
		t.Errorf("shown: %s", shown.raw)
	}
	want["expected_revision"], want["size"] = 7, "large"
	w.send(request{method: "PUT", path: path, token: admin, body: want}).want(t, 409)
	want["size"] = "huge"
	delete(want, "expected_revision")
	refused := w.send(request{method: "PUT", path: path, token: admin, body: want}).want(t, 400)
	if fields, err := refused.faults(); err != nil || strings.Join(fields, " ") != "size" {
		t.Errorf("named %v (%v): %s", fields, err, refused.raw)
	}
	if list := w.get(admin, "/staff/v1/sites?operator="+operator).want(t, 200); list.text("items", 0, "size") != "medium" {
		t.Errorf("listed: %s", list.raw)
	}
	if events := w.get(admin, path+"/events").want(t, 200); events.text("items", 0, "kind") != "asked" {
		t.Errorf("events: %s", events.raw)
	}
	w.post(admin, path+"/resume", map[string]any{}).want(t, 409)
	w.post(admin, path+"/repair", nil).want(t, 409)
	w.post(admin, path+"/waive-backup", map[string]any{"reason": "a trial"}).want(t, 409)
	closed := w.post(admin, path+"/close", map[string]any{"reason": "asked for by mistake", "grace_days": 3}).want(t, 200)
	if closed.text("state") != "closing" || closed.text("remove_after") == "" {
		t.Errorf("closed: %s", closed.raw)
	}
	if back := w.post(admin, path+"/reopen", nil).want(t, 200); back.text("state") != "making" {
		t.Errorf("reopened: %s", back.raw)
	}
	if cleared := w.post(admin, path+"/clear", nil).want(t, 200); cleared.text("state") != "clearing" {
		t.Errorf("cleared: %s", cleared.raw)
	}
}

func TestSites_whoMayDoWhat(t *testing.T) {
	w, signIn := newControlWorld(t)
	viewer, engineer := signIn(tenants.Viewer), signIn(tenants.Engineer)
	path := "/staff/v1/sites/" + uuid.NewString()
	w.get(viewer, "/staff/v1/sites").want(t, 200)
	w.send(request{method: "PUT", path: path, token: viewer, body: map[string]any{"operator": uuid.NewString(), "cloud": "memory", "size": "small"}}).want(t, 403)
	w.send(request{method: "PUT", path: path, token: engineer, body: map[string]any{"operator": uuid.NewString(), "cloud": "memory", "size": "small"}}).want(t, 404)
	w.post(engineer, path+"/close", map[string]any{"reason": "not mine to do", "grace_days": 0}).want(t, 403)
	price := map[string]any{"kind": "add_on", "title": "More disk", "shape": map[string]any{"data_gb": 50}, "price": map[string]string{"amount": "7.00", "currency": "EUR"}}
	w.send(request{method: "PUT", path: "/staff/v1/sizes/disk-50", token: engineer, body: price}).want(t, 403)
	admin := signIn(tenants.Admin)
	w.send(request{method: "PUT", path: "/staff/v1/sizes/disk-50", token: admin, body: price}).want(t, 200)
	w.send(request{method: "PUT", path: "/staff/v1/sizes/small", token: admin, body: price}).want(t, 409)
	if sizes := w.get(viewer, "/staff/v1/sizes").want(t, 200); !strings.Contains(string(sizes.raw), "disk-50") {
		t.Errorf("sizes: %s", sizes.raw)
	}
}

func TestClouds_andUpgrades(t *testing.T) {
	w, signIn := newControlWorld(t)
	admin := signIn(tenants.Admin)
	if clouds := w.get(admin, "/staff/v1/clouds").want(t, 200); clouds.text("items", 0, "name") != "memory" || clouds.text("items", 0, "place") != "Hamburg" {
		t.Errorf("clouds: %s", clouds.raw)
	}
	w.get(admin, "/staff/v1/clouds/memory/capacity").want(t, 200)
	w.get(admin, "/staff/v1/clouds/mars/capacity").want(t, 404)
	w.post(admin, "/staff/v1/clouds/memory/look", nil).want(t, 202)
	w.post(admin, "/staff/v1/clouds/mars/look", nil).want(t, 404)
	orphan := "/staff/v1/clouds/memory/orphans/" + uuid.NewString()
	w.post(admin, orphan+"/delete", map[string]any{"reason": "left over"}).want(t, 404)
	w.post(admin, orphan+"/adopt", map[string]any{"operator": uuid.NewString(), "size": "small"}).want(t, 404)
	upgrade := "/staff/v1/upgrades/" + uuid.NewString()
	refused := w.send(request{method: "PUT", path: upgrade, token: admin, body: map[string]any{"version": strings.Repeat("a", 64), "title": "November", "soak_minutes": 0, "within_minutes": 5}}).want(t, 400)
	if fields, err := refused.faults(); err != nil || strings.Join(fields, " ") != "sites" {
		t.Errorf("named %v (%v): %s", fields, err, refused.raw)
	}
	w.get(admin, upgrade).want(t, 404)
	w.post(admin, upgrade+"/resume", nil).want(t, 404)
	w.post(admin, upgrade+"/rollback", nil).want(t, 404)
	w.get(admin, "/staff/v1/upgrades").want(t, 200)
}
