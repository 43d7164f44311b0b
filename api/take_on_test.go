package api

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/tenants"
)

// onSite is an application whose stack is to stand on a site of its own.
func onSite(name, site, size string) map[string]any {
	a := application(name)
	a["place"] = map[string]any{"site": map[string]any{"id": site, "cloud": "memory", "size": size}}
	return a
}

func TestOperators_areTakenOnStraightOntoASite(t *testing.T) {
	w, signIn := newControlWorld(t)
	admin, site := signIn(tenants.Admin), uuid.NewString()
	planned := w.send(request{method: "POST", path: "/staff/v1/operators?dry_run=true", token: admin, key: "k", body: onSite("nordnetz", site, "small")}).want(t, 200)
	if planned.at("dry_run") != true || planned.text("plan", "monthly", "amount") != "190.00" || planned.text("site") != site || planned.at("owner_password") != nil ||
		planned.at("operator", "stack", "own_machines") != true {
		t.Errorf("planned: %s", planned.raw)
	}
	w.get(admin, "/staff/v1/sites/"+site).want(t, 404)
	if list := w.get(admin, "/staff/v1/operators?q=nordnetz").want(t, 200); list.at("items", 0) != nil {
		t.Errorf("a plan took on: %s", list.raw)
	}
	refused := w.send(request{method: "POST", path: "/staff/v1/operators", token: admin, key: "bad", body: onSite("nordnetz", site, "huge")}).want(t, 400)
	if fields, err := refused.faults(); err != nil || strings.Join(fields, " ") != "place.size" {
		t.Errorf("named %v (%v): %s", fields, err, refused.raw)
	}
	both := onSite("nordnetz", site, "small")
	both["place"].(map[string]any)["host_database"] = "tollhouse_host"
	w.send(request{method: "POST", path: "/staff/v1/operators", token: admin, key: "both", body: both}).want(t, 400)
	r := request{method: "POST", path: "/staff/v1/operators", token: admin, key: "k", body: onSite("nordnetz", site, "small")}
	made, again := w.send(r).want(t, 202), w.send(r).want(t, 202)
	operator := made.text("operator", "id")
	if made.text("site") != site || made.text("owner_password") == "" || string(made.raw) != string(again.raw) || made.at("operator", "stack", "own_machines") != true {
		t.Errorf("made: %s, again: %s", made.raw, again.raw)
	}
	if got := w.get(admin, "/staff/v1/sites/"+site).want(t, 200); got.text("operator") != operator || got.text("state") != "requested" {
		t.Errorf("its site: %s", got.raw)
	}
	w.get(admin, "/staff/v1/operators/"+operator+"/figures").want(t, 503)
}

func TestOperators_putTwiceIsOnce(t *testing.T) {
	control, signIn := newControl(t)
	w := controlWorld(t, control)
	admin, id, site := signIn(w, tenants.Admin), uuid.NewString(), uuid.NewString()
	put := func(body map[string]any, query string) request {
		return request{method: "PUT", path: "/staff/v1/operators/" + id + query, token: admin, body: body}
	}
	want := onSite("nordnetz", site, "small")
	planned := w.send(put(want, "?dry_run=true")).want(t, 200)
	if planned.at("made") != true || planned.text("plan", "monthly", "amount") != "190.00" || planned.text("operator", "id") != id {
		t.Errorf("planned: %s", planned.raw)
	}
	w.get(admin, "/staff/v1/operators/"+id).want(t, 404)
	made, again := w.send(put(want, "")).want(t, 200), w.send(put(want, "")).want(t, 200)
	if made.at("made") != true || made.text("owner_password") == "" || again.at("made") != false || again.at("owner_password") != nil ||
		again.text("operator", "id") != id || again.text("operator", "created_at") != made.text("operator", "created_at") {
		t.Errorf("made: %s, again: %s", made.raw, again.raw)
	}
	other := onSite("nordnetz", site, "small")
	other["legal_name"] = "Südnetz GmbH"
	w.send(put(other, "")).want(t, 409)

	pooled := application("nordnetz")
	pooled["place"] = map[string]any{}
	w.send(put(pooled, "")).want(t, 409) // its site is there still
	w.post(admin, "/staff/v1/sites/"+site+"/clear", nil).want(t, 200)
	err := control.DB.Write(t.Context(), func(ctx context.Context, tx tenants.Tx) error { // as the fleet's reconciler does
		_, err := tx.Exec(ctx, `update site set state = 'cleared' where id = $1`, site)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if planned := w.send(put(pooled, "?dry_run=true")).want(t, 200); planned.at("operator", "stack", "own_machines") != false {
		t.Errorf("planned elsewhere: %s", planned.raw)
	}
	if got := w.get(admin, "/staff/v1/operators/"+id).want(t, 200); got.at("stack", "own_machines") != true {
		t.Errorf("a plan placed it elsewhere: %s", got.raw)
	}
	if placed := w.send(put(pooled, "")).want(t, 200); placed.at("operator", "stack", "own_machines") != false || placed.text("operator", "stack", "state") != "requested" {
		t.Errorf("placed elsewhere: %s", placed.raw)
	}
	w.send(put(pooled, "")).want(t, 200)
	w.send(put(want, "")).want(t, 409) // back onto a site is a move
}
