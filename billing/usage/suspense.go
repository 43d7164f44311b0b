package usage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// SuspenseState is whether something still waits.
type SuspenseState string

// The states of a suspended item; the moves are in the package's doc.
const (
	Waiting   SuspenseState = "waiting"
	Resolved  SuspenseState = "resolved"
	Discarded SuspenseState = "discarded"
)

// Suspended is something that could not be priced, with its reason.
type Suspended struct {
	ID         uuid.UUID
	Source     uuid.UUID
	File       uuid.UUID // uuid.Nil by API
	Line       int64
	Reason     Reason
	Field      string
	Detail     string // what was wrong, and what is wanted
	Raw        string // the line as it came, at most RawBytes of it
	Record     *Record
	Keyed      bool // its key is accepted: it must not go through the gate again
	State      SuspenseState
	Attempts   int
	CreatedAt  time.Time
	ResolvedAt *time.Time
	Resolution string
}

// Hold makes a suspended item of what a reader found.
func Hold(source, file uuid.UUID, item *Item, p *Problem) Suspended {
	s := Suspended{Source: source, File: file, Line: item.Line, Raw: item.Raw}
	if item.Record != nil {
		r := *item.Record
		s.Record = &r
	}
	return s.For(p)
}

// For gives the item a reason to wait.
func (s Suspended) For(p *Problem) Suspended {
	s.Reason, s.Field, s.Detail = p.Code, p.Field, p.Reason
	if p.Want != "" {
		s.Detail += "; wanted: " + p.Want
	}
	return s
}

var (
	// ErrNoSuspended means that there is no such item.
	ErrNoSuspended = errors.New("no such item in suspense")
	// ErrNotWaiting means that an item was resolved or discarded before.
	ErrNotWaiting = errors.New("the item does not wait any more")
	// ErrUnknownReason means that a reason is not in the closed list.
	ErrUnknownReason = errors.New("not a reason for suspense")
)

// held is what the record column keeps.
type held struct {
	Keyed  bool    `json:"keyed"`
	Record *Record `json:"record"`
}

func (s *Suspended) document() ([]byte, error) {
	if s.Record == nil {
		return nil, nil
	}
	return json.Marshal(held{s.Keyed, s.Record})
}

var suspenseColumns = []string{"id", "source_id", "file_id", "line", "reason", "field", "detail", "raw", "record",
	"state", "attempts", "created_at"}

// Suspend keeps items until a person or a change elsewhere resolves them. It
// fills in their ids.
func Suspend(ctx context.Context, tx tenant.Tx, items []Suspended) error {
	if len(items) == 0 {
		return nil
	}
	documents := make([][]byte, len(items))
	for i := range items {
		if _, known := Describe(items[i].Reason); !known {
			return fmt.Errorf("%w: %q", ErrUnknownReason, items[i].Reason)
		}
		var err error
		if documents[i], err = items[i].document(); err != nil {
			return fmt.Errorf("suspend line %d: %w", items[i].Line, err)
		}
		items[i].ID = uuid.Must(uuid.NewV7())
		items[i].State, items[i].Attempts, items[i].CreatedAt = Waiting, 1, tx.At
	}
	return copyRows(ctx, tx, "suspense", suspenseColumns, len(items), func(i int) []any {
		s := &items[i]
		return []any{id(s.ID), id(s.Source), optional(s.File), s.Line, string(s.Reason), s.Field, storable(s.Detail),
			storable(s.Raw), documents[i], string(s.State), int32(1), s.CreatedAt}
	})
}

const selectSuspended = `
	select id, source_id, file_id, line, reason, field, detail, raw, record, state, attempts, created_at, resolved_at, resolution
	from suspense `

// Search narrows a list of suspended items; zero values do not.
type Search struct {
	State  SuspenseState
	Reason Reason
	File   uuid.UUID
	Source uuid.UUID
	// Identity is whom the record names, such as a number; items that could not
	// be read have none.
	Identity string
}

