package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	localsite "tollhouse/infra/local/site"
)

// TestControl_newOperatorStandsOnItsOwnSite takes an operator on straight onto a
// site of this machine: its host process enrols, makes the stack that was never
// made anywhere else, serves it, and obeys how the operator stands with us. The
// deletion takes all of it away.
func TestControl_newOperatorStandsOnItsOwnSite(t *testing.T) {
	sites := filepath.Join(reachable(t), "sites")
	c := startControlPlane(t, "127.0.0.1", "TOLLHOUSE_LOCAL_SITES="+sites, "TOLLHOUSE_ACME_DIRECTORY=https://127.0.0.1:1/directory")
	token, site := c.signIn(), uuid.NewString()
	want := map[string]any{"name": "nordnetz", "legal_name": "Nordnetz GmbH", "country": "DE", "zone": "Europe/Berlin",
		"currency": "EUR", "language": "en", "prices_include_tax": true, "owner_email": "owner@nordnetz.example",
		"legal_entity": map[string]any{"address": map[string]any{"street": "Hafenstrasse 1", "postcode": "20457", "city": "Hamburg"}, "tax_id": "DE123456789"},
		"place":        map[string]any{"site": map[string]any{"id": site, "cloud": "local", "size": "small"}}}
	made := c.call(token, "POST", "/staff/v1/operators", want, http.StatusAccepted)
	operator, _ := made["operator"].(map[string]any)
	path := "/staff/v1/operators/" + fmt.Sprint(operator["id"])
	stack := func() map[string]any {
		is, _ := c.call(token, "GET", path, nil, http.StatusOK)["stack"].(map[string]any)
		return is
	}
	atSite := func() map[string]any { return c.call(token, "GET", "/staff/v1/sites/"+site, nil, http.StatusOK) }
	until(t, "the site is ready", func() (bool, any) { s := atSite(); return s["state"] == "ready", s })
	until(t, "the stack is ready", func() (bool, any) { s := stack(); return s["state"] == "ready", s })
	if s := stack(); s["own_machines"] != true || s["host_database"] != nil || s["ready_at"] == nil {
		t.Errorf("its stack: %v", s)
	}
	machines, _ := c.call(token, "GET", "/staff/v1/machines?operator="+fmt.Sprint(operator["id"]), nil, http.StatusOK)["items"].([]any)
	if len(machines) != 1 {
		t.Fatalf("it has %d machines", len(machines))
	}
	machine, _ := machines[0].(map[string]any)
	report, _ := machine["report"].(map[string]any)
	own := door{t, "http://" + fmt.Sprint(report["listen"]), nil}
	in := own.call("", "POST", "/t/nordnetz/v1/sign-in", map[string]any{"email": "owner@nordnetz.example", "password": made["owner_password"]}, http.StatusOK)
	if me := own.call(fmt.Sprint(in["access_token"]), "GET", "/t/nordnetz/v1/me", nil, http.StatusOK); me["role"] != "owner" {
		t.Errorf("who the owner is there: %v", me)
	}
	answersByTLS(t, c, token, machine)
	if s := atSite(); s["health"] != "ok" {
		t.Errorf("a site whose host runs: %v", s)
	}
	until(t, "its site says where it is reached", func() (bool, any) {
		host, _ := atSite()["host"].(map[string]any)
		return host["public_url"] == "https://billing.nordnetz.example", host
	})
	// What needs our reach into the stack is refused with the reason.
	c.call(token, "POST", path+"/moves", map[string]any{"to": "tollhouse_host"}, http.StatusConflict)
	c.call(token, "GET", path+"/figures", nil, http.StatusConflict)

	c.call(token, "POST", "/staff/v1/sites/"+site+"/close", map[string]any{"reason": "the trial is over", "grace_days": 0}, http.StatusOK)
	until(t, "its host is asked for the final backup", func() (bool, any) {
		s := atSite()
		return strings.Contains(fmt.Sprint(s["reason"]), "The stack's own host"), s
	})
	killHost(t, sites) // whatever it is at: it goes on from there
	bootAgain(t, sites)
	until(t, "the site is removed", func() (bool, any) { s := atSite(); return s["state"] == "removed", s })
	items, _ := c.call(token, "GET", path+"/take-outs", nil, http.StatusOK)["items"].([]any)
	if out := keptOf(items); out["final"] != true || fmt.Sprint("takeout/", out["id"]) != atSite()["final_backup"] {
		t.Errorf("final backup %v of: %v", atSite()["final_backup"], items)
	}
	if left, _ := os.ReadDir(sites); len(left) > 0 {
		t.Errorf("left in the folder of sites: %v", left)
	}
	if left := runningBelow(t, sites); len(left) > 0 {
		t.Errorf("processes of the site that is gone: %q", left)
	}
	if s := stack(); s["state"] != "requested" || s["ready_at"] != nil {
		t.Errorf("the stack of a site that is gone: %v", s)
	}
}

