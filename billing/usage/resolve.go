package usage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/tenant"
)

// Fix corrects a waiting item: its raw line, or fields of its record.
type Fix struct {
	Raw   *string         // the whole line or stanza as it should be
	Patch json.RawMessage // an object of the record's fields as they should be
}

var (
	// ErrFix means that a fix has neither or both of a line and a patch, or
	// patches an item that could not be read.
	ErrFix = errors.New("a fix is either the corrected line, or fields of an item that could be read")
	// ErrKeyTaken means that a fix would give another id to use that was
	// accepted under its own.
	ErrKeyTaken = errors.New("this use was accepted under its id, which cannot change any more")
)

// FixSuspended corrects an item; it waits until it is run again. What is still
// wrong comes back as a *Problem and nothing is changed.
func FixSuspended(ctx context.Context, tx tenant.Tx, item uuid.UUID, fix Fix) (Suspended, error) {
	if (fix.Raw == nil) == (fix.Patch == nil) {
		return Suspended{}, ErrFix
	}
	s, err := oneSuspended(ctx, tx, selectSuspended+`where id = $1 for update`, item)
	if err != nil {
		return Suspended{}, err
	}
	if s.State != Waiting {
		return Suspended{}, ErrNotWaiting
	}
	feed, err := GetSource(ctx, tx, s.Source)
	if err != nil {
		return Suspended{}, err
	}
	old := s.Record
	if err := s.fix(ctx, tx, feed.Mapping, fix); err != nil {
		return Suspended{}, err
	}
	if s.Keyed && s.Record.Key != old.Key {
		return Suspended{}, ErrKeyTaken
	}
	return s, keep(ctx, tx, []Suspended{s}, 0)
}

func (s *Suspended) fix(ctx context.Context, tx tenant.Tx, m Mapping, fix Fix) error {
	if fix.Raw != nil {
		return s.fixRaw(ctx, tx, m, *fix.Raw)
	}
	if s.Record == nil {
		return ErrFix
	}
	fixed := *s.Record
	fixed.Counter = nil // a patch must not write through to the original
	if s.Record.Amount != nil {
		own := *s.Record.Amount
		fixed.Amount = &own
	}
	dec := json.NewDecoder(bytes.NewReader(fix.Patch))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&fixed); err != nil {
		return &Problem{"", BadStructure, "the patch is not of a record: " + clip(err.Error()), "an object of a record's fields"}
	}
	// What the reader and the counters decided is not for people to set.
	fixed.Line, fixed.Keyless, fixed.Content = s.Record.Line, s.Record.Keyless, s.Record.Content
	fixed.Counter, fixed.Counted = s.Record.Counter, s.Record.Counted
	fixed.Start, fixed.End = utc(fixed.Start.UnixMicro()), utc(fixed.End.UnixMicro())
	if p := fixed.check(); p != nil {
		return p
	}
	moved := !fixed.Start.Equal(s.Record.Start) || !fixed.End.Equal(s.Record.End)
	if moved || s.aboutTime() {
		if p := newWindow(tx.At, m.maxAge()).check(&fixed); p != nil {
			return p
		}
	}
	s.Record = &fixed
	return nil
}

// aboutTime says whether the item waits for its date. Others were in time when
// they came, however long they have waited since.
func (s *Suspended) aboutTime() bool { return s.Reason == TooOld || s.Reason == InFuture }

func (s *Suspended) fixRaw(ctx context.Context, tx tenant.Tx, m Mapping, raw string) error {
	if len(raw) > RawBytes {
		return &Problem{"raw", LineTooLong, "the line is longer than 4,096 bytes", "a shorter line"}
	}
	if s.Record != nil && s.Record.Counted {
		return &Problem{"raw", CounterWentBack, "the counters of this record are in its session already", "a patch of the other fields"}
	}
	r, p, err := s.reread(ctx, tx, m, raw)
	if err != nil {
		return err
	}
	if p != nil {
		return p
	}
	s.Raw, s.Record = raw, r
	return nil
}

// check is what every reader makes sure of.
func (r *Record) check() *Problem {
	e := Event{ID: r.Key, Kind: r.Kind, Identity: r.Identity, Quantity: &r.Quantity, Unit: r.Unit,
		Destination: r.Destination, Origin: r.Origin, Quality: r.Quality}
	if r.Amount != nil {
		e.Amount = r.Amount.String()
	}
	if _, p := amount(e.Amount); p != nil {
		return p
	}
	if p := e.checkText(); p != nil {
		return p
	}
	if p := e.checkMeasure(); p != nil {
		return p
	}
	if r.End.Before(r.Start) {
		return &Problem{"end", EndBeforeStart, "ends before it begins", "an end at or after the start"}
	}
	return nil
}

