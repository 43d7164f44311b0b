package charging

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// chunkItems is how much of a file goes through one transaction: enough that
// the commit does not matter, little enough that others wait not long.
const chunkItems = 10_000

// Transact runs fn in a transaction of the tenant and commits it, once or
// again after a lost race.
type Transact func(ctx context.Context, fn func(ctx context.Context, tx tenant.Tx) error) error

// FileJob is a registered usage file to be charged.
type FileJob struct {
	File uuid.UUID
	// Open gives the file's bytes from an offset.
	Open func(offset int64) (io.ReadCloser, error)
	// Progress, if set, is told after each committed chunk.
	Progress func(read usage.Position, chunk usage.Counts)
}

// IngestFile charges a file from where it was left. Each chunk commits with
// the file's new position, so that it may be cut off anywhere and begun again.
// While PostgreSQL works on a chunk the next one is read. usage.ErrFileMoved
// means that another process is at it, usage.ErrFileDone that it is done. A
// file that is not what its mapping says is marked failed, and the error says
// why.
func (e *Engine) IngestFile(ctx context.Context, transact Transact, job FileJob) error {
	var file usage.File
	var feed usage.Feed
	var input usage.Input
	err := transact(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		if file, err = usage.StartFile(ctx, tx, job.File); err != nil {
			return err
		}
		feed, err = usage.GetSource(ctx, tx, file.Source)
		input = usage.Input{From: file.Read, Digest: file.Digest, At: tx.At}
		return err
	})
	if err != nil {
		return err
	}
	err = e.readFile(ctx, transact, job, file, feed.Mapping, input)
	if errors.Is(err, usage.ErrEncoding) || errors.Is(err, usage.ErrHeader) {
		return errors.Join(err, transact(ctx, func(ctx context.Context, tx tenant.Tx) error {
			return usage.FailFile(ctx, tx, file.ID, err.Error())
		}))
	}
	if err != nil {
		return fmt.Errorf("ingest file %s: %w", file.Name, err)
	}
	return transact(ctx, func(ctx context.Context, tx tenant.Tx) error { return usage.FinishFile(ctx, tx, file.ID) })
}

// fileChunk is a run of a file's items.
type fileChunk struct {
	items    []usage.Item
	from, to usage.Position
}

// readFile reads in one goroutine and charges in this one, at most two chunks
// apart. The reader has ended when it returns.
func (e *Engine) readFile(ctx context.Context, transact Transact, job FileJob, file usage.File, mapping usage.Mapping, input usage.Input) error {
	source, err := job.Open(input.From.Offset)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() { _ = source.Close() }() // it was only read
	ctx, stop := context.WithCancel(ctx)
	chunks := make(chan fileChunk, 1)
	done := make(chan error, 1)
	go func() {
		defer close(chunks)
		done <- cut(ctx, source, mapping, input, chunks)
	}()
	for chunk := range chunks {
		if err = e.chargeChunk(ctx, transact, job, file, chunk); err != nil {
			break
		}
	}
	stop()
	for range chunks { // lets the reader see that it is to end
	}
	if read := <-done; err == nil {
		return read
	}
	return err
}

// cut reads a file into chunks. Items and records of a chunk have memory of
// their own.
func cut(ctx context.Context, source io.Reader, mapping usage.Mapping, input usage.Input, to chan<- fileChunk) error {
	next := fileChunk{from: input.From}
	records := make([]usage.Record, 0, chunkItems)
	send := func() error {
		if len(next.items) == 0 {
			return nil
		}
		select {
		case to <- next:
		case <-ctx.Done():
			return ctx.Err()
		}
		next = fileChunk{from: next.to, items: make([]usage.Item, 0, chunkItems)}
		records = make([]usage.Record, 0, chunkItems)
		return nil
	}
	err := mapping.Read(source, input, func(item *usage.Item) error {
		next.items = append(next.items, *item)
		next.to = item.Next
		if item.Record != nil {
			records = append(records, *item.Record)
			next.items[len(next.items)-1].Record = &records[len(records)-1]
		}
		if len(next.items) == chunkItems {
			return send()
		}
		return nil
	})
	// What was read before a fault of the file counts.
	return errors.Join(err, send())
}

// chargeChunk runs one chunk in one transaction. The first try is without
// savepoints, which cost; what it cannot digest is taken apart by Ingest.
func (e *Engine) chargeChunk(ctx context.Context, transact Transact, job FileJob, file usage.File, chunk fileChunk) error {
	batch := Batch{Source: file.Source, File: file.ID, Items: chunk.items}
	var counts usage.Counts
	attempt := func(ingest func(context.Context, tenant.Tx, Batch) ([]Outcome, error)) error {
		return transact(ctx, func(ctx context.Context, tx tenant.Tx) error {
			outcomes, err := ingest(ctx, tx, batch)
			if err != nil {
				return err
			}
			progress := tally(outcomes)
			progress.From, progress.To = chunk.from, chunk.to
			counts = progress.Counts
			return usage.AdvanceFile(ctx, tx, file.ID, progress)
		})
	}
	err := attempt(e.ingestWhole)
	if errors.Is(err, usage.ErrRace) || (err != nil && !errors.Is(err, usage.ErrFileMoved) && blamesContent(err)) {
		err = attempt(e.Ingest)
	}
	if err == nil && job.Progress != nil {
		job.Progress(chunk.to, counts)
	}
	return err
}

// ingestWhole is Ingest for a transaction that holds nothing else and is
// dropped on any error.
func (e *Engine) ingestWhole(ctx context.Context, tx tenant.Tx, batch Batch) ([]Outcome, error) {
	outcomes := make([]Outcome, len(batch.Items))
	r := &run{engine: e, batch: &batch, part: every(len(batch.Items)), outcomes: outcomes}
	return outcomes, safely(func() error { return r.chunk(ctx, tx) })
}

// every lists 0 to n-1.
func every(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func tally(outcomes []Outcome) usage.Progress {
	var p usage.Progress
	for i := range outcomes {
		switch outcomes[i].Status {
		case Accepted:
			p.Counts.Accepted++
		case Duplicate:
			p.Counts.Duplicates++
		case Conflict, Rejected:
			p.Counts.Rejected++
		case Suspended:
			p.Counts.Suspended++
		case Ignored:
			p.Counts.Ignored++
		}
		if outcomes[i].Overlaps != uuid.Nil {
			p.Overlaps = outcomes[i].Overlaps
			p.Overlapped++
		}
	}
	return p
}
