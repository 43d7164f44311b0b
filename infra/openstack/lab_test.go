//go:build openstack

package openstack_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/gophercloud/gophercloud/v2"

	"tollhouse/infra/openstack"
	"tollhouse/provisioning"
)

// admin is the lab's administrator, who works in the project of the tests.
type admin struct {
	t     *testing.T
	id    string // of the project
	token string
	urls  map[string]string
	http  http.Client
}

var _ hands = (*admin)(nil)

func newAdmin(t *testing.T) *admin {
	t.Helper()
	a := &admin{t: t, http: http.Client{Timeout: time.Minute}}
	a.signIn(map[string]any{"name": os.Getenv("OS_PROJECT_NAME"), "domain": map[string]any{"id": "default"}})
	a.urls["identity"] = os.Getenv("OS_AUTH_URL")
	a.project()
	a.signIn(map[string]any{"id": a.id})
	a.urls["identity"] = os.Getenv("OS_AUTH_URL")
	return a
}

func (a *admin) signIn(project map[string]any) {
	a.t.Helper()
	text, err := json.Marshal(map[string]any{"auth": map[string]any{
		"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": map[string]any{
			"name": os.Getenv("OS_USERNAME"), "password": os.Getenv("OS_PASSWORD"), "domain": map[string]any{"id": "default"}}}},
		"scope": map[string]any{"project": project}}})
	if err != nil {
		a.t.Fatal(err)
	}
	answer, err := a.http.Post(os.Getenv("OS_AUTH_URL")+"/auth/tokens", "application/json", bytes.NewReader(text))
	if err != nil {
		a.t.Fatalf("the lab does not answer (make test-openstack starts it): %v", err)
	}
	defer func() { _ = answer.Body.Close() }()
	var said struct {
		Token struct {
			Catalog []struct {
				Type      string
				Endpoints []struct{ Interface, URL string }
			}
		}
	}
	if err := json.NewDecoder(answer.Body).Decode(&said); err != nil || answer.StatusCode != http.StatusCreated {
		a.t.Fatalf("sign in to the lab: %s %v", answer.Status, err)
	}
	a.token, a.urls = answer.Header.Get("X-Subject-Token"), map[string]string{}
	for _, s := range said.Token.Catalog {
		for _, e := range s.Endpoints {
			if e.Interface == "public" {
				a.urls[s.Type] = strings.TrimSuffix(e.URL, "/")
			}
		}
	}
}

// do calls a service; a status of 400 and more fails the test.
func (a *admin) do(service, method, path string, body any, header ...string) map[string]any {
	a.t.Helper()
	said, code := a.try(service, method, path, body, header...)
	if code >= 400 {
		a.t.Fatalf("%s %s %s: %d %v", service, method, path, code, said)
	}
	return said
}

func (a *admin) try(service, method, path string, body any, header ...string) (map[string]any, int) {
	a.t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			a.t.Fatal(err)
		}
	}
	r, err := http.NewRequest(method, a.urls[service]+path, bytes.NewReader(text))
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("X-Auth-Token", a.token)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := a.http.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	said := map[string]any{}
	_ = json.NewDecoder(answer.Body).Decode(&said)
	return said, answer.StatusCode
}

func (a *admin) list(service, path, many string) []map[string]any {
	a.t.Helper()
	var all []map[string]any
	for _, one := range a.do(service, "GET", path, nil)[many].([]any) {
		all = append(all, one.(map[string]any))
	}
	return all
}

// ensure makes something that has a name, once.
func (a *admin) ensure(path, many string, body map[string]any) string {
	a.t.Helper()
	for _, one := range a.list("identity", path, many) {
		if one["name"] == body["name"] {
			return one["id"].(string)
		}
	}
	one := strings.TrimSuffix(many, "s")
	return a.do("identity", "POST", path, map[string]any{one: body})[one].(map[string]any)["id"].(string)
}

const (
	testProject  = "tollhouse-test"
	testUser     = "tollhouse-test"
	testPassword = "only-for-tests"
)

