package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tollhouse/infra/enrolment"
	"tollhouse/infra/postgres"
	"tollhouse/infra/secrets"
	"tollhouse/provisioning/machine"
)

// How a standby looks after its copy.
const (
	copyEvery = time.Second
	copyRetry = 5 * time.Second  // after what failed
	copyAnew  = 60 * time.Second // a copy that has not followed for as long is made anew, if the host can be copied
)

// siteStandby keeps a copy of the database of its site's host, which the host's
// commits wait for.
type siteStandby struct {
	config machineConfig
	store  *enrolment.Store
	log    *slog.Logger

	// Of the goroutine that keeps:
	follower *postgres.Follower // nil: none runs
	beside   machine.Beside
	key      []byte
	missedAt time.Time // since when nothing is received; zero: it is

	mu    sync.Mutex
	seen  machine.Copy
	fault error // why there is no copy that follows
	next  *again
}

// Why a copy does not follow.
var (
	errNoCopy     = errors.New("the copy is being made")
	errNotFollows = errors.New("the copy does not receive the host's log")
)

// runStandby keeps a copy of the database of the operator's host for whom this
// machine was enrolled.
func runStandby(ctx context.Context, p process) error {
	config, err := readMachineConfig(p.env, machine.Standby)
	if err != nil {
		return err
	}
	store, err := openStore(config, machine.Standby)
	if err != nil {
		return err
	}
	s := &siteStandby{config: config, store: store, log: logTo(p.stderr, config.Log), fault: errNoBeside}
	err = s.run(ctx)
	if err == nil && s.next != nil {
		return s.next.goOn([]string{"standby"})
	}
	return err
}

func (s *siteStandby) run(ctx context.Context) error {
	version, err := ownVersion()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	keeper, err := enrolment.NewKeeper(s.store, enrolment.KeeperConfig{Data: s.config.Data, Version: version, Now: time.Now, Log: s.log,
		Fill: s.fill, Upgrade: func(path string) {
			s.mu.Lock()
			s.next = &again{path}
			s.mu.Unlock()
			cancel()
		}})
	if err != nil {
		return err
	}
	var beside sync.WaitGroup
	beside.Go(func() { keeper.Keep(ctx) })
	s.log.Info("keeping a copy of the host's database", "machine", s.store.Identity().Machine.String())
	s.keep(ctx)
	beside.Wait()
	return nil
}

// keep has the copy follow until ctx ends, and then stops it.
func (s *siteStandby) keep(ctx context.Context) {
	defer s.stop()
	for {
		err := s.look(ctx, time.Now())
		wait := copyEvery
		if err != nil && !errors.Is(err, errNotFollows) {
			wait = copyRetry
		}
		if ctx.Err() == nil {
			s.note(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (s *siteStandby) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if fmt.Sprint(err) != fmt.Sprint(s.fault) {
		s.log.Info("whether the copy follows", "follows", err == nil, "error", err)
	}
	s.fault = err
}

// making is what is told while a copy is made for the first time.
func (s *siteStandby) making() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(s.fault, errNoBeside) {
		s.fault = errNoCopy
	}
}

func (s *siteStandby) stop() {
	if s.follower != nil {
		s.follower.Stop()
		s.follower = nil
	}
}

// look sees how far the copy is. It is made where there is none, and made anew
// where it has not followed for long although the host can be reached.
func (s *siteStandby) look(ctx context.Context, now time.Time) error {
	c, err := s.store.Configuration()
	if err != nil {
		return err
	}
	key, err := s.store.Key()
	if err != nil {
		return err
	}
	if c.Beside == nil || key == nil {
		return errNoBeside // what there is of a copy stays
	}
	if s.follower == nil || s.beside != *c.Beside || !bytes.Equal(s.key, key) {
		s.stop()
		s.making()
		if err := s.start(ctx, *c.Beside, key); err != nil {
			return err
		}
	}
	seen, err := s.follower.Following(ctx)
	if err != nil {
		s.stop() // the next look starts it
		return err
	}
	s.mu.Lock()
	s.seen = machine.Copy{Streams: seen.Streams, BehindBytes: seen.Behind, BehindSeconds: seen.Seconds}
	s.mu.Unlock()
	switch {
	case seen.Streams:
		s.missedAt = time.Time{}
		return nil
	case s.missedAt.IsZero():
		s.missedAt = now
	case now.Sub(s.missedAt) > copyAnew:
		s.missedAt = now
		s.log.Warn("the copy has not followed for long: making it anew", "seconds", int(copyAnew/time.Second))
		return errors.Join(errNotFollows, s.follower.CopyAnew(ctx)) // where the host can't be copied all stays as it is
	}
	return errNotFollows
}

func (s *siteStandby) start(ctx context.Context, beside machine.Beside, key []byte) error {
	box, err := secrets.New(key)
	if err != nil {
		return fmt.Errorf("host key: %w", err)
	}
	primary := postgres.Primary{Address: beside.Database, Certificate: []byte(beside.Certificate), Name: postgres.StandbyName(s.store.Identity().Machine), Derive: box.Derive}
	if s.follower, err = postgres.StartFollower(ctx, s.config.Data, primary, s.log); err != nil {
		s.follower = nil
		return err
	}
	s.beside, s.key, s.missedAt = beside, key, time.Time{}
	return nil
}

// fill puts into a report how far the copy is.
func (s *siteStandby) fill(_ context.Context, r *machine.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	r.Copy = &seen
	if s.fault != nil {
		seen.Streams = false
		r.Healthy, r.Reason = false, notFollowingBecause(s.fault)
	}
}

// notFollowingBecause says in plain words why a copy does not follow.
func notFollowingBecause(fault error) string {
	switch {
	case errors.Is(fault, errNoBeside):
		return "It has no copy: its host has not said yet where its database is."
	case errors.Is(fault, errNoCopy):
		return "Its copy of the host's database is being made."
	case errors.Is(fault, errNotFollows):
		return "Its copy does not receive the host's log: it is behind."
	case errors.Is(fault, postgres.ErrNoServer):
		return "It has no copy: no PostgreSQL is installed."
	default:
		return "Its copy does not run: see its log."
	}
}
