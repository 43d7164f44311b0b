package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"tollhouse/provisioning"
)

// When a drill is due that no control plane asks for: as often as it would
// (provisioning/backup).
const (
	drillDue = 7 * 24 * time.Hour
	// drillAgain is how long after one that failed another is made.
	drillAgain = drillDue / 24
	// markEvery is how often the time is marked in the log, by which a drill sees
	// how much would have been lost.
	markEvery = time.Minute
	// settled is how long marks must have been made before the first drill: the
	// archive of the log has one then.
	settled = 5 * time.Minute
)

// Drilled is a drill that has ended.
type Drilled struct {
	At          time.Time `json:"at"`
	RestoredMS  int64     `json:"restored_ms"`  // until what was restored could be asked
	LossSeconds int64     `json:"loss_seconds"` // that would have been lost
	Stacks      int       `json:"stacks"`       // whose books balance
	Fault       string    `json:"fault,omitempty"`
}

// Drills prove a server's backups where no control plane reaches it: on an
// operator's own machine. The last one is known also after a start.
type Drills struct {
	archive *Archive
	file    string
	now     func() time.Time
	log     *slog.Logger
	since   time.Time // when the first mark was made by this process; zero: none yet

	mu   sync.Mutex
	last *Drilled
}

// NewDrills makes drills of an archive; Keep sets them to work. What the last
// one came to is kept in a file. now is wall time.
func NewDrills(archive *Archive, file string, now func() time.Time, log *slog.Logger) *Drills {
	d := &Drills{archive: archive, file: file, now: now, log: log}
	var last Drilled
	if text, err := os.ReadFile(file); err == nil && json.Unmarshal(text, &last) == nil {
		d.last = &last
	}
	return d
}

// Last is the newest drill that has ended; nil if none has.
func (d *Drills) Last() *Drilled {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// Keep drills when it is due until ctx ends.
func (d *Drills) Keep(ctx context.Context) {
	for ctx.Err() == nil {
		if err := d.Once(ctx); err != nil && ctx.Err() == nil {
			d.log.Error("drill not looked after", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(markEvery):
		}
	}
}

// Once marks the time, and drills if a drill is due: a week after the last, hours
// after one that failed. Without a backup there is nothing to drill.
func (d *Drills) Once(ctx context.Context) error {
	if err := d.archive.mark(ctx); err != nil {
		return fmt.Errorf("mark the time: %w", err)
	}
	now := d.now()
	if d.since.IsZero() {
		d.since = now
	}
	every := drillDue
	if last := d.Last(); last != nil {
		if last.Fault != "" {
			every = drillAgain
		}
		if now.Sub(last.At) < every {
			return nil
		}
	}
	if now.Sub(d.since) < settled {
		return nil
	}
	info, err := d.archive.Rest.Info(ctx)
	if err != nil || len(info.Backups) == 0 {
		return err
	}
	return d.drill(ctx, now, info.Backups[len(info.Backups)-1].SizeBytes)
}

// drill restores, checks and writes down what it came to. One that was cut off
// by the end of the process is none.
func (d *Drills) drill(ctx context.Context, at time.Time, size int64) error {
	done := Drilled{At: at.UTC()}
	err := d.room(size)
	if err == nil {
		var result map[string]any
		result, err = d.archive.Drill(ctx, func(string) error { return ctx.Err() })
		done.RestoredMS, _ = result["restored_ms"].(int64)
		done.LossSeconds, _ = result["loss_seconds"].(int64)
		done.Stacks, _ = result["stacks"].(int)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		done.Fault = provisioning.ReasonOf(err)
		d.log.Error("drill failed", "error", err)
	} else {
		d.log.Info("drill done", "stacks", done.Stacks, "restored_ms", done.RestoredMS)
	}
	d.mu.Lock()
	d.last = &done
	d.mu.Unlock()
	text, err := json.Marshal(done)
	if err != nil {
		return err
	}
	fresh := d.file + ".new"
	if err := errors.Join(os.MkdirAll(filepath.Dir(d.file), 0o700), os.WriteFile(fresh, text, 0o600)); err != nil {
		return fmt.Errorf("write down a drill: %w", err)
	}
	return os.Rename(fresh, d.file)
}

// errRoom means that a side cluster would fill the disk.
var errRoom = errors.New("not enough room for a side cluster")

// room refuses a drill that would leave the running server too little: a tenth of
// its size beside the side cluster, and a gigabyte.
func (d *Drills) room(size int64) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(d.archive.Side, &fs); err != nil {
		return fmt.Errorf("measure the disk of %s: %w", d.archive.Side, err)
	}
	free, want := int64(fs.Bavail)*fs.Bsize, size+size/10+1<<30 //nolint:gosec // no file system is that large
	if free < want {
		return provisioning.Because(fmt.Sprintf("There is not enough room for a drill beside the database: %d MB are free, %d MB are needed.", free>>20, want>>20), errRoom)
	}
	return nil
}
