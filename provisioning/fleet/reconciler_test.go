package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"tollhouse/provisioning"
	"tollhouse/provisioning/fleet"
	"tollhouse/tenants"
)

func TestReconciler_makesASiteAndWaitsForItsHost(t *testing.T) {
	w := newWorld(t)
	w.reconcile(quick)
	id := newID()
	s := w.put(id, fleet.Want{Operator: w.operator("nordnetz"), Cloud: "memory", Size: "small"})
	if s.State != fleet.Requested || s.Revision != 1 || s.Monthly.Text() != "190.00" {
		t.Errorf("asked for: %+v", s)
	}
	w.until(id, "waiting for its host", func(s fleet.Site) bool { return s.State == fleet.Enrolling && s.Reason != "" && s.Made == 1 })
	w.hosts.Come(id)
	s = w.untilState(id, fleet.Ready)
	if s.ReadyAt == nil || s.Address == "" || s.Reason != "" || len(s.Steps) == 0 || !s.Seen.Healthy {
		t.Errorf("ready: %+v", s)
	}
	if kinds := w.events(id); !slices.Equal(kinds, []string{"asked", "state.making", "state.enrolling", "state.ready"}) {
		t.Errorf("history: %v", kinds)
	}
	if w.cloud.Made != 1 || w.hosts.Invited(id) != 1 {
		t.Errorf("made %d times, invited %d times", w.cloud.Made, w.hosts.Invited(id))
	}
}

func TestReconciler_twoControlPlanesNeverFight(t *testing.T) {
	w := newWorld(t)
	w.reconcile(quick)
	w.reconcile(quick)
	operator := w.operator("nordnetz")
	var sites []provisioning.SiteID
	for range 12 {
		id := newID()
		w.hosts.Come(id)
		w.put(id, fleet.Want{Operator: operator, Cloud: "memory", Size: "small"})
		sites = append(sites, id)
	}
	for _, id := range sites {
		w.untilState(id, fleet.Ready)
		if n := w.hosts.Invited(id); n != 1 {
			t.Errorf("invited %d times", n)
		}
		if kinds := w.events(id); !slices.Equal(kinds, []string{"asked", "state.making", "state.enrolling", "state.ready"}) {
			t.Errorf("history: %v", kinds)
		}
	}
	if w.cloud.Made != len(sites) {
		t.Errorf("%d sites were made for %d", w.cloud.Made, len(sites))
	}
}

// A process that is killed at a call never comes back from it: nothing of what
// the cloud did is written down, and its lease stands until it runs out.
func TestReconciler_goesOnAfterADeathAtAnyPoint(t *testing.T) {
	w := newWorld(t)
	operator := w.operator("nordnetz")
	w.backups.finish()
	config := quick
	config.Lease, config.Workers = 400*time.Millisecond, 1
	for _, point := range []struct {
		call string
		n    int
	}{{"Ensure", 1}, {"after Ensure", 1}, {"Observe", 1}, {"Observe", 3}, {"Ensure", 2}, {"after Ensure", 2}, {"Observe", 6}, {"Remove", 1}, {"after Remove", 1}, {"Remove", 2}, {"after Remove", 2}} {
		t.Run(fmt.Sprintf("%s %d", point.call, point.n), func(t *testing.T) {
			id := newID()
			w.hosts.Come(id)
			dead, end := make(chan struct{}), make(chan struct{})
			made, seen := w.cloud.Made, 0
			w.cloud.Fail(func(call string, of provisioning.SiteID) error {
				if call == point.call && of == id {
					if seen++; seen == point.n {
						close(dead)
						w.cloud.Unlock(func() { <-end })
						return errors.New("nobody hears this")
					}
				}
				return nil
			})
			stopFirst := w.reconcile(config)
			defer stopFirst()
			defer close(end)
			successor := make(chan func(), 1)
			go func() {
				<-dead
				successor <- w.reconcile(config)
			}()
			defer func() { (<-successor)() }()
			w.put(id, fleet.Want{Operator: operator, Cloud: "memory", Size: "small"})
			w.untilState(id, fleet.Ready)
			w.hosts.Come(id)
			w.put(id, fleet.Want{Operator: operator, Cloud: "memory", Size: "medium"})
			s := w.until(id, "grown", func(s fleet.Site) bool { return s.State == fleet.Ready && s.Made == s.Revision })
			if stands := w.cloud.Standing(); len(stands) != 1 || stands[0].Shape != s.Shape || w.cloud.Made != made+1 {
				t.Errorf("stands %+v", stands)
			}
			w.write(func(ctx context.Context, tx tenants.Tx) error {
				_, err := w.fleet.Close(ctx, tx, w.by, id, "the contract has ended", 0)
				return err
			})
			w.untilState(id, fleet.Removed)
			if stands := w.cloud.Standing(); len(stands) != 0 {
				t.Errorf("left behind %+v", stands)
			}
		})
	}
}

