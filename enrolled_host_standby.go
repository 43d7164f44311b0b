package main

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"tollhouse/infra/enrolment"
	"tollhouse/infra/postgres"
	"tollhouse/provisioning/machine"
)

// How a host looks at its standby.
const (
	standbyEvery = time.Second
	standbyAsk   = 15 * time.Second // at the latest, while nothing changes
	standbyBound = 5 * time.Second
)

// hostStandby is what a host knows of its standby.
type hostStandby struct {
	client *enrolment.Client

	// Of the goroutine that keeps:
	ready    uuid.UUID // the one that may follow; zero: none is known yet
	alone    bool      // it is sure that commits wait for nobody
	missedAt time.Time // since when it has not followed; zero: it does
	told     machine.Following
	toldAt   time.Time
	fault    string // as it was logged last

	mu   sync.Mutex
	copy *machine.Copy // nil: it has no standby
}

// keepStandby looks every moment after the standby of the host's own database
// server, until ctx ends.
func (h *ownHost) keepStandby(ctx context.Context) {
	s := &h.standby
	s.client = enrolment.NewClient(h.store, time.Now)
	tick := time.NewTicker(standbyEvery)
	defer tick.Stop()
	for {
		err := h.lookAtStandby(ctx, time.Now())
		switch {
		case err == nil:
			s.fault = ""
		case ctx.Err() == nil && err.Error() != s.fault:
			s.fault = err.Error() // said once, not every second
			h.plant.log.Warn("the standby is not looked after; trying again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (h *ownHost) lookAtStandby(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, 3*standbyBound)
	defer cancel()
	c, err := h.store.Configuration()
	if err != nil {
		return err
	}
	if c.Standby == nil {
		return h.withoutStandby(ctx)
	}
	s, name := &h.standby, postgres.StandbyName(*c.Standby)
	if s.ready != *c.Standby {
		if err := h.cluster.BeFollowed(ctx, name, h.plant.box.Derive); err != nil {
			return err
		}
		s.ready, s.alone = *c.Standby, false
	}
	seen, err := h.cluster.Followed(ctx, name)
	if err != nil {
		return err
	}
	s.show(seen)
	waits, err := s.ask(ctx, now, s.following(*c.Standby, seen, now))
	if err != nil || waits == seen.Waits {
		return err
	}
	if !waits {
		name = ""
	}
	h.plant.log.Info("whether commits wait for the standby", "wait", waits)
	return h.cluster.WaitFor(ctx, name)
}

// withoutStandby has commits wait for nobody: the configuration says that there
// is no standby, so none can take the host's place.
func (h *ownHost) withoutStandby(ctx context.Context) error {
	s := &h.standby
	if s.alone {
		return nil
	}
	seen, err := h.cluster.Followed(ctx, "")
	if err == nil && !seen.Waits { // for nobody
		err = h.cluster.WaitFor(ctx, "")
	}
	if err != nil {
		return err
	}
	s.alone, s.ready = true, uuid.Nil
	s.mu.Lock()
	defer s.mu.Unlock()
	s.copy = nil
	return nil
}

// following puts what is seen as the control plane is told it.
func (s *hostStandby) following(standby uuid.UUID, seen postgres.Followed, now time.Time) machine.Following {
	f := machine.Following{Standby: standby, Waits: seen.Waits, Follows: seen.Follows, InStep: seen.InStep}
	if seen.InStep || !seen.Waits && seen.Follows {
		s.missedAt = time.Time{}
		return f
	}
	if s.missedAt.IsZero() {
		s.missedAt = now
	}
	f.MissedSeconds = int64(now.Sub(s.missedAt) / time.Second)
	return f
}

// ask asks the control plane whether commits are to wait, where there is
// something new to tell; else all stays as it is.
func (s *hostStandby) ask(ctx context.Context, now time.Time, f machine.Following) (waits bool, err error) {
	missed := f.Waits && time.Duration(f.MissedSeconds)*time.Second >= machine.StandbyPatience
	same := s.told
	same.MissedSeconds = f.MissedSeconds
	if same == f && !missed && now.Sub(s.toldAt) < standbyAsk {
		return f.Waits, nil
	}
	ctx, cancel := context.WithTimeout(ctx, standbyBound)
	defer cancel()
	answer, err := s.client.Follow(ctx, f)
	if err != nil {
		return f.Waits, err
	}
	s.told, s.toldAt = f, now
	return answer.Waits, nil
}

func (s *hostStandby) show(seen postgres.Followed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.copy = &machine.Copy{Streams: seen.Streams, BehindBytes: seen.Behind, BehindSeconds: seen.Seconds, Waits: seen.Waits}
}

// fill puts into a host's report how its standby follows.
func (s *hostStandby) fill(r *machine.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.copy != nil {
		seen := *s.copy
		r.Copy = &seen
	}
}
