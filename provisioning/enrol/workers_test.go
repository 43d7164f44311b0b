package enrol_test

import (
	"context"
	"net/http"
	"net/netip"
	"testing"

	"github.com/google/uuid"

	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// configured is what a machine works by now.
func (s *server) configured(t *testing.T) machine.Configuration {
	t.Helper()
	s.number++
	signed := machine.Request{Method: http.MethodGet, Path: machine.PathConfiguration, Machine: s.id, Time: s.w.now(), Number: s.number}.Signed(s.keys.Sign)
	c, err := s.w.Configuration(context.Background(), signed, "192.0.2.7")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A host and its workers are told where they find each other, as each has said
// itself, and nothing of another operator's.
func TestConfiguration_joinsHostAndWorkers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	host, operator := w.enrolled(t, "nordnetz", machine.Host)
	other, _ := w.enrolled(t, "suednetz", machine.Host)
	if c := host.configured(t); c.Workers != nil {
		t.Errorf("a host without workers: %+v", c.Workers)
	}
	worker := newServer(t, w)
	if _, err := worker.apply(w.issue(t, enrol.NewInvitation{Operator: operator.ID, Role: machine.Worker}).Token, "nordnetz", machine.Worker); err != nil {
		t.Fatal(err)
	}
	if c := host.configured(t); c.Workers == nil || len(c.Workers.Addresses) != 0 {
		t.Errorf("a host whose worker has said nothing: %+v", c.Workers)
	}
	before := worker.configured(t)
	if before.Beside != nil || before.Key == nil {
		t.Errorf("a worker whose host has said nothing: %+v", before)
	}
	at, database := netip.MustParseAddrPort("10.20.0.9:443"), netip.MustParseAddrPort("10.20.0.5:5432")
	if _, err := worker.report(t, machine.Report{Reason: "waits", Inside: &machine.Inside{Address: at}}); err != nil {
		t.Fatal(err)
	}
	if _, err := host.report(t, machine.Report{Healthy: true, Inside: &machine.Inside{Address: database, Certificate: "PEM"}}); err != nil {
		t.Fatal(err)
	}
	if c := host.configured(t); c.Workers == nil || len(c.Workers.Addresses) != 1 || c.Workers.Addresses[0] != at {
		t.Errorf("the host is told of %+v", c.Workers)
	}
	after := worker.configured(t)
	if want := (machine.Beside{Database: database, Certificate: "PEM", Operator: operator.ID}); after.Beside == nil || *after.Beside != want {
		t.Errorf("the worker is told of %+v, want %+v", after.Beside, want)
	}
	if after.Revision == before.Revision {
		t.Error("it is another configuration with the same revision")
	}
	if c := other.configured(t); c.Workers != nil {
		t.Errorf("another operator's host is told of %+v", c.Workers)
	}
}

// The host of a dedicated stack answers by TLS itself: under the address that
// staff have set, else under its operator's name in our domain. What stands
// elsewhere has its own door.
func TestConfiguration_dedicatedHostsAnswerByTLS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Domain, w.HTTPS = "stacks.tollhouse.example", machine.HTTPS{Directory: "https://acme.example/directory", Contact: "ops@tollhouse.example"}
	at := func(place machine.Place, name string, role machine.Role) *server {
		operator, s := w.operator(t, name), newServer(t, w)
		if _, err := s.apply(w.issue(t, enrol.NewInvitation{Operator: operator.ID, Role: role, Place: place}).Token, name, role); err != nil {
			t.Fatal(err)
		}
		return s
	}
	dedicated := at(machine.Dedicated, "nordnetz", machine.Host)
	for set, want := range map[string]machine.Configuration{
		"":                         {PublicURL: "https://nordnetz.stacks.tollhouse.example", HTTPS: &machine.HTTPS{Name: "nordnetz.stacks.tollhouse.example"}},
		"https://Billing.Example/": {PublicURL: "https://Billing.Example", HTTPS: &machine.HTTPS{Name: "billing.example"}},
		"https://203.0.113.7":      {PublicURL: "https://203.0.113.7", HTTPS: &machine.HTTPS{}},
		"http://billing.example":   {PublicURL: "http://billing.example", HTTPS: &machine.HTTPS{}},
	} {
		w.write(t, func(ctx context.Context, tx tenants.Tx) error {
			_, err := w.Change(ctx, tx, tenants.System, dedicated.id, enrol.Change{Name: "host", Settings: enrol.Settings{PublicURL: set}})
			return err
		})
		if want.HTTPS.Name != "" {
			want.HTTPS.Directory, want.HTTPS.Contact = w.HTTPS.Directory, w.HTTPS.Contact
		}
		if c := dedicated.configured(t); c.PublicURL != want.PublicURL || c.HTTPS == nil || *c.HTTPS != *want.HTTPS {
			t.Errorf("set to %q: %q, %+v; want %q, %+v", set, c.PublicURL, c.HTTPS, want.PublicURL, want.HTTPS)
		}
	}
	if c := at(machine.Customer, "suednetz", machine.Host).configured(t); c.HTTPS != nil || c.PublicURL != "" {
		t.Errorf("the operator's own server: %q, %+v", c.PublicURL, c.HTTPS)
	}
	if c := at(machine.Dedicated, "westnetz", machine.Agent).configured(t); c.HTTPS != nil {
		t.Errorf("an agent: %+v", c.HTTPS)
	}
}

// Without a domain a site's host is reached by its site's address.
func TestConfiguration_dedicatedHostsOfNoDomain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	site, address := uuid.New(), ""
	w.Address = func(_ context.Context, _ tenants.Tx, asked uuid.UUID) (string, error) {
		if asked != site {
			t.Errorf("asked for site %s", asked)
		}
		return address, nil
	}
	operator, host := w.operator(t, "nordnetz"), newServer(t, w)
	if _, err := host.apply(w.issue(t, enrol.NewInvitation{Operator: operator.ID, Site: site, Role: machine.Host, Place: machine.Dedicated}).Token, "nordnetz", machine.Host); err != nil {
		t.Fatal(err)
	}
	for is, want := range map[string]string{"": "", "203.0.113.7": "https://203.0.113.7", "2001:db8::7": "https://[2001:db8::7]", "127.0.0.1": "", "first.example": ""} {
		address = is
		if c := host.configured(t); c.PublicURL != want || c.HTTPS == nil || c.HTTPS.Name != "" {
			t.Errorf("site at %q: %q, %+v; want %q", is, c.PublicURL, c.HTTPS, want)
		}
	}
}
