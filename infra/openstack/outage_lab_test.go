//go:build openstack

package openstack_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"

	"tollhouse/infra/openstack"
	"tollhouse/provisioning"
)

// Services go down here, so these tests run before those that run at once.

// told wants an error that people can read.
func told(t *testing.T, err error, want ...string) {
	t.Helper()
	fault := (*provisioning.Fault)(nil)
	if !errors.As(err, &fault) {
		t.Fatalf("got %v, want a reason", err)
	}
	for _, words := range want {
		if strings.Contains(fault.Reason, words) {
			return
		}
	}
	if len(want) > 0 {
		t.Errorf("the reason is %q, want one of %q", fault.Reason, want)
	}
}

// comesToStand ensures and looks until a site stands, as whoever works on it does.
func (l *lab) comesToStand(want provisioning.Site) provisioning.Observed {
	l.t.Helper()
	var last string
	for until := time.Now().Add(limit); time.Now().Before(until); time.Sleep(2 * time.Second) {
		seen, err := l.cloud.Ensure(context.Background(), want)
		if err == nil && seen.Phase == provisioning.SiteStanding && seen.Revision == want.Revision {
			return seen
		}
		last = fmt.Sprintf("%s: %s (%s), %v", seen.Phase, seen.Reason, seen.Detail, err)
	}
	l.t.Fatalf("it does not stand after %s: %s", limit, last)
	return provisioning.Observed{}
}

// isWhole wants one healthy stack and nothing beside it.
func (l *lab) isWhole(want provisioning.Site) {
	l.t.Helper()
	seen, err := l.cloud.Observe(context.Background(), want.ID)
	if err != nil || seen.Phase != provisioning.SiteStanding || len(seen.Drift) != 0 {
		l.t.Errorf("the site is not whole: %+v, %v", seen, err)
	}
	all, err := l.cloud.Orphans(context.Background(), nil)
	if err != nil || len(all) != 1 || all[0].Kind != "stack" || all[0].Site != want.ID.String() {
		l.t.Errorf("beside the site's stack there are %+v, %v", all, err)
	}
}

func TestKeystone_downAtTheStart(t *testing.T) {
	l, want := newLab(t, "test-keystone"), aSite(t)
	script(t, "stop", "keystone")
	t.Cleanup(func() { script(t, "start", "keystone") })
	_, err := l.cloud.Ensure(context.Background(), want)
	told(t, err, "Keystone does not answer.")
	script(t, "start", "keystone")
	if seen, err := l.cloud.Observe(context.Background(), want.ID); err != nil || seen.Phase != provisioning.SiteAbsent {
		t.Errorf("when it is back: %+v, %v", seen, err)
	}
}

func TestKeystone_downInTheMiddle(t *testing.T) {
	l, want := newLab(t, "test-keystone-mid"), aSite(t)
	l.ensure(want)
	script(t, "stop", "keystone")
	t.Cleanup(func() { script(t, "start", "keystone") })
	forget(t)
	_, err := l.cloud.Observe(context.Background(), want.ID)
	told(t, err)
	t.Logf("while it was down: %v", err)
	time.Sleep(10 * time.Second)
	script(t, "start", "keystone")
	l.comesToStand(want)
	l.isWhole(want)
	l.leaves(want.ID)
}