func TestReconciler_lateLookWritesNothing(t *testing.T) {
	w := newWorld(t)
	id := newID()
	w.hosts.Come(id)
	config := quick
	config.Lease = 100 * time.Millisecond
	config.Workers = 1
	stuck, goOn := make(chan struct{}), make(chan struct{})
	first := true
	w.cloud.Fail(func(call string, _ provisioning.SiteID) error {
		if call == "Ensure" && first {
			first = false
			close(stuck)
			w.cloud.Unlock(func() { <-goOn })
		}
		return nil
	})
	w.reconcile(config)
	w.put(id, fleet.Want{Operator: w.operator("nordnetz"), Cloud: "memory", Size: "small"})
	<-stuck
	w.reconcile(config) // its successor, once the lease has run out
	s := w.untilState(id, fleet.Ready)
	close(goOn)
	time.Sleep(100 * time.Millisecond)
	if after := w.get(id); after.State != fleet.Ready || after.Revision != s.Revision || w.cloud.Made != 1 {
		t.Errorf("after the late look: %+v, made %d times", after, w.cloud.Made)
	}
}

func TestReconciler_failureHasItsReasonAndIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	id := newID()
	w.hosts.Come(id)
	down := true
	w.cloud.Fail(func(call string, _ provisioning.SiteID) error {
		if down && call == "Ensure" {
			return provisioning.Because("The cloud does not answer.", errors.New("dial tcp: connection refused"))
		}
		return nil
	})
	w.reconcile(quick)
	w.put(id, fleet.Want{Operator: w.operator("nordnetz"), Cloud: "memory", Size: "small"})
	s := w.until(id, "failed twice", func(s fleet.Site) bool { return s.State == fleet.Failed && s.Tries >= 2 })
	if s.Reason != "The cloud does not answer." || s.Detail != "dial tcp: connection refused" || s.Held {
		t.Errorf("failed: %+v", s)
	}
	w.cloud.Fail(nil)
	w.untilState(id, fleet.Ready)
	if kinds := w.events(id); !slices.Equal(kinds, []string{"asked", "state.making", "state.failed", "state.enrolling", "state.ready"}) {
		t.Errorf("history: %v", kinds)
	}
}

func TestReconciler_halfMadeIsResumedOrCleared(t *testing.T) {
	w := newWorld(t)
	config := quick
	config.Pause = time.Hour // nothing is tried again by itself
	w.reconcile(config)
	operator := w.operator("nordnetz")
	broken := func() provisioning.SiteID {
		id := newID()
		w.put(id, fleet.Want{Operator: operator, Cloud: "memory", Size: "small"})
		w.until(id, "enrolling", func(s fleet.Site) bool { return s.State == fleet.Enrolling })
		w.cloud.Break(id, "No host has room for a machine of this size.", "NoValidHost: There are not enough hosts available.")
		s := w.untilState(id, fleet.Failed)
		if s.Reason != "No host has room for a machine of this size." || s.Detail == "" {
			t.Errorf("broken: %+v", s)
		}
		return id
	}
	resumed, cleared := broken(), broken()
	w.hosts.Come(resumed)
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.fleet.Resume(ctx, tx, w.by, resumed, false)
		return err
	})
	w.untilState(resumed, fleet.Ready)
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.fleet.Clear(ctx, tx, w.by, cleared)
		return err
	})
	w.untilState(cleared, fleet.Cleared)
	if stands := w.cloud.Standing(); len(stands) != 1 || stands[0].ID != resumed || w.hosts.Withdrawn(cleared) == 0 {
		t.Errorf("stands %+v", stands)
	}
	// and it can be asked for again
	w.hosts.Come(cleared)
	w.put(cleared, fleet.Want{Operator: operator, Cloud: "memory", Size: "small"})
	w.untilState(cleared, fleet.Ready)
	err := w.try(func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.fleet.Clear(ctx, tx, w.by, cleared)
		return err
	})
	if !errors.Is(err, fleet.ErrState) {
		t.Errorf("what served was cleared: %v", err)
	}
}

func TestReconciler_userDataStayOnceEnrolled(t *testing.T) {
	w := newWorld(t)
	w.reconcile(quick)
	operator := w.operator("nordnetz")
	s := w.ready(fleet.Want{Operator: operator, Cloud: "memory", Size: "small"})
	w.pass(2 * time.Hour) // the invitation is long over
	w.hosts.Come(s.ID)
	w.put(s.ID, fleet.Want{Operator: operator, Cloud: "memory", Size: "medium"})
	w.until(s.ID, "grown", func(s fleet.Site) bool { return s.State == fleet.Ready && s.Made == 2 })
	// its new worker was invited, its first machine has what it was made with
	if w.hosts.Invited(s.ID) != 2 || len(w.cloud.Data) != 1 {
		t.Errorf("invited %d times, machines made with %q", w.hosts.Invited(s.ID), w.cloud.Data)
	}
}

