package usage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/tenant"
)

// Gate lets each use through once. It is safe for concurrent use.
type Gate struct{ hashKey []byte }

// NewGate takes the tenant's usage-hash key, 16 to 64 bytes. It must be the
// same one for ever.
func NewGate(hashKey []byte) (*Gate, error) {
	if _, err := newHasher(hashKey); err != nil {
		return nil, err
	}
	return &Gate{bytes.Clone(hashKey)}, nil
}

// Outcome is what the gate found.
type Outcome uint8

// The outcomes. After Accepted and Overlapping the key is taken; after the
// others nothing has changed.
const (
	Accepted    Outcome = iota + 1
	Duplicate           // accepted before, word for word
	Conflicting         // the id was accepted before with another body
	Overlapping         // no id, and another file of the source had the same line: to be held
)

func (o Outcome) String() string {
	return [...]string{"", "accepted", "duplicate", "conflict", "overlap"}[o]
}

// Admission is the answer for one record.
type Admission struct {
	Outcome   Outcome
	OtherFile uuid.UUID // Overlapping: the file that had the line first
}

// Problem is why a record is held after the gate, or nil if it may go on (or is
// a mere repeat). One that overlaps is Keyed in suspense, a conflict is not.
func (a Admission) Problem() *Problem {
	switch a.Outcome {
	case Conflicting:
		return &Problem{"key", KeyConflict, "this id was accepted before with other contents", "the same contents, or another id"}
	case Overlapping:
		return &Problem{"", Overlap, "file " + a.OtherFile.String() + " of this source holds the same line", "a line that came in no other file"}
	}
	return nil
}

// ErrRace means that another transaction took one of the keys or sessions at
// the same time. The transaction is lost; run the whole chunk again.
var ErrRace = errors.New("another transaction took the same usage at the same time")

// Accept takes the keys of records for ever and says, in their order, which
// are new. file is uuid.Nil for the API. It costs one query and one COPY,
// whatever the number of records (two each where the source gives no ids).
func (g *Gate) Accept(ctx context.Context, tx tenant.Tx, source, file uuid.UUID, records []Record) ([]Admission, error) {
	if len(records) == 0 {
		return nil, nil
	}
	b, err := g.newBatch(source, records)
	if err != nil {
		return nil, err
	}
	if err := b.loadKeys(ctx, tx); err != nil {
		return nil, err
	}
	if err := b.loadLines(ctx, tx, file); err != nil {
		return nil, err
	}
	admissions := b.decide()
	return admissions, b.store(ctx, tx, file)
}

// gateBatch is one call of Accept.
type gateBatch struct {
	source  uuid.UUID
	records []Record
	keys    []Hash
	bodies  []Hash
	known   map[Hash]Hash      // key to body
	lines   map[Hash]uuid.UUID // keyless body to the file that had it first
	fresh   []int              // records whose keys are to be stored
}

func (g *Gate) newBatch(source uuid.UUID, records []Record) (*gateBatch, error) {
	h, err := newHasher(g.hashKey)
	if err != nil {
		return nil, err
	}
	b := &gateBatch{source: source, records: records,
		keys: make([]Hash, len(records)), bodies: make([]Hash, len(records)),
		known: make(map[Hash]Hash, len(records))}
	for i := range records {
		b.keys[i] = h.key(source, records[i].Key)
		b.bodies[i] = h.body(&records[i])
	}
	return b, nil
}

// views hands hashes to the driver without copying them.
func views(hashes []Hash) [][]byte {
	out := make([][]byte, len(hashes))
	for i := range hashes {
		out[i] = hashes[i][:]
	}
	return out
}

// planned has PostgreSQL plan a statement for the values at hand. A prepared
// one may keep a plan that was made while its table was empty, and would then
// compare every row with every hash: a connection that serves a second tenant
// makes such plans anew, on whatever that tenant has.
const planned = pgx.QueryExecModeCacheDescribe

// The primary key serves this: one probe per hash.
const selectKeys = `select key, body from usage_key where source_id = $1 and key = any($2)`

func (b *gateBatch) loadKeys(ctx context.Context, tx tenant.Tx) error {
	rows, err := tx.Query(ctx, selectKeys, planned, b.source, views(b.keys))
	if err != nil {
		return fmt.Errorf("look up usage keys: %w", err)
	}
	var key, body pgtype.DriverBytes
	_, err = pgx.ForEachRow(rows, []any{&key, &body}, func() error {
		b.known[Hash(key)] = Hash(body)
		return nil
	})
	if err != nil {
		return fmt.Errorf("look up usage keys: %w", err)
	}
	return nil
}