func TestHeat_killedWhileItCreates(t *testing.T) {
	l, want := newLab(t, "test-heat"), aSite(t)
	c := config(t)
	c.Mark, c.Silence = "test-heat", 40*time.Second
	var err error
	if l.cloud, err = openstack.New(c); err != nil {
		t.Fatal(err)
	}
	l.ensure(want)
	for until := time.Now().Add(limit); ; time.Sleep(time.Second) {
		seen, err := l.cloud.Observe(context.Background(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		// Heat lists parts as it comes to them.
		states := map[string]string{}
		for _, part := range seen.Steps {
			states[part.Name] = part.State
		}
		if states["network"] == "done" && states["machine"] != "done" {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("it never was in the middle: %+v", seen)
		}
	}
	script(t, "kill", "heat-engine")
	t.Cleanup(func() { script(t, "start", "heat-engine") })
	_, err = l.cloud.Observe(context.Background(), want.ID)
	told(t, err, "Heat does not answer.", "Heat has a fault of its own")
	l.hand.subnet("test-heat-site-" + want.ID.String())
	script(t, "start", "heat-engine")
	l.comesToStand(want)
	l.isWhole(want)
	l.leaves(want.ID)
}

// forget empties the cloud's memory of tokens, so that each is looked at anew.
func forget(t *testing.T) {
	t.Helper()
	c, err := net.Dial("tcp", "127.0.0.1:25674")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, "flush_all\r\n"); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 16)
	if n, err := c.Read(said); err != nil || !strings.HasPrefix(string(said[:n]), "OK") {
		t.Fatalf("memcached says %q, %v", said, err)
	}
}

// every so many requests the token ends, so often.
const (
	every     = 5
	mostEnded = 5
)

// revoker ends the token that a request bears, at Keystone, before the request
// goes out.
type revoker struct {
	t     *testing.T
	mu    sync.Mutex
	n     int
	ended int
}

func (r *revoker) RoundTrip(q *http.Request) (*http.Response, error) {
	r.mu.Lock()
	token := q.Header.Get("X-Auth-Token")
	if token != "" {
		r.n++
		// A request that is sent again with a new token is let through.
		if r.n%every == 2 && r.ended < mostEnded {
			end, err := http.NewRequestWithContext(q.Context(), http.MethodDelete, os.Getenv("OS_AUTH_URL")+"/auth/tokens", nil)
			if err != nil {
				r.t.Error(err)
			}
			end.Header.Set("X-Auth-Token", token)
			end.Header.Set("X-Subject-Token", token)
			answer, err := http.DefaultTransport.RoundTrip(end)
			if err != nil || answer.StatusCode != http.StatusNoContent {
				r.t.Errorf("the token was not ended: %v", err)
			}
			forget(r.t)
			r.ended++
		}
	}
	r.mu.Unlock()
	return http.DefaultTransport.RoundTrip(q)
}

func TestToken_endsInTheMiddle(t *testing.T) {
	l, want := newLab(t, "test-token"), aSite(t)
	r := &revoker{t: t}
	c := config(t)
	c.Mark, c.Transport = "test-token", r
	var err error
	if l.cloud, err = openstack.New(c); err != nil {
		t.Fatal(err)
	}
	l.ensure(want)
	// Heat works with our token as well: what broke when it ended is taken up again.
	l.comesToStand(want)
	if r.ended != mostEnded {
		t.Errorf("%d tokens were ended in %d requests", r.ended, r.n)
	}
	l.isWhole(want)
	l.leaves(want.ID)
}

// An application credential signs in. Whether Heat can make trusts with it is the
// cloud's choice: this one forbids it, and we say what to do.
func TestApplicationCredential(t *testing.T) {
	l, want := newLab(t, "test-appcred"), aSite(t)
	id, secret := l.hand.credential(true)
	c := config(t)
	c.Mark = "test-appcred"
	c.Auth = gophercloud.AuthOptions{IdentityEndpoint: c.Auth.IdentityEndpoint, ApplicationCredentialID: id, ApplicationCredentialSecret: secret, AllowReauth: true}
	cloud, err := openstack.New(c)
	if err != nil {
		t.Fatal(err)
	}
	if seen, err := cloud.Observe(context.Background(), want.ID); err != nil || seen.Phase != provisioning.SiteAbsent {
		t.Errorf("observed: %+v, %v", seen, err)
	}
	if room, err := cloud.Room(context.Background()); err != nil || len(room.Flavors) == 0 {
		t.Errorf("room: %+v, %v", room, err)
	}
	_, err = cloud.Ensure(context.Background(), want)
	told(t, err, "Heat could not make a trust from our application credential")
}
