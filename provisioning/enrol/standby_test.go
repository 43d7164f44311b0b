package enrol_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// stands makes an operator's host and its standby.
func stands(t *testing.T, w *world) (operator tenants.Operator, host, standby *server) {
	t.Helper()
	operator, host, standby = w.operator(t, "nordnetz"), newServer(t, w), newServer(t, w)
	for role, s := range map[machine.Role]*server{machine.Host: host, machine.Standby: standby} {
		if _, err := s.apply(w.issue(t, enrol.NewInvitation{Operator: operator.ID, Role: role}).Token, "nordnetz", role); err != nil {
			t.Fatal(err)
		}
	}
	return operator, host, standby
}

func (s *server) follow(t *testing.T, f machine.Following) (machine.Waiting, error) {
	t.Helper()
	return s.w.Follow(context.Background(), s.signed(t, machine.PathStandby, f), f, "192.0.2.1")
}

// A host's commits wait for its standby from when it follows until it has been
// missed for long; that is written down here first, with an alarm.
func TestFollow_whetherCommitsWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	operator, host, standby := stands(t, w)
	for i, c := range []struct {
		said machine.Following
		want enrol.Mode
		lost int64
	}{
		{machine.Following{}, enrol.Forming, 0},
		{machine.Following{MissedSeconds: 600}, enrol.Forming, 0},
		{machine.Following{Follows: true}, enrol.Waiting, 0},
		{machine.Following{Follows: true, InStep: true}, enrol.Waiting, 0}, // it does not say that it waits
		{machine.Following{Follows: true, Waits: true, InStep: true}, enrol.Synchronous, 0},
		{machine.Following{Waits: true, MissedSeconds: 4}, enrol.Synchronous, 0},
		{machine.Following{Waits: true, MissedSeconds: 5}, enrol.Alone, 1},
		{machine.Following{Waits: true, MissedSeconds: 6}, enrol.Alone, 1}, // it lost the answer
		{machine.Following{MissedSeconds: 60}, enrol.Alone, 1},
		{machine.Following{Follows: true}, enrol.Waiting, 1},
		{machine.Following{Waits: true, MissedSeconds: 5}, enrol.Alone, 1},
		{machine.Following{Follows: true}, enrol.Waiting, 1},
		{machine.Following{Waits: true, Follows: true, InStep: true}, enrol.Synchronous, 0},
	} {
		c.said.Standby = standby.id
		answer, err := host.follow(t, c.said)
		if err != nil {
			t.Fatal(err)
		}
		var mode enrol.Mode
		w.write(t, func(ctx context.Context, tx tenants.Tx) (err error) {
			mode, _, err = enrol.StandbyMode(ctx, tx, operator.ID)
			return err
		})
		waits := c.want == enrol.Waiting || c.want == enrol.Synchronous
		if mode != c.want || answer.Waits != waits {
			t.Errorf("%d: %+v: %s, waits %v; want %s", i, c.said, mode, answer.Waits, c.want)
		}
		if lost := w.count(t, `select count(*) from alarm where kind = $1 and subject = $2 and state <> 'cleared'`, alarm.StandbyLost, standby.id); int64(lost) != c.lost {
			t.Errorf("%d: %+v: %d alarms, want %d", i, c.said, lost, c.lost)
		}
	}
	if _, err := standby.follow(t, machine.Following{Standby: standby.id}); !errors.Is(err, enrol.ErrState) {
		t.Errorf("a standby speaks as a host: %v", err)
	}
}

// Another standby takes the place of the one before, and begins anew; of one
// that is shut out nothing is left to wait for.
func TestFollow_anotherStandby(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	operator, host, first := stands(t, w)
	if _, err := host.report(t, machine.Report{Healthy: true, Inside: &machine.Inside{Address: netip.MustParseAddrPort("10.20.0.5:5432"), Certificate: "PEM"}}); err != nil {
		t.Fatal(err)
	}
	if c := first.configured(t); c.Beside == nil || c.Beside.Certificate != "PEM" || c.Key == nil {
		t.Errorf("the standby is told of %+v, with a key of %d bytes", c.Beside, len(c.Key))
	}
	for _, said := range []machine.Following{{Follows: true}, {Follows: true, Waits: true, InStep: true}, {Waits: true, MissedSeconds: 9}} {
		said.Standby = first.id
		if _, err := host.follow(t, said); err != nil {
			t.Fatal(err)
		}
	}
	second := newServer(t, w)
	if _, err := second.apply(w.issue(t, enrol.NewInvitation{Operator: operator.ID, Role: machine.Standby}).Token, "nordnetz", machine.Standby); err != nil {
		t.Fatal(err)
	}
	if c := host.configured(t); c.Standby == nil || *c.Standby != second.id {
		t.Errorf("the host is told of standby %v, want %s", c.Standby, second.id)
	}
	if _, err := first.report(t, machine.Report{}); !errors.Is(err, enrol.ErrRevoked) {
		t.Errorf("the first one is heard still: %v", err)
	}
	if left := w.count(t, `select count(*) from alarm where kind = $1 and subject = $2 and state <> 'cleared'`, alarm.StandbyLost, first.id); left != 0 {
		t.Error("the first one is missed still")
	}
	if answer, err := host.follow(t, machine.Following{Standby: first.id, Waits: true, Follows: true, InStep: true}); err != nil || answer.Waits {
		t.Errorf("the host waits for one that was shut out: %+v, %v", answer, err)
	}
	if answer, err := host.follow(t, machine.Following{Standby: second.id, Follows: true}); err != nil || !answer.Waits {
		t.Errorf("the host does not wait for the second one: %+v, %v", answer, err)
	}
	w.write(t, func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.Revoke(ctx, tx, tenants.System, second.id, "It burns.")
		return err
	})
	if c := host.configured(t); c.Standby != nil {
		t.Errorf("the host is told of %s", c.Standby)
	}
	if answer, err := host.follow(t, machine.Following{Standby: second.id, Waits: true}); err != nil || answer.Waits {
		t.Errorf("the host waits for nobody: %+v, %v", answer, err)
	}
	w.write(t, func(ctx context.Context, tx tenants.Tx) error {
		if _, _, err := enrol.StandbyMode(ctx, tx, operator.ID); !errors.Is(err, enrol.ErrNotFound) {
			t.Errorf("there is a mode of none: %v", err)
		}
		return nil
	})
}