// An invitation of machines beside the first lets in so many: each revision has
// one of its own, while the first machine keeps what it was made with, and the
// time that it has to come.
func TestReconciler_machinesBesideAreInvitedForEachRevision(t *testing.T) {
	w := newWorld(t)
	w.reconcile(quick)
	operator, id := w.operator("nordnetz"), newID()
	w.put(id, fleet.Want{Operator: operator, Cloud: "memory", Size: "small"})
	w.untilState(id, fleet.Enrolling) // its first machine has not come
	w.pass(30 * time.Minute)
	w.put(id, fleet.Want{Operator: operator, Cloud: "memory", Size: "medium"})
	w.until(id, "grown", func(s fleet.Site) bool { return s.State == fleet.Enrolling && s.Made == 2 })
	w.hosts.Come(id)
	w.untilState(id, fleet.Ready)
	w.put(id, fleet.Want{Operator: operator, Cloud: "memory", Size: "medium", AddOns: map[string]int{"worker": 1}})
	s := w.until(id, "grown again", func(s fleet.Site) bool { return s.State == fleet.Ready && s.Made == 3 })
	if w.hosts.Invited(id) != 3 || len(w.cloud.Data) != 1 {
		t.Errorf("invited %d times, first machines made with %q", w.hosts.Invited(id), w.cloud.Data)
	}
	if b := w.cloud.Beside; len(b) != 3 || b[0] != "" || b[1] == "" || b[2] == "" || b[1] == b[2] {
		t.Errorf("machines beside it made with %q", b)
	}
	if until := s.InvitedUntil; until == nil || until.Sub(*s.ReadyAt) > 31*time.Minute {
		t.Errorf("the first machine's time was put off to %v", until)
	}
}

func TestReconciler_lateInvitationIsRenewed(t *testing.T) {
	w := newWorld(t)
	w.cloud.Fail(func(call string, _ provisioning.SiteID) error {
		if call == "Ensure" {
			return errors.New("down")
		}
		return nil
	})
	w.reconcile(quick)
	id := newID()
	w.put(id, fleet.Want{Operator: w.operator("nordnetz"), Cloud: "memory", Size: "small"})
	w.untilState(id, fleet.Failed)
	w.pass(2 * time.Hour)
	w.until(id, "invited again", func(fleet.Site) bool { return w.hosts.Invited(id) >= 2 })
	w.cloud.Fail(nil)
	w.until(id, "enrolling", func(s fleet.Site) bool { return s.State == fleet.Enrolling })
	if w.hosts.Invited(id) < 2 || len(w.cloud.Data) != 1 {
		t.Errorf("invited %d times, machines made with %q", w.hosts.Invited(id), w.cloud.Data)
	}
}

func TestReconciler_whatServedIsNotMadeAgainByItself(t *testing.T) {
	w := newWorld(t)
	w.reconcile(quick)
	s := w.ready(fleet.Want{Operator: w.operator("nordnetz"), Cloud: "memory", Size: "small"})
	w.cloud.Lose(s.ID)
	s = w.until(s.ID, "held", func(s fleet.Site) bool { return s.State == fleet.Failed && s.Held })
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.fleet.Resume(ctx, tx, w.by, s.ID, false)
		return err
	})
	w.until(s.ID, "held again", func(s fleet.Site) bool { return s.Held })
	if len(w.cloud.Standing()) != 0 {
		t.Fatal("it was made again by itself")
	}
	w.hosts.Come(s.ID)
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.fleet.Resume(ctx, tx, w.by, s.ID, true)
		return err
	})
	w.untilState(s.ID, fleet.Ready)
	if w.hosts.Invited(s.ID) != 2 {
		t.Errorf("invited %d times", w.hosts.Invited(s.ID))
	}
}

func TestReconciler_driftIsShownAndRepairedWhenAsked(t *testing.T) {
	w := newWorld(t)
	w.reconcile(quick)
	s := w.ready(fleet.Want{Operator: w.operator("nordnetz"), Cloud: "memory", Size: "small"})
	w.cloud.Drift(s.ID, "a security rule was added by hand: tcp 22 from anywhere")
	s = w.until(s.ID, "drifted", func(s fleet.Site) bool { return len(s.Drift) == 1 })
	if s.State != fleet.Ready || s.Health(w.now()) != fleet.HealthDrifted {
		t.Errorf("drifted: %+v", s)
	}
	w.write(func(ctx context.Context, tx tenants.Tx) error {
		_, err := w.fleet.Repair(ctx, tx, w.by, s.ID)
		return err
	})
	s = w.until(s.ID, "repaired", func(s fleet.Site) bool { return s.State == fleet.Ready && len(s.Drift) == 0 && s.Made == 2 })
	if s.Health(w.now()) != fleet.HealthOK {
		t.Errorf("repaired: %+v", s)
	}
}
