package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
)

// Name says what a task does.
type Name string

// ErrStopped is why a task ended when its process does.
var ErrStopped = errors.New("the process is being stopped; what was done stays")

// Progress is how far a task is. Total is 0 where nobody knows.
type Progress struct {
	Done, Total int64
	At          time.Time // where it stands, for work along a clock
}

// Status is a task as it stands.
type Status struct {
	ID       uuid.UUID
	Name     Name
	By       string // who asked for it
	BegunAt  time.Time
	EndedAt  time.Time // zero while it is under way
	Progress Progress
	Result   any // of the work, when it has ended well; not to be changed
	Err      error
}

// Running says whether it is under way.
func (s Status) Running() bool { return s.EndedAt.IsZero() }

// Work is what a task does. It ends early when ctx does.
type Work func(ctx context.Context, report func(Progress)) (result any, err error)

type key struct {
	tenant tenant.ID
	name   Name
}

// Runner runs tasks. It keeps the last task of each tenant and name. It is safe
// for concurrent use.
type Runner struct {
	now     func() time.Time
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	stopped bool
	tasks   map[key]*Status
}

// New makes a runner. now is wall time.
func New(now func() time.Time) *Runner {
	ctx, cancel := context.WithCancel(context.Background())
	return &Runner{now: now, ctx: ctx, cancel: cancel, tasks: map[key]*Status{}}
}

// Start begins a task, unless one of its name is under way: then that one is
// returned, and begun is false.
func (r *Runner) Start(id tenant.ID, name Name, by string, work Work) (status Status, begun bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.tasks[key{id, name}]; known != nil && known.Running() {
		return *known, false
	}
	s := &Status{ID: uuid.Must(uuid.NewV7()), Name: name, By: by, BegunAt: r.now().UTC()}
	if r.stopped {
		s.EndedAt, s.Err = s.BegunAt, ErrStopped
		return *s, false
	}
	r.tasks[key{id, name}] = s
	r.running.Add(1)
	go r.run(s, work)
	return *s, true
}

func (r *Runner) run(s *Status, work Work) {
	defer r.running.Done()
	var result any
	var err error
	defer func() {
		if bug := recover(); bug != nil {
			err = fmt.Errorf("panic: %v", bug)
		}
		if r.ctx.Err() != nil && errors.Is(err, context.Canceled) {
			err = ErrStopped
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		s.Result, s.Err, s.EndedAt = result, err, r.now().UTC()
	}()
	result, err = work(r.ctx, func(p Progress) {
		r.mu.Lock()
		defer r.mu.Unlock()
		s.Progress = p
	})
}

// Last is the latest task of a name, under way or ended.
func (r *Runner) Last(id tenant.ID, name Name) (Status, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.tasks[key{id, name}]; s != nil {
		return *s, true
	}
	return Status{}, false
}

// Running lists a tenant's tasks that are under way, by name.
func (r *Runner) Running(id tenant.ID) []Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []Status
	for k, s := range r.tasks {
		if k.tenant == id && s.Running() {
			list = append(list, *s)
		}
	}
	slices.SortFunc(list, func(a, b Status) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return list
}

// Stop ends all tasks and waits for them; none begins any more. A second Stop
// is harmless.
func (r *Runner) Stop() {
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	r.cancel()
	r.running.Wait()
}
