//go:build openstack

package main

import (
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// TestLab_enrolsFromWhatNovaHolds makes a site in the cloud, takes the user-data
// that Nova holds for its server and runs it for real: the stack in it enrols,
// gets its configuration, serves its API and is seen healthy, so that the site is
// ready. What Nova holds is of no use to anybody else: a token that comes again,
// late or for another operator is refused, and an alarm is raised.
func TestLab_enrolsFromWhatNovaHolds(t *testing.T) {
	e := newEstate(t, "test-proof")
	e.open(t)
	nordnetz, suednetz := e.main.operator(e.token, "nordnetz"), e.main.operator(e.token, "suednetz")
	first, second := uuid.New(), uuid.New()
	e.put(first, nordnetz, "small")
	e.put(second, suednetz, "small")

	e.becomes(first, "enrolling")
	held := e.userData(first)
	if out, err := e.first.boots(held); err != nil {
		t.Fatalf("the user-data: %v\n%s", err, out)
	}
	site := e.becomes(first, "ready")
	e.isServing(nordnetz)
	host, _ := site["host"].(map[string]any)
	if host["enrolled"] != true || host["healthy"] != true || host["version"] == "" || site["health"] != "ok" {
		t.Errorf("the site is ready, and yet: health %v, host %v", site["health"], host)
	}
	machine := e.machine(nordnetz)
	if report, _ := machine["report"].(map[string]any); machine["site"] != first.String() || machine["standing"] != "healthy" || report["stack"] != "ready" {
		t.Errorf("its machine: %v", machine)
	}

	other := newSpace(t)
	e.refuses(other, held, "token_reused")
	e.becomes(second, "enrolling")
	theirs := e.userData(second)
	e.passes(`update control.enrolment set issued_at = issued_at - interval '2 hours', expires_at = expires_at - interval '2 hours' where site_id = $1`, second)
	e.refuses(other, theirs, "token_late")
	e.passes(`update control.enrolment set issued_at = issued_at + interval '2 hours', expires_at = expires_at + interval '2 hours' where site_id = $1`, second)
	e.refuses(other, strings.ReplaceAll(theirs, "operator='suednetz'", "operator='nordnetz'"), "token_foreign")
	e.refuses(other, theirs, "token_late") // it is burnt, and good for nobody any more
	if got := e.site(second)["state"]; got == "ready" {
		t.Error("the second site is ready, and nobody has enrolled")
	}
	if site := e.site(first); site["state"] != "ready" {
		t.Errorf("what others tried has touched the first site: it is %v", site["state"])
	}
	e.isServing(nordnetz)
}

// machine is the only one of an operator.
func (e *estate) machine(of newcomer) map[string]any {
	e.t.Helper()
	list, _ := e.main.call(e.token, "GET", "/staff/v1/machines?operator="+of.id, nil, http.StatusOK)["items"].([]any)
	if len(list) != 1 {
		e.t.Fatalf("%s has %d machines, want one", of.name, len(list))
	}
	one, _ := list[0].(map[string]any)
	return one
}

// isServing wants the stack in the first space to serve: its owner signs in with
// the password that was shown at the control plane, and reads.
func (e *estate) isServing(of newcomer) {
	e.t.Helper()
	for _, path := range []string{"/readyz", "/t/" + of.name + "/v1/jwks", "/t/" + of.name + "/console/sign-in"} {
		if got := e.first.get(path); got != http.StatusOK {
			e.t.Errorf("%s: %d", path, got)
		}
	}
	e.first.answersByTLS()
	stack := door{e.t, "http://" + e.first.inside + ":8080", nil}
	token, _ := stack.call("", "POST", "/t/"+of.name+"/v1/sign-in", map[string]any{"email": of.email, "password": of.password}, http.StatusOK)["access_token"].(string)
	if me := stack.call(token, "GET", "/t/"+of.name+"/v1/me", nil, http.StatusOK); me["role"] != "owner" {
		e.t.Errorf("who the owner is: %v", me)
	}
}

// refuses wants user-data to come to nothing in a space, and an alarm to tell.
func (e *estate) refuses(s *space, userData, kind string) {
	e.t.Helper()
	before := e.alarms(kind)
	out, err := s.boots(userData)
	if err == nil || !strings.Contains(out, "this machine was not taken in") {
		e.t.Errorf("%s: %v\n%s", kind, err, out)
	}
	if now := e.alarms(kind); now != before+1 {
		e.t.Errorf("alarms of %s: %d, were %d\n%s", kind, now, before, out)
	}
	s.forget()
}

// alarms says how often something was told.
func (e *estate) alarms(kind string) (n int) {
	e.t.Helper()
	list, _ := e.main.call(e.token, "GET", "/staff/v1/alarms", nil, http.StatusOK)["items"].([]any)
	for _, item := range list {
		if one, _ := item.(map[string]any); one["kind"] == kind {
			count, _ := one["count"].(float64)
			n += int(count)
		}
	}
	return n
}

// forget makes it as new: what was begun in it, and did not come to run, is gone.
func (s *space) forget() {
	for _, folder := range []string{"etc", "var"} {
		if err := os.RemoveAll(filepath.Join(s.folder, folder)); err != nil {
			s.t.Fatal(err)
		}
	}
}

// answersByTLS wants the host in it to answer where its firewall lets others in,
// with a certificate of its own: it has no name that an authority could look at.
func (s *space) answersByTLS() {
	s.t.Helper()
	blind := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // its certificate is looked at below
	defer blind.CloseIdleConnections()
	response, err := (&http.Client{Transport: blind, Timeout: 10 * time.Second}).Get("https://" + s.inside + "/readyz")
	if err != nil {
		s.t.Errorf("by TLS: %v", err)
		return
	}
	_ = response.Body.Close()
	if name := response.TLS.PeerCertificates[0].Subject.CommonName; response.StatusCode != http.StatusOK || name != "host.tollhouse.internal" {
		s.t.Errorf("by TLS: %s, with a certificate of %q", response.Status, name)
	}
}
