//go:build openstack

package openstack_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/infra/openstack"
	"tollhouse/provisioning"
)

// reaper kills this very process at its nth request: before it is sent, or when
// its answer has come and nobody has read it.
type reaper struct {
	mu    sync.Mutex
	n, at int
	after bool
}

func (r *reaper) RoundTrip(q *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.n++
	now := r.n == r.at
	r.mu.Unlock()
	if now && !r.after {
		die()
	}
	answer, err := http.DefaultTransport.RoundTrip(q)
	if now {
		die()
	}
	return answer, err
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until it has us
}

const (
	doomedDo   = "TOLLHOUSE_TEST_DOOMED" // ensure or remove
	doomedAt   = "TOLLHOUSE_TEST_DOOMED_AT"
	doomedSite = "TOLLHOUSE_TEST_DOOMED_SITE"
)

// TestDoomed is the process that dies in TestKilled_atTenPoints; by itself it does
// nothing.
func TestDoomed(t *testing.T) {
	what := os.Getenv(doomedDo)
	if what == "" {
		return
	}
	var r reaper
	if _, err := fmt.Sscanf(os.Getenv(doomedAt), "%d %t", &r.at, &r.after); err != nil {
		t.Fatal(err)
	}
	c := config(t)
	c.Mark, c.Transport = "test-kill", &r
	cloud, err := openstack.New(c)
	if err != nil {
		t.Fatal(err)
	}
	want := killed(uuid.MustParse(os.Getenv(doomedSite)), what)
	for {
		if what == "remove" {
			_, err = cloud.Remove(context.Background(), want.ID)
		} else {
			_, err = cloud.Ensure(context.Background(), want)
		}
		if err != nil {
			t.Log(err)
		}
		time.Sleep(time.Second / 5)
	}
}

// killed is the site as it is wanted at each stage.
func killed(id uuid.UUID, what string) provisioning.Site {
	want := provisioning.Site{ID: provisioning.SiteID(id), Name: "killed", Revision: 1, Image: "debian-12", UserData: "#!/bin/sh\n", WorkerData: "#!/bin/sh\n", StandbyData: "#!/bin/sh\n",
		Shape: provisioning.Shape{Flavor: "tollhouse.small", WorkerFlavor: "tollhouse.small", BootGB: 20, DataGB: 50}}
	if what == "update" {
		want.Revision, want.Shape.DataGB, want.Shape.Workers, want.Shape.Flavor = 2, 60, 1, "tollhouse.medium"
	}
	return want
}

// Whoever works on a site is killed at ten points of its creation, of a change and
// of its deletion, at each by SIGKILL: then there is one healthy stack, or none,
// and nothing beside it.
func TestKilled_atTenPoints(t *testing.T) {
	l := newLab(t, "test-kill")
	id := uuid.UUID(aSite(t).ID)
	for _, what := range []string{"create", "update", "remove"} {
		for _, point := range []struct {
			at    int
			after bool
		}{{2, true}, {4, false}, {4, true}, {6, false}, {7, false}, {7, true}, {8, true}, {9, true}, {11, false}, {14, true}} {
			doom(t, what, id, point.at, point.after)
		}
		if what == "remove" {
			l.gone(provisioning.SiteID(id))
			if left, err := l.cloud.Orphans(context.Background(), nil); err != nil || len(left) != 0 {
				t.Errorf("left over: %+v, %v", left, err)
			}
			continue
		}
		want := killed(id, what)
		l.comesToStand(want)
		l.isWhole(want)
	}
}

func doom(t *testing.T, what string, id uuid.UUID, at int, after bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestDoomed$")
	c.Env = append(os.Environ(), doomedDo+"="+what, fmt.Sprintf("%s=%d %t", doomedAt, at, after), doomedSite+"="+id.String())
	out, err := c.CombinedOutput()
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL || ctx.Err() != nil {
		t.Fatalf("%s at %d was not killed: %v\n%s", what, at, err, out)
	}
}
