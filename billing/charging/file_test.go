package charging_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

var switchMapping = usage.Mapping{
	Format: usage.Delimited, Zone: "Europe/Berlin", IdentityKind: usage.MSISDN, Unit: money.Second,
	Text: &usage.Text{Delimiter: ";", Columns: []string{"id", "msisdn", "start", "seconds", "to"}},
	Fields: &usage.Fields{
		Key: []string{"id"}, Identity: usage.Source{Columns: []string{"msisdn"}}, Start: usage.Source{Columns: []string{"start"}},
		TimeLayout: "2006-01-02 15:04:05", Quantity: usage.Source{Columns: []string{"seconds"}},
		Kind: usage.Source{Constant: "voice"}, Destination: usage.Source{Columns: []string{"to"}},
	},
}

// calls writes n calls of 60 s, one a second, by customers in turn.
func calls(w *world, n, customers int) []byte {
	var text bytes.Buffer
	for i := range n {
		at := w.noon(2).Add(time.Duration(i) * time.Second).In(w.Zone).Format("2006-01-02 15:04:05")
		fmt.Fprintf(&text, "call-%08d;%s;%s;60;+4930%07d\n", i, msisdn(i%customers), at, i%9973)
	}
	return text.Bytes()
}

// register takes a file in and gives its job.
func (w *world) register(name string, content []byte) charging.FileJob {
	w.t.Helper()
	w.SetClock(w.t, w.noon(20)) // the calls lie behind
	var file usage.File
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		feed, err := usage.FindSource(ctx, tx, "files")
		if errors.Is(err, usage.ErrNoSource) {
			feed, err = usage.CreateSource(ctx, tx, "files", switchMapping)
		}
		if err != nil {
			return err
		}
		file, _, err = usage.RegisterFile(ctx, tx, feed.ID, name, sha256.Sum256(content), int64(len(content)))
		return err
	})
	return charging.FileJob{File: file.ID, Open: func(offset int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content[offset:])), nil
	}}
}

func (w *world) transact(ctx context.Context, fn func(ctx context.Context, tx tenant.Tx) error) error {
	return w.DB.Write(ctx, w.Ref, fn)
}

func (w *world) file(id uuid.UUID) usage.File {
	w.t.Helper()
	var file usage.File
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		file, err = usage.GetFile(ctx, tx, id)
		return err
	})
	return file
}

func TestIngestFile_goodLinesCountBadOnesWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postpaidPlan)
	w.customers("talk", account.Postpaid, 0, 7)
	content := calls(w, 12_000, 7)
	content = append(content, "bad;+4915100000000;2026-05-02 12:00:00;-5;+4930\nnobody;+49;2026-05-02 12:00:00;60;+4930\n"...)
	content = append(content, calls(w, 1, 7)...)
	job := w.register("calls.csv", content)
	var reported usage.Counts
	job.Progress = func(_ usage.Position, chunk usage.Counts) { reported.Accepted += chunk.Accepted }
	if err := w.engine.IngestFile(t.Context(), w.transact, job); err != nil {
		t.Fatal(err)
	}
	file := w.file(job.File)
	want := usage.Counts{Accepted: 12_000, Duplicates: 1, Suspended: 2}
	if file.State != usage.Done || file.Counts != want || file.Read.Line != 12_003 || reported.Accepted != 12_000 {
		t.Errorf("file %+v, %d reported", file, reported.Accepted)
	}
	if err := w.engine.IngestFile(t.Context(), w.transact, job); !errors.Is(err, usage.ErrFileDone) {
		t.Errorf("%v, want %v", err, usage.ErrFileDone)
	}
	w.wantSums(map[string]string{"unbilled EUR": "1008.403356"})
}

func TestIngestFile_cutOffAnywhereLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postpaidPlan)
	w.customers("talk", account.Postpaid, 0, 5)
	job := w.register("calls.csv", calls(w, 22_000, 5))
	killed := errors.New("killed")
	for attempt := range 8 {
		transactions := 0
		transact := func(ctx context.Context, fn func(ctx context.Context, tx tenant.Tx) error) error {
			transactions++
			dies := transactions == 2+attempt%2
			err := w.transact(ctx, func(ctx context.Context, tx tenant.Tx) error {
				if err := fn(ctx, tx); err != nil || !dies || attempt%3 != 0 {
					return err
				}
				return killed // before its commit
			})
			if err == nil && dies {
				return killed // after its commit: the answer is lost
			}
			return err
		}
		err := w.engine.IngestFile(t.Context(), transact, job)
		if err == nil || errors.Is(err, usage.ErrFileDone) {
			break
		}
		if !errors.Is(err, killed) {
			t.Fatal(err)
		}
	}
	file := w.file(job.File)
	if file.State != usage.Done || file.Counts.Accepted != 22_000 || file.Counts.Duplicates != 0 {
		t.Errorf("file %+v", file)
	}
	w.wantSums(map[string]string{"unbilled EUR": "1848.739486"})
}

func TestIngestFile_twoEnginesChargeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postpaidPlan)
	w.customers("talk", account.Postpaid, 0, 5)
	content := calls(w, 11_000, 5)
	jobs := []charging.FileJob{w.register("a.csv", content), w.register("b.csv", content), w.register("c.csv", append(bytes.Clone(content), '\n'))}
	var running sync.WaitGroup
	for _, job := range jobs { // the first two are one file; the third has the same calls
		running.Add(1)
		go func() {
			defer running.Done()
			engine := charging.NewEngine(newGate)
			if err := engine.IngestFile(t.Context(), w.transact, job); err != nil && !errors.Is(err, usage.ErrFileMoved) && !errors.Is(err, usage.ErrFileDone) {
				t.Error(err)
			}
		}()
	}
	running.Wait()
	w.wantSums(map[string]string{"unbilled EUR": "924.369743"})
}
