package crew_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"tollhouse/provisioning/crew"
)

func TestCrew_looksUntilNothingIsLeft(t *testing.T) {
	var left, done atomic.Int64
	left.Store(5)
	empty := make(chan struct{}, 10)
	c := crew.New(1, time.Hour, 0)
	c.Start(t.Context(), func(context.Context) bool {
		if left.Add(-1) < 0 {
			left.Store(0)
			empty <- struct{}{}
			return false
		}
		done.Add(1)
		return true
	})
	defer c.Stop()
	<-empty
	left.Store(3)
	c.Wake()
	<-empty
	if got := done.Load(); got != 8 {
		t.Errorf("%d pieces were done, want 8", got)
	}
}

func TestCrew_letsWorkInHandFinish(t *testing.T) {
	begun, finish := make(chan struct{}, 1), make(chan struct{})
	var givenUp error
	c := crew.New(1, time.Hour, time.Hour)
	c.Start(t.Context(), func(ctx context.Context) bool {
		begun <- struct{}{}
		<-finish
		givenUp = ctx.Err()
		return false
	})
	<-begun
	stopped := make(chan struct{})
	go func() { c.Stop(); close(stopped) }()
	close(finish)
	<-stopped
	if givenUp != nil {
		t.Errorf("work in hand was given up: %v", givenUp)
	}
}

func TestCrew_givesUpWhatOutlastsTheGrace(t *testing.T) {
	begun := make(chan struct{})
	c := crew.New(1, time.Hour, 0)
	c.Start(t.Context(), func(ctx context.Context) bool {
		close(begun)
		<-ctx.Done()
		return true
	})
	<-begun
	c.Stop()
	c.Stop()
}

func TestCrew_endsOnlyByStop(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	looked := make(chan error, 1)
	c := crew.New(1, time.Hour, 0)
	c.Stop() // before Start: nothing
	c.Start(ctx, func(ctx context.Context) bool {
		looked <- ctx.Err()
		return false
	})
	if err := <-looked; err != nil {
		t.Errorf("the caller's end ended the crew: %v", err)
	}
	c.Stop()
}
