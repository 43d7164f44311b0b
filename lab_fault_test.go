//go:build openstack

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// point is when a control plane is killed: at its nth request that concerns a
// site, before the cloud hears it or when it has answered.
type point struct {
	nth   int
	after bool
}

// A quiet lab deletes a site in a few looks: its points lie close together.
var (
	tenPoints  = []point{{1, false}, {1, true}, {2, false}, {2, true}, {3, false}, {3, true}, {4, true}, {5, true}, {7, true}, {9, false}}
	tenOfAnEnd = []point{{1, false}, {1, true}, {2, false}, {2, true}, {1, false}, {1, true}, {3, false}, {1, true}, {2, true}, {3, true}}
)

// TestLab_controlKilledAtTenPoints kills the control plane's process at ten
// points of a site's creation, of a change and of its deletion, at each with
// SIGKILL: then there is one healthy stack with its host, or none, and nothing
// beside it.
func TestLab_controlKilledAtTenPoints(t *testing.T) {
	e := newEstate(t, "test-killed")
	e.open(t)
	operator, id := e.main.operator(e.token, "nordnetz"), uuid.New()

	e.survives(id, tenPoints, func() bool {
		return e.asks("PUT", "/staff/v1/sites/"+id.String(), map[string]any{"operator": operator.id, "cloud": "openstack", "size": "small"})
	})
	e.becomes(id, "enrolling")
	e.isWhole(id, 1)
	if out, err := e.first.boots(e.userData(id)); err != nil {
		t.Fatalf("the user-data, after ten kills: %v\n%s", err, out)
	}
	e.becomes(id, "ready")

	e.survives(id, tenPoints, func() bool {
		return e.asks("PUT", "/staff/v1/sites/"+id.String(), map[string]any{"operator": operator.id, "cloud": "openstack", "size": "medium"})
	})
	site := e.becomes(id, "ready")
	e.isWhole(id, 2)
	if shape, _ := site["shape"].(map[string]any); shape["flavor"] != "tollhouse.medium" {
		t.Errorf("the size that stands: %v", shape)
	}
	e.isServing(operator)

	e.main.call(e.token, "POST", "/staff/v1/sites/"+id.String()+"/close", map[string]any{"reason": "the test ends", "grace_days": 0}, http.StatusOK)
	e.survives(id, tenOfAnEnd, func() bool {
		return e.asks("POST", "/staff/v1/sites/"+id.String()+"/waive-backup", map[string]any{"reason": "a test without data"})
	})
	e.becomes(id, "removed")
	if left, err := e.cloud.Orphans(t.Context(), nil); err != nil || len(left) != 0 {
		t.Errorf("left over: %+v, %v", left, err)
	}
	if got := len(e.machines(id)); got != 0 {
		t.Errorf("%d machines are left", got)
	}
}

// survives asks for something and kills the control plane at ten points of what
// follows, each time in the process that took over. A control plane then runs.
func (e *estate) survives(id uuid.UUID, points []point, ask func() (answered bool)) {
	e.t.Helper()
	answered := false
	for _, at := range points {
		if e.main.hasEnded() {
			e.frees(id)
			e.open(e.t)
		}
		e.main.gate.arm(at.nth, at.after)
		if !answered {
			answered = ask()
		}
		select {
		case <-e.main.over:
		case <-time.After(3 * time.Minute):
			e.t.Fatalf("it was not killed at %+v: %v", at, e.site(id))
		}
	}
	e.frees(id)
	e.open(e.t)
	if !answered && !ask() {
		e.t.Fatal("the control plane never answered what it was asked")
	}
}

// asks asks for something that the control plane may be killed over before it has
// answered: whoever asked then doesn't know whether it was written down, and asks
// again.
func (e *estate) asks(method, path string, body any) (answered bool) {
	e.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		e.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(e.t.Context(), method, e.main.address+path, bytes.NewReader(text))
	if err != nil {
		e.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", uuid.NewString())
	request.Header.Set("Authorization", "Bearer "+e.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		e.t.Logf("%s %s was cut off: %v", method, path, err)
		return false
	}
	_ = response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK, http.StatusConflict: // what was cut off had been done
	default:
		e.t.Fatalf("%s %s: %s", method, path, response.Status)
	}
	return true
}

