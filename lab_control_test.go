//go:build openstack

package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2"
	osclient "github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/jackc/pgx/v5"

	"tollhouse/infra/openstack"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/provisioning"
)

// patience is how long a lab may take for one thing. It shares a small machine.
const patience = 10 * time.Minute

// estate is a control plane's databases, its cloud and the spaces that stand
// for the cloud's machines. Control planes run on it as processes of their own.
type estate struct {
	t     *testing.T
	first *space // where control planes are reached
	cloud *openstack.Cloud
	env   []string
	db    string // address of the control database, for what time would do
	// Of the pool, which nothing of the estate reaches unless it has a house:
	server, host, key string // its server's address, its database, the file of the master key
	mark              string
	token             string // of the first of the staff
	main              *labControl
}

// newEstate prepares databases and a clean cloud. All that is made there bears
// the mark.
func newEstate(t *testing.T, mark string) *estate {
	t.Helper()
	if os.Getenv("OS_AUTH_URL") == "" {
		t.Fatal("there is no lab: make test-openstack starts one")
	}
	e := &estate{t: t, mark: mark, first: newSpace(t)}
	config, err := openstack.ReadCloud(openstack.FromEnvironment)
	if err != nil {
		t.Fatal(err)
	}
	config.Mark, config.Silence = mark, 40*time.Second
	if e.cloud, err = openstack.New(config); err != nil {
		t.Fatal(err)
	}
	e.clean()
	t.Cleanup(e.clean)
	n := houses.Add(1)
	control, host, key, server := fmt.Sprintf("control_lab_%d", n), fmt.Sprintf("host_lab_%d", n), filepath.Join(t.TempDir(), "master.key"), pgtest.Server(t)
	url := server.AdminURL("postgres")
	out := &syncBuffer{}
	if code := run(context.Background(), process{args: []string{"migrate"}, stdout: out, stderr: out, env: []string{"TOLLHOUSE_CONTROL_DATABASE=" + control,
		"TOLLHOUSE_HOST_DATABASE=" + host, "TOLLHOUSE_DATABASE_URL=" + url, "TOLLHOUSE_MASTER_KEY_FILE=" + key}}); code != 0 {
		t.Fatalf("migrate: %s", out)
	}
	e.db, e.server, e.host, e.key = server.AdminURL(control), url, host, key
	e.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "TOLLHOUSE_STOCK=1", "TOLLHOUSE_DATABASE=" + control, "TOLLHOUSE_DATABASE_URL=" + url,
		"TOLLHOUSE_MASTER_KEY_FILE=" + key, "TOLLHOUSE_DATA=" + t.TempDir(), "TOLLHOUSE_OPENSTACK_CLOUD=" + openstack.FromEnvironment, "TOLLHOUSE_OPENSTACK_MARK=" + mark,
		// Nothing answers there: an operator's stack can stand on a machine of its own only.
		"TOLLHOUSE_HOST_DATABASE_URL=postgres://nobody@127.0.0.1:1/postgres"}
	for _, pair := range os.Environ() {
		if strings.HasPrefix(pair, "OS_") {
			e.env = append(e.env, pair)
		}
	}
	return e
}

// clean takes away what a test that was cut off left, or this one leaves.
func (e *estate) clean() {
	ctx := context.Background()
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(2 * time.Second) {
		left, err := e.cloud.Orphans(ctx, nil)
		if err == nil && len(left) == 0 {
			return
		}
		for _, o := range left {
			if id, err := uuid.Parse(o.Site); err == nil {
				_, _ = e.cloud.Remove(ctx, provisioning.SiteID(id))
			}
		}
	}
	e.t.Errorf("the lab could not be cleaned")
}

// labControl is a control plane as a process of its own. It speaks to the cloud
// through a gate, which can kill it.
type labControl struct {
	door
	gate *gate
	cmd  *exec.Cmd
	over chan struct{}
}

// open starts a control plane; the first of an estate is its main one, and one
// that follows it listens where it did.
func (e *estate) open(t *testing.T) *labControl {
	t.Helper()
	var address string
	if e.main != nil && e.main.hasEnded() {
		address = strings.TrimPrefix(e.main.address, "http://")
	} else {
		var config net.ListenConfig
		probe, err := config.Listen(context.Background(), "tcp", e.first.outside+":0")
		if err != nil {
			t.Fatal(err)
		}
		address = probe.Addr().String()
		_ = probe.Close()
	}
	c := &labControl{door: door{t, "http://" + address, &syncBuffer{}}, gate: newGate(t), over: make(chan struct{})}
	c.cmd = exec.Command(os.Args[0], "control") //nolint:noctx // it is killed by hand
	c.cmd.Env = append(append([]string{}, e.env...), "TOLLHOUSE_LISTEN="+address, "TOLLHOUSE_PUBLIC_URL=http://"+address, "OS_AUTH_URL="+c.gate.at(os.Getenv("OS_AUTH_URL")))
	log := &syncBuffer{}
	c.cmd.Stdout, c.cmd.Stderr = c.output, log
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = c.cmd.Wait(); close(c.over) }()
	c.gate.kill = c.kill
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			text := log.String()
			t.Logf("the control plane's log:\n%s", text[max(0, len(text)-6000):])
		}
	})
	c.opens()
	if e.main == nil {
		e.token = c.signIn()
	}
	if e.main == nil || e.main.hasEnded() {
		e.main = c
	}
	return c
}

