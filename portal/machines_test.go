package portal_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

func newDesk(db *tenants.DB, seal tenants.Sealer) *enrol.Desk {
	return enrol.New(enrol.Config{DB: db, Seal: seal, URL: "https://control.tollhouse.example", Log: slog.New(slog.DiscardHandler),
		Binary: func() (string, error) { return strings.Repeat("5f", 32), nil }})
}

// formsTo are the addresses of a page's forms that end so.
func (p page) formsTo(end string) (found []string) {
	for _, form := range p.all("form") {
		if action := attribute(form, "action"); strings.HasSuffix(action, end) {
			found = append(found, action)
		}
	}
	return found
}

func TestMachines_fromTheOneLineToAnAlarm(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.works("night@tollhouse.example", tenants.Engineer)
	made := h.operator("nordnetz")
	desk, ctx := h.desk, context.Background()

	empty := b.get("/staff/machines")
	contains(t, "no machine yet", empty.words(), "No machine is enrolled")
	refused := b.post("/staff/machines", empty, "operator", "", "role", "host", "place", "customer", "name", "", "minutes", "soon")
	if refused.status != http.StatusUnprocessableEntity || refused.find("#machine-operator-e") == nil || refused.find("#machine-minutes-e") == nil {
		t.Errorf("an empty form answers %d: %s", refused.status, refused.words())
	}
	line := b.post("/staff/machines", empty, "operator", made.ID.String(), "role", "host", "place", "customer", "name", "server in Hamburg", "minutes", "30",
		"processes", "postgres\nnginx", "key", uuid.NewString())
	command := line.in("pre")
	if line.status != http.StatusOK || !strings.HasSuffix(command, "| sudo sh -s -- host nordnetz") {
		t.Fatalf("%d %s", line.status, line.words())
	}
	token, _, _ := strings.Cut(strings.TrimPrefix(command, "(echo token="), ";")
	contains(t, "the invitation waits", b.get("/staff/machines").card("invitations"), "waits", "server in Hamburg")

	// two machines come by it
	var welcome machine.Welcome
	for n := range 2 {
		keys, err := machine.NewKeys()
		if err != nil {
			t.Fatal(err)
		}
		got, err := desk.Enrol(ctx, machine.Application{Token: token, Operator: "nordnetz", Role: machine.Host}.Proven(keys), "192.0.2.7")
		if n == 0 {
			if err != nil {
				t.Fatal(err)
			}
			welcome = got
			report := machine.Report{Healthy: false, Reason: "Its database does not answer.", Version: strings.Repeat("5f", 32), Missing: []string{"nginx"},
				Disks: []machine.Disk{{Path: "/var/lib/tollhouse", Total: 1000, Free: 20}}}
			signed := machine.Request{Method: "POST", Path: machine.PathReport, Machine: got.Machine, Time: time.Now(), Number: 1}.Signed(keys.Sign)
			if _, err := desk.Report(ctx, signed, report, "192.0.2.7"); err != nil {
				t.Fatal(err)
			}
		}
	}
	list := b.get("/staff/machines")
	contains(t, "the list", list.words(), "server in Hamburg", "unwell", "5f5f5f5f5f5f", "Look at the reason")
	one := "/staff/machines/" + welcome.Machine.String()
	contains(t, "the machine", b.get(one).words(), "Its database does not answer.", "192.0.2.7", "nginx", "does not run", "/var/lib/tollhouse")

	alarms := b.get("/staff/alarms")
	contains(t, "alarms", alarms.words(), "A token was used twice", "A process does not run", "A disk is nearly full", "/var/lib/tollhouse", "A machine is unwell")
	if n := len(alarms.formsTo("/acknowledge")); n != 4 {
		t.Errorf("%d alarms can be taken on", n)
	}
	if n := len(alarms.formsTo("/close")); n != 1 { // only an event is closed by hand
		t.Errorf("%d alarms can be closed", n)
	}
	if t.Failed() {
		return
	}
	waiting := alarms.in("a[href=/staff/alarms]")
	taken := b.post(alarms.formsTo("/acknowledge")[0], alarms)
	after := b.get(taken.header.Get("Location"))
	contains(t, "taken on", after.words(), "taken on by night@tollhouse.example")
	if now := after.in("a[href=/staff/alarms]"); waiting != "Alarms 4" || now != "Alarms 3" {
		t.Errorf("the navigation told of %q alarms that wait, and of %q when one was taken on", waiting, now)
	}

	page := b.get(one)
	without := b.post(one+"/revoke", page, "reason", "")
	if without.status != http.StatusUnprocessableEntity || without.find("#machine-reason-e") == nil {
		t.Errorf("shut out without a reason: %d", without.status)
	}
	b.post(one+"/renew-keys", page)
	contains(t, "keys", b.get(one).words(), "It changes its keys with its next report.")
	b.post(one, page, "name", "server in Kiel", "processes", "postgres")
	contains(t, "renamed", b.get(one).words(), "server in Kiel")
	out := b.post(one+"/revoke", page, "reason", "stolen")
	contains(t, "shut out", b.get(out.header.Get("Location")).words(), "The machine is shut out.", "stolen")
}

func TestHardware_clockOfAReplacement(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	b := h.works("night@tollhouse.example", tenants.Engineer)
	made := h.operator("nordnetz")
	register := b.get("/staff/hardware")
	refused := b.post("/staff/hardware", register, "id", uuid.NewString(), "model", "TA-200", "serial", "A1", "kind", "appliance", "state", "in_use", "bought_on", "2026-01-31", "warranty_until", "never")
	if refused.status != http.StatusUnprocessableEntity || refused.find("#hardware-warranty_until-e") == nil {
		t.Errorf("a day that is none: %d", refused.status)
	}
	add := func(serial, state, operator string) string {
		id := uuid.NewString()
		saved := b.post("/staff/hardware", register, "id", id, "model", "TA-200", "serial", serial, "kind", "appliance", "state", state, "operator", operator,
			"bought_on", "2026-01-31", "warranty_until", "2028-01-31", "location", "Hafenstraße 5")
		if saved.status != http.StatusSeeOther {
			t.Fatalf("%s: %d %s", serial, saved.status, saved.in(".errsum"))
		}
		return id
	}
	out, spare := "/staff/hardware/"+add("A1", "in_use", made.ID.String()), add("A2", "spare", "")
	failed := b.post(out+"/fail", b.get(out), "fault", "no light")
	page := b.get(failed.header.Get("Location"))
	contains(t, "the clock", page.words(), "to be replaced within 23 h 59 min", "Send somebody with the spare", "no light")
	replaced := b.post(out+"/replace", page, "spare", spare)
	contains(t, "replaced", b.get(replaced.header.Get("Location")).words(), "was replaced in time")
	contains(t, "the spare", b.get("/staff/hardware/"+spare).words(), "In use", "Hafenstraße 5")
	rack := b.post("/staff/racks", register, "id", uuid.NewString(), "name", "R1", "site", "Hamburg 2", "units", "42", "power_w", "6000")
	contains(t, "racks", b.get(rack.header.Get("Location")).card("racks"), "R1", "0 of 42 units")
	for _, language := range []string{"id", "ru"} { // every word is there
		if text := b.get("/staff/hardware?lang=" + language).words(); strings.Contains(text, "hardware.") {
			t.Errorf("%s: a word is missing: %s", language, text)
		}
	}
}