// frees lets the minute pass for which a process that was killed had claimed a
// site, and has it looked at.
func (e *estate) frees(id uuid.UUID) {
	e.t.Helper()
	e.passes(`update control.site set leased_until = null, due_at = least(due_at, now()) where id = $1 and state not in ('removed', 'cleared')`, id)
}

// TestLab_twoControlPlanesNeverFight has two control planes work on one registry:
// they share the looks at a site and never speak of it to the cloud at once.
// When the one that works is killed, the other goes on once its claim has run out.
func TestLab_twoControlPlanesNeverFight(t *testing.T) {
	e := newEstate(t, "test-two")
	one, two := e.open(t), e.open(t)
	operator, id := one.operator(e.token, "nordnetz"), uuid.New()
	e.put(id, operator, "small")
	e.becomes(id, "enrolling")
	e.isWhole(id, 1)
	time.Sleep(20 * time.Second) // both go on looking
	creates := 0
	for _, asked := range append(one.gate.requests(), two.gate.requests()...) {
		if asked.method == http.MethodPost && strings.HasSuffix(asked.url, "/stacks") {
			creates++
		}
	}
	if creates != 1 {
		t.Errorf("the stack was asked for %d times", creates)
	}
	mine, theirs := of(one.gate.requests(), id), of(two.gate.requests(), id)
	t.Logf("requests about the site: %d by one, %d by the other", len(mine), len(theirs))
	if len(mine) == 0 || len(theirs) == 0 {
		t.Error("one of them has done nothing")
	}
	for _, a := range mine {
		for _, b := range theirs {
			if a.from.Before(b.to) && b.from.Before(a.to) {
				t.Errorf("both spoke at once: %s %s and %s %s", a.method, a.url, b.method, b.url)
			}
		}
	}

	// The first that looks dies in the middle of it.
	one.gate.arm(2, true)
	killed := time.Time{}
	select {
	case <-one.over:
		killed = time.Now()
	case <-time.After(3 * time.Minute):
		t.Fatal("the first one was not killed")
	}
	e.main = two
	before := len(of(two.gate.requests(), id))
	for until := time.Now().Add(3 * time.Minute); len(of(two.gate.requests(), id)) == before; time.Sleep(time.Second / 4) {
		if time.Now().After(until) {
			t.Fatal("the second one does not go on")
		}
	}
	waited := time.Since(killed)
	t.Logf("the other went on after %s", waited.Round(time.Second/10))
	if waited > 75*time.Second {
		t.Errorf("the other went on after %s, want the minute of a claim", waited)
	}
	e.put(id, operator, "medium")
	e.becomes(id, "enrolling")
	e.isWhole(id, 2)
}

// of are the requests that name a site.
func of(all []asking, id uuid.UUID) (some []asking) {
	for _, one := range all {
		if strings.Contains(one.url, id.String()) {
			some = append(some, one)
		}
	}
	return some
}

// TestLab_keystoneDownAtTheStart starts a control plane while Keystone is down:
// it serves, says of a site what it waits for, and makes it once Keystone is there.
func TestLab_keystoneDownAtTheStart(t *testing.T) {
	e := newEstate(t, "test-ks-start")
	labScript(t, "stop", "keystone")
	t.Cleanup(func() { labScript(t, "start", "keystone") })
	e.open(t)
	operator, id := e.main.operator(e.token, "nordnetz"), uuid.New()
	e.put(id, operator, "small")
	var site map[string]any
	for until := time.Now().Add(patience); ; time.Sleep(time.Second) {
		if site = e.site(id); site["reason"] == "Keystone does not answer." {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("it does not say that Keystone is down: %v (%v; %v)", site["state"], site["reason"], site["detail"])
		}
	}
	if site["held"] == true {
		t.Error("it waits for a person")
	}
	labScript(t, "start", "keystone")
	e.becomes(id, "enrolling")
	e.isWhole(id, 1)
}