// ListSuspended returns a page of items, the latest first, and where the next
// page begins. suspense_waiting serves the usual question, what waits.
func ListSuspended(ctx context.Context, tx tenant.Tx, s Search, after Cursor, limit int) ([]Suspended, Cursor, error) {
	query := selectSuspended + `
		where ($1::timestamptz is null or (created_at, id) < ($1, $2))
		  and ($4 = '' or reason = $4) and ($5::uuid is null or file_id = $5) and ($6::uuid is null or source_id = $6)
		  and ($8 = '' or record -> 'record' -> 'identity' ->> 'value' = $8)`
	if s.State == Waiting {
		query += ` and state = 'waiting' and $7 <> ''` // written out: the partial index needs it
	} else {
		query += ` and ($7 = '' or state = $7)`
	}
	rows, err := tx.Query(ctx, query+` order by created_at desc, id desc limit $3`, after.at(), after.ID, pageSize(limit)+1,
		string(s.Reason), optional(s.File), optional(s.Source), string(s.State), s.Identity)
	if err != nil {
		return nil, Cursor{}, fmt.Errorf("list suspense: %w", err)
	}
	items, err := pgx.CollectRows(rows, scanSuspended)
	if err != nil {
		return nil, Cursor{}, fmt.Errorf("list suspense: %w", err)
	}
	page, next := cutPage(items, limit, func(i Suspended) Cursor { return Cursor{i.CreatedAt, i.ID} })
	return page, next, nil
}

// GetSuspended finds an item, or returns ErrNoSuspended.
func GetSuspended(ctx context.Context, tx tenant.Tx, item uuid.UUID) (Suspended, error) {
	return oneSuspended(ctx, tx, selectSuspended+`where id = $1`, item)
}

func oneSuspended(ctx context.Context, tx tenant.Tx, query string, item uuid.UUID) (Suspended, error) {
	rows, err := tx.Query(ctx, query, item)
	if err != nil {
		return Suspended{}, fmt.Errorf("load suspended item: %w", err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, scanSuspended)
	if errors.Is(err, pgx.ErrNoRows) {
		return Suspended{}, ErrNoSuspended
	}
	if err != nil {
		return Suspended{}, fmt.Errorf("load suspended item %s: %w", item, err)
	}
	return s, nil
}

// CountWaiting says how many items wait for each reason.
func CountWaiting(ctx context.Context, tx tenant.Tx) (map[Reason]int64, error) {
	rows, err := tx.Query(ctx, `select reason, count(*) from suspense where state = 'waiting' group by reason`)
	if err != nil {
		return nil, fmt.Errorf("count suspense: %w", err)
	}
	counts := map[Reason]int64{}
	var reason string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&reason, &n}, func() error {
		counts[Reason(reason)] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count suspense: %w", err)
	}
	return counts, nil
}

// WhyWaiting says how many of the given items wait, for each reason.
func WhyWaiting(ctx context.Context, tx tenant.Tx, ids []uuid.UUID) (map[Reason]int64, error) {
	rows, err := tx.Query(ctx, `select reason, count(*) from suspense where id = any($1) and state = 'waiting' group by reason`, ids)
	if err != nil {
		return nil, fmt.Errorf("ask why items wait: %w", err)
	}
	counts := map[Reason]int64{}
	var reason Reason
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&reason, &n}, func() error {
		counts[reason] = n
		return nil
	})
	return counts, err
}

func scanSuspended(row pgx.CollectableRow) (Suspended, error) {
	var s Suspended
	var file *uuid.UUID
	var document []byte
	err := row.Scan(&s.ID, &s.Source, &file, &s.Line, &s.Reason, &s.Field, &s.Detail, &s.Raw, &document,
		&s.State, &s.Attempts, &s.CreatedAt, &s.ResolvedAt, &s.Resolution)
	if err != nil {
		return Suspended{}, err
	}
	if file != nil {
		s.File = *file
	}
	s.CreatedAt = s.CreatedAt.UTC()
	if document != nil {
		var h held
		if err := json.Unmarshal(document, &h); err != nil {
			return Suspended{}, err
		}
		s.Record, s.Keyed = h.Record, h.Keyed
	}
	return s, nil
}
