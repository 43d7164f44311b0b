package pgbackrest

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// When a backup is due that no control plane asks for: as often as it would
// (provisioning/backup).
const (
	fullDue = 7 * 24 * time.Hour
	incrDue = 24 * time.Hour
	// lookEvery is how often what is due is looked at, retryAfter how long after
	// one that failed it is tried again.
	lookEvery  = 10 * time.Minute
	retryAfter = time.Minute
)

// Routine has a server's backups made where no control plane reaches it: on an
// operator's own machine.
type Routine struct {
	archive *Archive
	now     func() time.Time
	log     *slog.Logger

	mu   sync.Mutex
	last *time.Time
}

// NewRoutine makes a routine; Keep sets it to work. now is wall time.
func NewRoutine(archive *Archive, now func() time.Time, log *slog.Logger) *Routine {
	return &Routine{archive: archive, now: now, log: log}
}

// LastBackup is when the newest backup was finished; nil if there is none, or it
// is not known yet.
func (r *Routine) LastBackup() *time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// Keep makes what is due until ctx ends.
func (r *Routine) Keep(ctx context.Context) {
	for ctx.Err() == nil {
		pause := lookEvery
		if err := r.Once(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("backup not made", "error", err)
			pause = retryAfter
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// Once makes a backup if one is due: a full one a week after the last full one,
// else one of what has changed a day after the last.
func (r *Routine) Once(ctx context.Context) error {
	if err := r.archive.Prepare(ctx); err != nil {
		return err
	}
	info, err := r.archive.Info(ctx)
	if err != nil {
		return err
	}
	r.note(info)
	full, due := dueNow(info, r.now())
	if !due {
		return nil
	}
	if err := r.archive.Backup(ctx, full); err != nil {
		return err
	}
	if _, err := r.archive.Escrow(); err != nil {
		return err
	}
	if info, err = r.archive.Info(ctx); err != nil {
		return err
	}
	r.note(info)
	if r.LastBackup() == nil {
		return errNotKept
	}
	r.log.Info("backup made", "full", full)
	return nil
}

// errNotKept means that pgBackRest was content and the repository is empty.
var errNotKept = errors.New("the repository does not have the backup that was made")

func (r *Routine) note(info Info) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(info.Backups); n > 0 {
		r.last = &info.Backups[n-1].EndedAt
	}
}

// dueNow says whether a backup is due, and of which kind.
func dueNow(info Info, now time.Time) (full, due bool) {
	var lastFull, last time.Time
	for _, b := range info.Backups {
		if last = b.EndedAt; b.Full {
			lastFull = b.EndedAt
		}
	}
	if now.Sub(lastFull) >= fullDue {
		return true, true
	}
	return false, now.Sub(last) >= incrDue
}
