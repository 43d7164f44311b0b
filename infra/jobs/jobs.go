// Package jobs runs a host's work on River.
//
// It owns the queue's client: enqueueing a tenant's lane and calling the host
// to work it. It does not own what is due: that stands in each tenant's agenda
// (billing/agenda), from which a job can always be made again.
//
// Always true:
//   - A tenant's lane is in the queue at most once, so no tenant fills it.
//   - River knows wall time only; business time never gets here.
//   - A process that was killed finds its work again when it starts.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
)

// Lane is the job: work what is due in one lane of one tenant.
type Lane struct {
	Tenant tenant.ID   `json:"tenant"`
	Lane   agenda.Lane `json:"lane"`
}

// Kind names the job in the queue.
func (Lane) Kind() string { return "agenda_lane" }

// Worker works one bounded portion of a lane; again says that more is due.
type Worker func(ctx context.Context, id tenant.ID, lane agenda.Lane) (again bool, err error)

// Queue is a started or insert-only River client.
type Queue struct {
	client *river.Client[pgx.Tx]
	config Config
}

// Config is what the queue needs.
type Config struct {
	Name    string        // of this process: no two that run at a time share it
	Pool    *pgxpool.Pool // of River's own role
	Schema  string
	Workers int // side by side
	Work    Worker
	Log     *slog.Logger
}

// New makes the client; Start begins to work.
func New(config Config) (*Queue, error) {
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &laneWorker{work: config.Work}); err != nil {
		return nil, err
	}
	client, err := river.NewClient(riverpgxv5.New(config.Pool), &river.Config{
		ID:                          config.Name,
		Schema:                      config.Schema,
		PollOnly:                    true,
		FetchCooldown:               5 * time.Millisecond,
		FetchPollInterval:           100 * time.Millisecond,
		JobTimeout:                  10 * time.Minute,
		RescueStuckJobsAfter:        15 * time.Minute,
		MaxAttempts:                 10,
		Logger:                      config.Log,
		Workers:                     workers,
		Queues:                      map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: config.Workers}},
		CompletedJobRetentionPeriod: 10 * time.Minute,
	})
	if err != nil {
		return nil, fmt.Errorf("job queue: %w", err)
	}
	return &Queue{client, config}, nil
}

// Start begins to work, with what a predecessor of our name left behind.
func (q *Queue) Start(ctx context.Context) error {
	if err := q.takeOver(ctx); err != nil {
		return err
	}
	return q.client.Start(ctx)
}

// takeOver frees the jobs that a killed process of our name was working. They
// would keep their lanes out of the queue until River takes them for stuck.
func (q *Queue) takeOver(ctx context.Context) error {
	table := pgx.Identifier{q.config.Schema, "river_job"}.Sanitize()
	_, err := q.config.Pool.Exec(ctx, `update `+table+` set state = 'available', attempt = greatest(attempt - 1, 0)
		where state = 'running' and attempted_by[array_upper(attempted_by, 1)] = $1`, q.config.Name)
	if err != nil {
		return fmt.Errorf("take over jobs left running: %w", err)
	}
	return nil
}

// Stop lets running jobs finish until ctx ends, then cancels them.
func (q *Queue) Stop(ctx context.Context) error {
	err := q.client.Stop(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return q.client.StopAndCancel(hard)
	}
	return err
}

// Enqueue puts a tenant's lane into the queue, unless it is there already.
func (q *Queue) Enqueue(ctx context.Context, id tenant.ID, lane agenda.Lane) error {
	_, err := q.client.Insert(ctx, Lane{Tenant: id, Lane: lane}, &river.InsertOpts{UniqueOpts: river.UniqueOpts{
		ByArgs: true,
		ByState: []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable,
			rivertype.JobStateRunning, rivertype.JobStateScheduled},
	}})
	if err != nil {
		return fmt.Errorf("enqueue %s of %s: %w", lane, id, err)
	}
	return nil
}

type laneWorker struct {
	river.WorkerDefaults[Lane]
	work Worker
}

// NextRetry waits 0.5, 2, 4.5 … seconds: a lane that fails holds up what is
// behind it, and its items count their own attempts.
func (w *laneWorker) NextRetry(job *river.Job[Lane]) time.Time {
	return time.Now().Add(time.Duration(job.Attempt*job.Attempt) * 500 * time.Millisecond)
}

// turn bounds how long one job keeps a worker before others get theirs.
const turn = 2 * time.Second

func (w *laneWorker) Work(ctx context.Context, job *river.Job[Lane]) error {
	for began := time.Now(); ; {
		again, err := w.work(ctx, job.Args.Tenant, job.Args.Lane)
		switch {
		case errors.Is(err, tenant.ErrUnknown):
			return river.JobCancel(err) // moved away: its new host makes the job again
		case err != nil:
			return err
		case !again:
			return nil
		case time.Since(began) > turn:
			return river.JobSnooze(0)
		}
	}
}