// kill ends it as a crash does, and waits until it is gone.
func (c *labControl) kill() {
	_ = c.cmd.Process.Signal(syscall.SIGKILL)
	<-c.over
}

func (c *labControl) hasEnded() bool {
	select {
	case <-c.over:
		return true
	default:
		return false
	}
}

// put has a site be as it is wanted.
func (e *estate) put(id uuid.UUID, of newcomer, size string) {
	e.t.Helper()
	e.main.call(e.token, "PUT", "/staff/v1/sites/"+id.String(), map[string]any{"operator": of.id, "cloud": "openstack", "size": size}, http.StatusOK)
}

// site is a site as the control plane tells of it.
func (e *estate) site(id uuid.UUID) map[string]any {
	e.t.Helper()
	return e.main.call(e.token, "GET", "/staff/v1/sites/"+id.String(), nil, http.StatusOK)
}

// becomes waits until a site has a state at what is wanted of it now.
func (e *estate) becomes(id uuid.UUID, state string) map[string]any {
	e.t.Helper()
	began, site := time.Now(), map[string]any{}
	for time.Since(began) < patience {
		if site = e.site(id); site["state"] == state && (state == "removed" || state == "cleared" || site["made"] == site["revision"]) {
			e.t.Logf("%s after %s", state, time.Since(began).Round(time.Second/10))
			return site
		}
		time.Sleep(time.Second / 2)
	}
	e.t.Fatalf("the site is not %s after %s: it is %v (%v; %v), steps %v, host %v", state, patience, site["state"], site["reason"], site["detail"], site["steps"], site["host"])
	return nil
}

// isWhole wants one healthy stack in the cloud, with so many machines, and
// nothing beside it.
func (e *estate) isWhole(id uuid.UUID, machines int) {
	e.t.Helper()
	if got := e.machines(id); len(got) != machines {
		e.t.Errorf("it has %d machines, want %d", len(got), machines)
	}
	seen, err := e.cloud.Observe(context.Background(), provisioning.SiteID(id))
	if err != nil || seen.Phase != provisioning.SiteStanding || len(seen.Drift) != 0 {
		e.t.Errorf("the site is not whole: %+v, %v", seen, err)
	}
	all, err := e.cloud.Orphans(context.Background(), nil)
	if err != nil || len(all) != 1 || all[0].Kind != "stack" || all[0].Site != id.String() {
		e.t.Errorf("beside the site's stack there are %+v, %v", all, err)
	}
}

// machines are a site's servers, as Nova has them.
func (e *estate) machines(id uuid.UUID) (mine []servers.Server) {
	e.t.Helper()
	ctx := context.Background()
	config, err := openstack.ReadCloud(openstack.FromEnvironment)
	if err != nil {
		e.t.Fatal(err)
	}
	provider, err := osclient.AuthenticatedClient(ctx, config.Auth)
	if err != nil {
		e.t.Fatal(err)
	}
	nova, err := osclient.NewComputeV2(provider, gophercloud.EndpointOpts{Region: os.Getenv("OS_REGION_NAME")})
	if err != nil {
		e.t.Fatal(err)
	}
	nova.Microversion = "2.79"
	pages, err := servers.List(nova, servers.ListOpts{}).AllPages(ctx)
	if err != nil {
		e.t.Fatal(err)
	}
	all, err := servers.ExtractServers(pages)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, s := range all {
		if s.Metadata["tollhouse_site"] == id.String() {
			mine = append(mine, s)
		}
	}
	return mine
}

// userData is what Nova holds for a site's first machine.
func (e *estate) userData(id uuid.UUID) string {
	e.t.Helper()
	for _, s := range e.machines(id) {
		if s.Metadata["tollhouse_role"] != "" || s.Userdata == nil {
			continue
		}
		text, err := base64.StdEncoding.DecodeString(*s.Userdata)
		if err != nil {
			e.t.Fatal(err)
		}
		return string(text)
	}
	e.t.Fatalf("Nova holds no user-data of site %s", id)
	return ""
}

// boots runs user-data in a space, as cloud-init does at a server's first start.
func (s *space) boots(userData string) (string, error) {
	s.t.Helper()
	file := filepath.Join(s.folder, "user-data")
	if err := os.WriteFile(file, []byte(userData), 0o700); err != nil {
		s.t.Fatal(err)
	}
	return s.run(file)
}

// passes has time go by in the control database: what a process that was killed
// had claimed would be free after a minute.
func (e *estate) passes(statement string, args ...any) {
	e.t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, e.db)
	if err != nil {
		e.t.Fatal(err)
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	if _, err := conn.Exec(ctx, statement, args...); err != nil {
		e.t.Fatal(err)
	}
}

// labScript runs the lab's own script.
func labScript(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "infra/openstack/lab/lab", args...).CombinedOutput(); err != nil {
		t.Fatalf("lab %v: %v\n%s", args, err, out)
	}
}
