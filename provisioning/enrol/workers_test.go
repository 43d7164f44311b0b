package enrol_test

import (
	"context"
	"net/http"
	"net/netip"
	"testing"

	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/machine"
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