// project makes the project of the tests, with a user who may no more than users
// of a project may.
func (a *admin) project() {
	a.t.Helper()
	making.Lock()
	defer making.Unlock()
	a.id = a.ensure("/projects", "projects", map[string]any{"name": testProject, "domain_id": "default"})
	user := a.ensure("/users", "users", map[string]any{"name": testUser, "domain_id": "default", "password": testPassword})
	us := a.ensure("/users", "users", map[string]any{"name": os.Getenv("OS_USERNAME")})
	for _, role := range a.list("identity", "/roles", "roles") {
		switch role["name"] {
		case "member", "heat_stack_owner":
			a.do("identity", "PUT", fmt.Sprintf("/projects/%s/users/%s/roles/%s", a.id, user, role["id"]), nil)
			a.do("identity", "PUT", fmt.Sprintf("/projects/%s/users/%s/roles/%s", a.id, us, role["id"]), nil)
		case "admin":
			a.do("identity", "PUT", fmt.Sprintf("/projects/%s/users/%s/roles/%s", a.id, us, role["id"]), nil)
		}
	}
}

// making keeps two tests from making one thing twice.
var making sync.Mutex

const emptyTemplate = `{"heat_template_version": "2021-04-16", "resources": {"nothing": {"type": "OS::Heat::None"}}}`

func (a *admin) stack(name, tag string) {
	a.t.Helper()
	a.do("orchestration", "POST", "/stacks", map[string]any{"stack_name": name, "template": emptyTemplate, "tags": tag})
}

func (a *admin) noStack(name string) {
	a.t.Helper()
	found := a.do("orchestration", "GET", "/stacks/"+name, nil)["stack"].(map[string]any)
	a.do("orchestration", "DELETE", "/stacks/"+name+"/"+found["id"].(string), nil)
	for range 60 {
		if found, code := a.try("orchestration", "GET", "/stacks/"+name, nil); code == http.StatusNotFound || found["stack"].(map[string]any)["stack_status"] == "DELETE_COMPLETE" {
			return
		}
		time.Sleep(time.Second)
	}
	a.t.Fatalf("stack %s does not go", name)
}

func (a *admin) volume(name string, metadata map[string]any) {
	a.t.Helper()
	id := a.do("block-storage", "POST", "/volumes", map[string]any{"volume": map[string]any{"name": name, "size": 1, "metadata": metadata}})["volume"].(map[string]any)["id"].(string)
	for range 60 {
		if a.do("block-storage", "GET", "/volumes/"+id, nil)["volume"].(map[string]any)["status"] == "available" {
			return
		}
		time.Sleep(time.Second)
	}
	a.t.Fatalf("volume %s is not made", name)
}

func (a *admin) hasVolume(name string) bool {
	a.t.Helper()
	return len(a.list("block-storage", "/volumes?name="+name, "volumes")) > 0
}

// hasNetwork says whether a network stands, and takes it away.
func (a *admin) hasNetwork(name string) bool {
	a.t.Helper()
	found := a.list("network", "/v2.0/networks?name="+name, "networks")
	for _, one := range found {
		a.do("network", "DELETE", "/v2.0/networks/"+one["id"].(string), nil)
	}
	return len(found) > 0
}

func (a *admin) network(name string, tags ...string) {
	a.t.Helper()
	id := a.do("network", "POST", "/v2.0/networks", map[string]any{"network": map[string]any{"name": name}})["network"].(map[string]any)["id"].(string)
	if len(tags) > 0 {
		a.do("network", "PUT", "/v2.0/networks/"+id+"/tags", map[string]any{"tags": tags})
	}
}

// subnet has a site's network bear the subnet that the site's template asks for,
// as Neutron has it of an engine that died before it wrote that down.
func (a *admin) subnet(site string) {
	a.t.Helper()
	networks := a.list("network", "/v2.0/networks?name="+site, "networks")
	if len(networks) != 1 {
		a.t.Fatalf("the site has networks %v", networks)
	}
	id := networks[0]["id"].(string)
	if len(a.list("network", "/v2.0/subnets?network_id="+id, "subnets")) == 0 {
		a.do("network", "POST", "/v2.0/subnets", map[string]any{"subnet": map[string]any{"network_id": id, "name": site, "cidr": "10.20.0.0/24", "ip_version": 4}})
	}
}

// quota sets how many cores the project may have; below zero: any number.
func (a *admin) quota(cores int) {
	a.t.Helper()
	a.do("compute", "PUT", "/os-quota-sets/"+a.id, map[string]any{"quota_set": map[string]any{"cores": cores, "force": true}})
}

// script runs the lab's own script.
func script(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "lab/lab", args...).CombinedOutput(); err != nil {
		t.Fatalf("lab %v: %v\n%s", args, err, out)
	}
}