// reread reads one line, stanza or object again, as if it stood in its file.
func (s *Suspended) reread(ctx context.Context, tx tenant.Tx, m Mapping, raw string) (*Record, *Problem, error) {
	// An offset above zero says that the header is behind us.
	in := Input{From: Position{Offset: 1, Line: max(s.Line, 1) - 1}, At: tx.At}
	if m.Keyless() && s.File != uuid.Nil {
		file, err := GetFile(ctx, tx, s.File)
		if err != nil {
			return nil, nil, err
		}
		in.Digest = file.Digest
	}
	var found *Record
	var problem *Problem
	items := 0
	err := m.Read(strings.NewReader(strings.TrimRight(raw, "\r\n")+"\n\n"), in, func(i *Item) error {
		if i.Skipped && i.Raw == "" {
			return nil // the empty line that closes a stanza
		}
		items++
		if problem = i.Problem; i.Record != nil {
			r := *i.Record
			found = &r
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read corrected line: %w", err)
	}
	if problem == nil && (items != 1 || found == nil) {
		problem = &Problem{"raw", BadStructure, fmt.Sprintf("the text holds %d uses", items),
			"exactly one line, stanza or object that counts as use"}
	}
	return found, problem, nil
}

// Take locks waiting items to run them again, in the order in which they came.
// An item that could not be read is read by the mapping as it is now. The
// Problem of an item says that it is no better than before: keep it waiting.
// Others have a Record, to go on with where it stopped: through the gate unless
// Keyed, through ApplyCounters, and on. Each must then be passed to
// MarkResolved or KeepWaiting. Unknown ids and items that no longer wait are
// left out.
func Take(ctx context.Context, tx tenant.Tx, ids []uuid.UUID) ([]Taken, error) {
	rows, err := tx.Query(ctx, selectSuspended+`where id = any($1) and state = 'waiting' order by id for update`, ids)
	if err != nil {
		return nil, fmt.Errorf("take suspended items: %w", err)
	}
	items, err := pgx.CollectRows(rows, scanSuspended)
	if err != nil {
		return nil, fmt.Errorf("take suspended items: %w", err)
	}
	mappings := map[uuid.UUID]Mapping{}
	taken := make([]Taken, len(items))
	for i, s := range items {
		m, known := mappings[s.Source]
		if !known {
			feed, err := GetSource(ctx, tx, s.Source)
			if err != nil {
				return nil, err
			}
			m = feed.Mapping
			mappings[s.Source] = m
		}
		if taken[i], err = s.retake(ctx, tx, m); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

// Taken is a suspended item on its way to be run again.
type Taken struct {
	Suspended
	Problem *Problem
}

func (s Suspended) retake(ctx context.Context, tx tenant.Tx, m Mapping) (Taken, error) {
	switch {
	case s.Record != nil && s.aboutTime():
		return Taken{s, newWindow(tx.At, m.maxAge()).check(s.Record)}, nil
	case s.Record != nil:
		return Taken{s, nil}, nil
	case s.Reason == UnfinishedLine:
		// Reading would add the break that is missing: only a person can say that it is whole.
		return Taken{s, &Problem{"", UnfinishedLine, "nobody has confirmed that the line is whole", "the corrected line, by a fix"}}, nil
	}
	r, p, err := s.reread(ctx, tx, m, s.Raw)
	s.Record = r
	return Taken{s, p}, err
}

// MarkResolved ends items that went through. how is for people: "charged", or
// what else became of them.
func MarkResolved(ctx context.Context, tx tenant.Tx, ids []uuid.UUID, how string) error {
	return settle(ctx, tx, ids, Resolved, how)
}

// Discard gives items up, with a reason that is kept with them.
func Discard(ctx context.Context, tx tenant.Tx, ids []uuid.UUID, why string) error {
	if strings.TrimSpace(why) == "" {
		return ErrNoReason
	}
	return settle(ctx, tx, ids, Discarded, why)
}

// ErrNoReason means that items were to be discarded without saying why.
var ErrNoReason = errors.New("discarding needs a reason")

const settleSuspended = `
	update suspense set state = $2, resolution = $3, resolved_at = $4
	where id = any($1) and state = 'waiting'`

func settle(ctx context.Context, tx tenant.Tx, ids []uuid.UUID, state SuspenseState, words string) error {
	tag, err := tx.Exec(ctx, settleSuspended, ids, string(state), storable(words), tx.At)
	if err != nil {
		return fmt.Errorf("settle suspended items: %w", err)
	}
	if tag.RowsAffected() != int64(len(ids)) {
		return ErrNotWaiting
	}
	return nil
}

// KeepWaiting puts items back with the reason they now have (see For) and what
// is now known of them: their record, and whether its key is taken.
func KeepWaiting(ctx context.Context, tx tenant.Tx, items []Suspended) error {
	return keep(ctx, tx, items, 1)
}

const keepSuspended = `
	update suspense set reason = $2, field = $3, detail = $4, raw = $5, record = $6, attempts = attempts + $7
	where id = $1 and state = 'waiting'`

func keep(ctx context.Context, tx tenant.Tx, items []Suspended, attempts int) error {
	var batch pgx.Batch
	for i := range items {
		s := &items[i]
		if _, known := Describe(s.Reason); !known {
			return fmt.Errorf("%w: %q", ErrUnknownReason, s.Reason)
		}
		document, err := s.document()
		if err != nil {
			return fmt.Errorf("keep item %s: %w", s.ID, err)
		}
		batch.Queue(keepSuspended, s.ID, string(s.Reason), s.Field, storable(s.Detail), storable(s.Raw), document, attempts).
			Exec(oneRow)
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("keep suspended items: %w", err)
	}
	return nil
}

func oneRow(tag pgconn.CommandTag) error {
	if tag.RowsAffected() != 1 {
		return ErrNotWaiting
	}
	return nil
}
