package openstack_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollhouse/infra/openstack"
)

// noCloud clears what the machine's own settings say of clouds.
func noCloud(t *testing.T) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "OS_") {
			t.Setenv(name, "")
		}
	}
}

func TestReadCloud_ofCloudsYAML(t *testing.T) {
	for _, c := range []struct{ name, entry, wrong string }{
		{"a password", "auth: {auth_url: 'https://c:5000/v3', username: u, password: p, project_name: x, user_domain_name: Default, project_domain_name: Default}", ""},
		{"an application credential", "auth_type: v3applicationcredential\n    auth: {auth_url: 'https://c:5000/v3', application_credential_id: i, application_credential_secret: s}", ""},
		{"no address", "auth: {username: u, password: p, project_name: x, user_domain_name: Default}", "auth_url is missing"},
		{"no password", "auth: {auth_url: 'https://c:5000/v3', username: u, project_name: x, user_domain_name: Default}", "password is missing"},
		{"no project", "auth: {auth_url: 'https://c:5000/v3', username: u, password: p, user_domain_name: Default}", "project_name or project_id is missing"},
		{"no user", "auth: {auth_url: 'https://c:5000/v3', password: p}", "neither a user nor an application credential"},
		{"no domain", "auth: {auth_url: 'https://c:5000/v3', username: u, password: p, project_id: x}", "user_domain_name is missing"},
		{"a credential without its secret", "auth: {auth_url: 'https://c:5000/v3', application_credential_id: i}", "application_credential_secret is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			noCloud(t)
			file := filepath.Join(t.TempDir(), "clouds.yaml")
			if err := os.WriteFile(file, []byte("clouds:\n  ours:\n    region_name: north\n    "+c.entry+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("OS_CLIENT_CONFIG_FILE", file)
			got, err := openstack.ReadCloud("ours")
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) || !strings.Contains(err.Error(), `cloud "ours"`) {
					t.Errorf("got %v, want %q", err, c.wrong)
				}
				return
			}
			if err != nil || got.Endpoint.Region != "north" || !got.Auth.AllowReauth {
				t.Errorf("got %+v, %v", got, err)
			}
			if _, err := openstack.ReadCloud("theirs"); err == nil || !strings.Contains(err.Error(), `"theirs"`) {
				t.Errorf("a cloud that is not there: %v", err)
			}
		})
	}
}

func TestReadCloud_ofTheEnvironment(t *testing.T) {
	noCloud(t)
	if _, err := openstack.ReadCloud(openstack.FromEnvironment); err == nil || !strings.Contains(err.Error(), "OS_AUTH_URL is not set") {
		t.Errorf("nothing is set: %v", err)
	}
	for name, value := range map[string]string{"OS_AUTH_URL": "https://c:5000/v3", "OS_USERNAME": "u", "OS_PASSWORD": "p", "OS_PROJECT_NAME": "x",
		"OS_USER_DOMAIN_NAME": "people", "OS_PROJECT_DOMAIN_NAME": "projects", "OS_REGION_NAME": "north"} {
		t.Setenv(name, value)
	}
	got, err := openstack.ReadCloud(openstack.FromEnvironment)
	if err != nil || got.Auth.DomainName != "people" || got.Auth.Scope.DomainName != "projects" || got.Auth.Scope.ProjectName != "x" || got.Endpoint.Region != "north" {
		t.Errorf("got %+v, %v", got.Auth, err)
	}
	t.Setenv("OS_APPLICATION_CREDENTIAL_ID", "i")
	t.Setenv("OS_APPLICATION_CREDENTIAL_SECRET", "s")
	if got, err = openstack.ReadCloud(openstack.FromEnvironment); err != nil || got.Auth.Scope != nil || got.Auth.Username != "" {
		t.Errorf("an application credential stands alone: %+v, %v", got.Auth, err)
	}
}

func TestCheckMark(t *testing.T) {
	for mark, good := range map[string]bool{"tollhouse": true, "t2-north": true, "": false, "T": false, "a": false, "ends-": false, "much-too-long-a-mark": false, "a,b": false} {
		if err := openstack.CheckMark(mark); (err == nil) != good {
			t.Errorf("%q: %v", mark, err)
		}
	}
}