// config is the lab as a user of the tests' project sees it.
func config(t *testing.T) openstack.Config {
	t.Helper()
	return openstack.Config{
		Auth: gophercloud.AuthOptions{IdentityEndpoint: os.Getenv("OS_AUTH_URL"), Username: testUser, Password: testPassword, AllowReauth: true,
			DomainName: "Default", Scope: &gophercloud.AuthScope{ProjectName: testProject, DomainName: "Default"}},
		Endpoint: gophercloud.EndpointOpts{Region: os.Getenv("OS_REGION_NAME"), Availability: gophercloud.AvailabilityPublic},
		Now:      time.Now,
	}
}

// lab is a cloud to test against.
type lab struct {
	t     *testing.T
	cloud *openstack.Cloud
	hand  *admin
	notes *recorder // nil: nothing is recorded
}

// newLab gives a test the lab. With TOLLHOUSE_RECORD set its answers are written
// down, unless the test can only run in a lab: nobody would play them.
func newLab(t *testing.T, mark string) *lab {
	t.Helper()
	l := &lab{t: t, hand: newAdmin(t)}
	c := config(t)
	c.Mark = mark
	cleaning := c
	cleaning.Silence = 40 * time.Second
	before, err := openstack.New(cleaning)
	if err != nil {
		t.Fatal(err)
	}
	l.clean(before)
	t.Cleanup(func() { l.clean(before) })
	_, of, _, _ := runtime.Caller(1)
	if os.Getenv("TOLLHOUSE_RECORD") != "" && !strings.HasSuffix(of, "_lab_test.go") {
		l.notes = &recorder{next: http.DefaultTransport}
		c.Transport = l.notes
		t.Cleanup(func() {
			if !t.Failed() {
				l.notes.save(t, aSite(t).ID.String())
			}
		})
	}
	if l.cloud, err = openstack.New(c); err != nil {
		t.Fatal(err)
	}
	return l
}

// clean takes away what a test that was cut off left, or this one leaves.
func (l *lab) clean(cloud *openstack.Cloud) {
	ctx := context.Background()
	for until := time.Now().Add(limit); time.Now().Before(until); time.Sleep(2 * time.Second) {
		left, err := cloud.Orphans(ctx, nil)
		if err == nil && len(left) == 0 {
			return
		}
		for _, o := range left {
			if id, err := uuid.Parse(o.Site); err == nil {
				_, _ = cloud.Remove(ctx, provisioning.SiteID(id))
			}
		}
	}
	l.t.Errorf("the lab could not be cleaned")
}

// quietly does what is not to be recorded.
func (l *lab) quietly(do func()) {
	if l.notes != nil {
		l.notes.pause(true)
		defer l.notes.pause(false)
	}
	do()
}

func (l *lab) byHand(do func(*admin)) { do(l.hand) }

// credential makes an application credential of the tests' user.
func (a *admin) credential(unrestricted bool) (id, secret string) {
	a.t.Helper()
	user := &admin{t: a.t, http: a.http}
	a.t.Setenv("OS_USERNAME", testUser)
	a.t.Setenv("OS_PASSWORD", testPassword)
	user.signIn(map[string]any{"id": a.id})
	user.urls["identity"] = os.Getenv("OS_AUTH_URL")
	var who struct{ id string }
	for _, u := range a.list("identity", "/users?name="+testUser, "users") {
		who.id = u["id"].(string)
	}
	made := user.do("identity", "POST", "/users/"+who.id+"/application_credentials", map[string]any{"application_credential": map[string]any{
		"name": uuid.NewString(), "unrestricted": unrestricted}})["application_credential"].(map[string]any)
	return made["id"].(string), made["secret"].(string)
}

// userData is what Nova holds for a site's first machine.
func (a *admin) userData(site provisioning.SiteID) string {
	a.t.Helper()
	for _, s := range a.do("compute", "GET", "/servers/detail", nil, "OpenStack-API-Version", "compute 2.79", "X-OpenStack-Nova-API-Version", "2.79")["servers"].([]any) {
		one := s.(map[string]any)
		kept := one["metadata"].(map[string]any)
		if kept["tollhouse_site"] != site.String() || kept["tollhouse_role"] != nil {
			continue
		}
		text, err := base64.StdEncoding.DecodeString(one["OS-EXT-SRV-ATTR:user_data"].(string))
		if err != nil {
			a.t.Fatal(err)
		}
		return string(text)
	}
	a.t.Fatalf("site %s has no first machine", site)
	return ""
}