// The primary key begins with these columns.
const selectLines = `
	select distinct on (body) body, file_id
	from usage_line
	where source_id = $1 and body = any($2) and file_id <> $3
	order by body, file_id`

func (b *gateBatch) loadLines(ctx context.Context, tx tenant.Tx, file uuid.UUID) error {
	var bodies []Hash
	for i := range b.records {
		if b.records[i].Keyless {
			bodies = append(bodies, b.bodies[i])
		}
	}
	if len(bodies) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, selectLines, planned, b.source, views(bodies), file)
	if err != nil {
		return fmt.Errorf("look up usage lines: %w", err)
	}
	b.lines = map[Hash]uuid.UUID{}
	var body pgtype.DriverBytes
	var first uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&body, &first}, func() error {
		b.lines[Hash(body)] = first
		return nil
	})
	if err != nil {
		return fmt.Errorf("look up usage lines: %w", err)
	}
	return nil
}

// decide goes in order, so that of two in one batch the first is the original.
func (b *gateBatch) decide() []Admission {
	admissions := make([]Admission, len(b.records))
	for i := range b.records {
		body, taken := b.known[b.keys[i]]
		switch {
		case taken && body == b.bodies[i]:
			admissions[i].Outcome = Duplicate
			continue
		case taken:
			admissions[i].Outcome = Conflicting
			continue
		}
		admissions[i].Outcome = Accepted
		if first, seen := b.lines[b.bodies[i]]; seen && b.records[i].Keyless {
			admissions[i] = Admission{Overlapping, first}
		}
		b.known[b.keys[i]] = b.bodies[i]
		b.fresh = append(b.fresh, i)
	}
	return admissions
}

// store writes what is new. Keys go in their own order: neighbours then share
// pages of the index, which random ones otherwise touch one by one.
func (b *gateBatch) store(ctx context.Context, tx tenant.Tx, file uuid.UUID) error {
	if len(b.fresh) == 0 {
		return nil
	}
	slices.SortFunc(b.fresh, func(i, j int) int { return bytes.Compare(b.keys[i][:], b.keys[j][:]) })
	rows := tenant.NewCopy("usage_key", keyColumns, len(b.fresh)*keyBytes)
	for _, i := range b.fresh {
		rows.Row()
		rows.UUID(b.source)
		rows.Bytes(b.keys[i][:])
		rows.Bytes(b.bodies[i][:])
	}
	if err := Race(rows.Write(ctx, tx)); err != nil || b.lines == nil {
		return err
	}
	return b.storeLines(ctx, tx, file)
}

var keyColumns = []string{"source_id", "key", "body"}

func (b *gateBatch) storeLines(ctx context.Context, tx tenant.Tx, file uuid.UUID) error {
	keyless := slices.DeleteFunc(slices.Clone(b.fresh), func(i int) bool { return !b.records[i].Keyless })
	columns := []string{"source_id", "body", "file_id", "line"}
	return copyRows(ctx, tx, "usage_line", columns, len(keyless), func(n int) []any {
		i := keyless[n]
		return []any{b.source, b.bodies[i][:], file, b.records[i].Line}
	})
}

// copyRows writes n rows by COPY, the fastest way there is. A key that is
// already there came from a transaction beside this one: ErrRace.
func copyRows(ctx context.Context, tx tenant.Tx, table string, columns []string, n int, row func(int) []any) error {
	next := pgx.CopyFromSlice(n, func(i int) ([]any, error) { return row(i), nil })
	written, err := tx.CopyFrom(ctx, pgx.Identifier{table}, columns, next)
	if err != nil {
		return fmt.Errorf("write %s: %w", table, Race(err))
	}
	if written != int64(n) {
		return fmt.Errorf("write %s: %d of %d rows written", table, written, n)
	}
	return nil
}

// Race names a key that is there already ErrRace: it came from a transaction
// beside this one. Other errors come back as they are.
func Race(err error) error {
	if pg, is := errors.AsType[*pgconn.PgError](err); is && pg.Code == "23505" {
		return fmt.Errorf("%w: %s", ErrRace, pg.TableName)
	}
	return err
}