// keptOf is the take-out that is whole, of a list.
func keptOf(items []any) map[string]any {
	for _, item := range items {
		if one, _ := item.(map[string]any); one["state"] == "done" {
			return one
		}
	}
	return nil
}

// killHost kills the one host in a folder of sites, at any instant.
func killHost(t *testing.T, sites string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(sites, "*", "machine", "data", "host.pid"))
	if err != nil || len(files) != 1 {
		t.Fatalf("hosts in %s: %v, %v", sites, files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// bootAgain starts a machine's host as its boot does: by what made the machine.
func bootAgain(t *testing.T, sites string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(sites, "*", "machine"))
	if err != nil || len(found) != 1 {
		t.Fatalf("machines in %s: %v, %v", sites, found, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	boot := exec.CommandContext(ctx, "./user-data")
	boot.Dir = found[0]
	boot.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + found[0], "TOLLHOUSE_LOCAL_SITE=" + found[0]}
	if out, err := boot.CombinedOutput(); err != nil {
		t.Fatalf("boot: %v: %s", err, out)
	}
}

// answersByTLS wants a site's host to answer by TLS with a certificate of its own,
// and to go on under the address that staff give it: it asks for a certificate of
// that name, and tells why it gets none.
func answersByTLS(t *testing.T, c *controlPlane, token string, machine map[string]any) {
	t.Helper()
	path := "/staff/v1/machines/" + fmt.Sprint(machine["id"])
	report := func() map[string]any {
		is, _ := c.call(token, "GET", path, nil, http.StatusOK)["report"].(map[string]any)
		return is
	}
	blind := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // its certificate is looked at below
	defer blind.CloseIdleConnections()
	client := &http.Client{Transport: blind, Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answers := func() (name string, err error) {
		response, err := client.Get("https://" + fmt.Sprint(report()["secure"]) + "/readyz")
		if err != nil {
			return "", err
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			return "", fmt.Errorf("it answers %s", response.Status)
		}
		return response.TLS.PeerCertificates[0].Subject.CommonName, nil
	}
	if name, err := answers(); err != nil || name != "host.tollhouse.internal" {
		t.Fatalf("by TLS: %q, %v", name, err)
	}
	for asked, leads := range map[string]string{"/": "/t/nordnetz/", "/console": "/t/nordnetz/console/", "/metrics": ""} {
		response, err := client.Get("https://" + fmt.Sprint(report()["secure"]) + asked)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if led := response.Header.Get("Location"); led != leads || leads == "" && response.StatusCode != http.StatusNotFound {
			t.Errorf("%s from outside: %s, leads to %q; want %q", asked, response.Status, led, leads)
		}
	}
	c.call(token, "PUT", path, map[string]any{"name": machine["name"], "public_url": "https://billing.nordnetz.example"}, http.StatusOK)
	until(t, "the host goes on under its new address", func() (bool, any) {
		is := report()
		certificates, _ := is["certificates"].([]any)
		if is["public_url"] != "https://billing.nordnetz.example" || len(certificates) != 1 {
			return false, is
		}
		one, _ := certificates[0].(map[string]any)
		return one["name"] == "billing.nordnetz.example" && strings.HasPrefix(fmt.Sprint(one["fault"]), "127.0.0.1:1 is not reached from this host"), is
	})
	until(t, "an alarm tells", func() (bool, any) {
		list, _ := c.call(token, "GET", "/staff/v1/alarms", nil, http.StatusOK)["items"].([]any)
		for _, item := range list {
			if one, _ := item.(map[string]any); one["kind"] == "certificate_ends" {
				return true, nil
			}
		}
		return false, list
	})
	if name, err := answers(); err != nil || name != "host.tollhouse.internal" {
		t.Errorf("without the certificate it was to have: %q, %v", name, err)
	}
}

// reachable is a folder that the user of the database server gets through to.
func reachable(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "own-site-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := localsite.Halt(context.Background(), filepath.Join(folder, "sites")); err != nil { // a test that failed leaves its hosts
			t.Error(err)
		}
		_ = os.RemoveAll(folder)
	})
	if err := os.Chmod(folder, 0o711); err != nil {
		t.Fatal(err)
	}
	return folder
}

// runningBelow are the command lines of processes that name something in a folder.
func runningBelow(t *testing.T, folder string) (found []string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		if line, err := os.ReadFile(path); err == nil && strings.Contains(string(line), folder+"/") {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// until waits for something that comes by itself.
func until(t *testing.T, what string, is func() (bool, any)) {
	t.Helper()
	for late := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		there, seen := is()
		if there {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("not in time: %s: %v", what, seen)
		}
	}
}
