package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfig_reportsAllFaultsAtOnce(t *testing.T) {
	_, err := readHostConfig([]string{
		"HOME=/root", "TOLLHOUSE_LISTEN=8080", "TOLLHOUSE_LOG_LEVEL=loud", "TOLLHOUSE_DATABASE_URL=mysql://u:hunter2@db/x",
		"TOLLHOUSE_STRIPE_SECRET_KEY=sk_live_hidden", "TOLLHOUSE_SPEED=9", "TOLLHOUSE_TRUSTED_PROXIES=10.0.0.0/8,all",
		"TOLLHOUSE_SMTP_URL=http://u:hunter2@mail",
	})
	if err == nil {
		t.Fatal("nothing was refused")
	}
	text := err.Error()
	for _, want := range []string{
		"TOLLHOUSE_LISTEN is \"8080\"", "TOLLHOUSE_LOG_LEVEL", "TOLLHOUSE_DATABASE_URL is no postgres://", "TOLLHOUSE_DATA is missing",
		"TOLLHOUSE_MASTER_KEY_FILE is missing", "TOLLHOUSE_PUBLIC_URL is missing", "TOLLHOUSE_STRIPE_WEBHOOK_SECRETS is missing", "TOLLHOUSE_SPEED is unknown",
		"TOLLHOUSE_TRUSTED_PROXIES holds \"all\"", "TOLLHOUSE_SMTP_URL cannot be used", "TOLLHOUSE_MAIL_FROM is no e-mail address",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not reported in:\n%s", want, text)
		}
	}
	for _, secret := range []string{"hunter2", "sk_live_hidden"} {
		if strings.Contains(text, secret) {
			t.Errorf("a secret is printed:\n%s", text)
		}
	}
}

// A cloud that cannot be used is told before anything starts, without its secrets.
func TestConfig_ofACloud(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clouds.yaml")
	entry := "clouds:\n  ours:\n    auth: {auth_url: 'https://c:5000/v3', username: u, password: hunter2, user_domain_name: Default}\n"
	if err := os.WriteFile(file, []byte(entry), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OS_CLIENT_CONFIG_FILE", file)
	for _, c := range []struct{ cloud, mark, want string }{
		{"ours", "tollhouse", `TOLLHOUSE_OPENSTACK_CLOUD cannot be used: cloud "ours": project_name or project_id is missing`},
		{"theirs", "tollhouse", `TOLLHOUSE_OPENSTACK_CLOUD cannot be used: cloud "theirs": `},
		{"ours", "Our Mark", `TOLLHOUSE_OPENSTACK_MARK is "Our Mark"`},
	} {
		_, err := readControlConfig([]string{"TOLLHOUSE_OPENSTACK_CLOUD=" + c.cloud, "TOLLHOUSE_OPENSTACK_MARK=" + c.mark})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s, %s: %v, want %q", c.cloud, c.mark, err, c.want)
		}
	}
}

func TestConfig_demoNeedsNothing(t *testing.T) {
	config, err := readDemoConfig(nil)
	if err != nil || config.Listen.Address != "127.0.0.1:8080" || config.Listen.Asked || config.Scale != 100 {
		t.Errorf("got %+v, %v", config, err)
	}
}

func TestListen_takesAnyFreePortUnlessOneWasAsked(t *testing.T) {
	taken, err := listen{Address: "127.0.0.1:0", Asked: true}.listener(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	address := taken.Addr().String()
	if _, err := (listen{Address: address, Asked: true}).listener(context.Background()); err == nil {
		t.Error("an address that was asked for and is taken must be an error")
	}
	other, err := listen{Address: address}.listener(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	_ = other.Close()
}

func TestRun_exitCodes(t *testing.T) {
	cases := map[string]struct {
		args []string
		code int
		says string
	}{
		"help":           {nil, 0, "tollhouse <role>"},
		"unknown role":   {[]string{"fly"}, 2, `no role "fly"`},
		"unknown flag":   {[]string{"demo", "--fast"}, 2, "--fast"},
		"stray argument": {[]string{"demo", "now"}, 2, `"now" is not understood`},
		"no settings":    {[]string{"host"}, 1, "TOLLHOUSE_DATABASE_URL is missing"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			code := run(context.Background(), process{args: c.args, stdout: &out, stderr: &out})
			if code != c.code || !strings.Contains(out.String(), c.says) && !strings.Contains(out.String(), strings.TrimPrefix(c.says, "-")) {
				t.Errorf("code %d, want %d; printed %q, want %q in it", code, c.code, out.String(), c.says)
			}
		})
	}
}
