package task_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tollhouse/billing/task"
	"tollhouse/billing/tenant"
)

func TestRunner_oneOfANameAtATime(t *testing.T) {
	r := task.New(time.Now)
	defer r.Stop()
	id, gate := tenant.NewID(), make(chan struct{})
	first, begun := r.Start(id, "clock", "user:1", func(ctx context.Context, report func(task.Progress)) (any, error) {
		report(task.Progress{Done: 1, Total: 2})
		<-gate
		return "there", nil
	})
	if !begun {
		t.Fatal("the first did not begin")
	}
	second, begun := r.Start(id, "clock", "user:2", func(context.Context, func(task.Progress)) (any, error) {
		t.Error("a second one ran beside it")
		return nil, nil
	})
	if begun || second.ID != first.ID {
		t.Errorf("a second one began: %v", second)
	}
	if _, begun := r.Start(tenant.NewID(), "clock", "user:3", func(context.Context, func(task.Progress)) (any, error) { return nil, nil }); !begun {
		t.Error("another tenant's had to wait")
	}
	close(gate)
	r.Stop()
	if s, _ := r.Last(id, "clock"); s.Running() || s.Result != "there" || s.Progress.Done != 1 {
		t.Errorf("it ended as %+v", s)
	}
}

func TestRunner_stopEndsWhatRuns(t *testing.T) {
	r, id := task.New(time.Now), tenant.NewID()
	r.Start(id, "preview", "user:1", func(ctx context.Context, _ func(task.Progress)) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	r.Stop()
	r.Stop()
	if s, _ := r.Last(id, "preview"); s.Running() || !errors.Is(s.Err, task.ErrStopped) {
		t.Errorf("after Stop it is %+v", s)
	}
	if s, begun := r.Start(id, "preview", "user:1", nil); begun || !errors.Is(s.Err, task.ErrStopped) {
		t.Error("a task began after Stop")
	}
}
