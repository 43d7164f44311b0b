package usage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// FileState is how far a file has come.
type FileState string

// The states of a file; the moves are in the package's doc.
const (
	Received FileState = "received"
	Running  FileState = "running"
	Done     FileState = "done"
	Failed   FileState = "failed"
)

// startable lists the states from which reading may begin or go on: a process
// that died left its file running.
var startable = []string{string(Received), string(Running), string(Failed)}

// Counts is what became of a file's items.
type Counts struct {
	Accepted   int64
	Duplicates int64
	Rejected   int64 // refused by API; a file's lines are suspended instead
	Suspended  int64
	Ignored    int64 // left out by a filter, or no usage
}

// File is a usage file as it was sent.
type File struct {
	ID         uuid.UUID
	Source     uuid.UUID
	Name       string
	Digest     Digest
	SizeBytes  int64
	State      FileState
	Read       Position // everything before it is committed
	Counts     Counts
	Overlaps   uuid.UUID // a file that shares lines with it; uuid.Nil if none
	Overlapped int64     // how many lines
	Error      string    // why it failed, for people
	ReceivedAt time.Time
	DoneAt     *time.Time
}

var (
	// ErrNoFile means that there is no such file.
	ErrNoFile = errors.New("no such usage file")
	// ErrFileDone means that a file was read to its end already.
	ErrFileDone = errors.New("the file is done")
	// ErrFileMoved means that another process reads the same file and is
	// further: this one's chunk must be dropped.
	ErrFileMoved = errors.New("another process is reading this file")
)

// The unique index on (source_id, digest) makes the same contents the same file.
const insertFile = `
	insert into usage_file (id, source_id, name, digest, size_bytes, state, received_at)
	values ($1, $2, $3, $4, $5, 'received', $6)
	on conflict (source_id, digest) do nothing`

// RegisterFile takes note of a file before it is read. The same contents from
// the same source, under whatever name, are the same file: it is returned as it
// stands, with repeat true. It waits for a transaction that registers it now.
func RegisterFile(ctx context.Context, tx tenant.Tx, source uuid.UUID, name string, digest Digest, sizeBytes int64) (file File, repeat bool, err error) {
	if _, err := GetSource(ctx, tx, source); err != nil {
		return File{}, false, err
	}
	tag, err := tx.Exec(ctx, insertFile, uuid.Must(uuid.NewV7()), source, storable(boundName(name)), digest[:], sizeBytes, tx.At)
	if err != nil {
		return File{}, false, fmt.Errorf("register file: %w", err)
	}
	file, err = oneFile(ctx, tx, selectFile+`where source_id = $1 and digest = $2`, source, digest[:])
	return file, tag.RowsAffected() == 0, err
}

// boundName keeps the end of an overlong path, which tells most.
func boundName(name string) string { return name[max(0, len(name)-255):] }

// StartFile locks a file for reading on from File.Read, or returns ErrFileDone.
func StartFile(ctx context.Context, tx tenant.Tx, file uuid.UUID) (File, error) {
	tag, err := tx.Exec(ctx, `update usage_file set state = 'running', error = '' where id = $1 and state = any($2)`, file, startable)
	if err != nil {
		return File{}, fmt.Errorf("start file %s: %w", file, err)
	}
	f, err := GetFile(ctx, tx, file)
	if err == nil && tag.RowsAffected() == 0 {
		return f, ErrFileDone
	}
	return f, err
}

// Progress is one committed chunk of a file.
type Progress struct {
	From, To   Position
	Counts     Counts    // of the chunk
	Overlaps   uuid.UUID // uuid.Nil if none
	Overlapped int64
}

// The offset in the condition lets each chunk through once.
const advanceFile = `
	update usage_file
	set offset_bytes = $3, lines = $4, accepted = accepted + $5, duplicates = duplicates + $6,
	    rejected = rejected + $7, suspended = suspended + $8, ignored = ignored + $9,
	    overlap_file_id = coalesce(overlap_file_id, $10), overlap_lines = overlap_lines + $11
	where id = $1 and state = 'running' and offset_bytes = $2`

// AdvanceFile records a chunk in the transaction that accepts it.
func AdvanceFile(ctx context.Context, tx tenant.Tx, file uuid.UUID, p Progress) error {
	c := p.Counts
	tag, err := tx.Exec(ctx, advanceFile, file, p.From.Offset, p.To.Offset, p.To.Line,
		c.Accepted, c.Duplicates, c.Rejected, c.Suspended, c.Ignored, optional(p.Overlaps), p.Overlapped)
	if err != nil {
		return fmt.Errorf("advance file %s: %w", file, err)
	}
	if tag.RowsAffected() != 1 {
		return ErrFileMoved
	}
	return nil
}

// FinishFile ends a file that was read to its end.
func FinishFile(ctx context.Context, tx tenant.Tx, file uuid.UUID) error {
	return closeFile(ctx, tx, file, Done, "")
}

// FailFile stops a file that is not what its mapping says; what was accepted
// stays. reason is for people. It may be started again when that is put right.
func FailFile(ctx context.Context, tx tenant.Tx, file uuid.UUID, reason string) error {
	return closeFile(ctx, tx, file, Failed, storable(reason))
}

func closeFile(ctx context.Context, tx tenant.Tx, file uuid.UUID, state FileState, reason string) error {
	tag, err := tx.Exec(ctx, `update usage_file set state = $2, error = $3, done_at = $4 where id = $1 and state = 'running'`,
		file, string(state), reason, tx.At)
	if err != nil {
		return fmt.Errorf("close file %s: %w", file, err)
	}
	if tag.RowsAffected() != 1 {
		return ErrFileMoved
	}
	return nil
}

const selectFile = `
	select id, source_id, name, digest, size_bytes, state, offset_bytes, lines, accepted, duplicates, rejected,
	       suspended, ignored, overlap_file_id, overlap_lines, error, received_at, done_at
	from usage_file `

// GetFile finds a file, or returns ErrNoFile.
func GetFile(ctx context.Context, tx tenant.Tx, file uuid.UUID) (File, error) {
	return oneFile(ctx, tx, selectFile+`where id = $1`, file)
}

func oneFile(ctx context.Context, tx tenant.Tx, query string, args ...any) (File, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return File{}, fmt.Errorf("load file: %w", err)
	}
	f, err := pgx.CollectExactlyOneRow(rows, scanFile)
	if errors.Is(err, pgx.ErrNoRows) {
		return File{}, ErrNoFile
	}
	if err != nil {
		return File{}, fmt.Errorf("load file: %w", err)
	}
	return f, nil
}

// ListFiles returns a page of files, the latest first, and where the next page
// begins (the zero Cursor after the last). usage_file_received serves it.
func ListFiles(ctx context.Context, tx tenant.Tx, after Cursor, limit int) ([]File, Cursor, error) {
	rows, err := tx.Query(ctx, selectFile+`
		where $1::timestamptz is null or (received_at, id) < ($1, $2)
		order by received_at desc, id desc
		limit $3`, after.at(), after.ID, pageSize(limit)+1)
	if err != nil {
		return nil, Cursor{}, fmt.Errorf("list files: %w", err)
	}
	files, err := pgx.CollectRows(rows, scanFile)
	if err != nil {
		return nil, Cursor{}, fmt.Errorf("list files: %w", err)
	}
	page, next := cutPage(files, limit, func(f File) Cursor { return Cursor{f.ReceivedAt, f.ID} })
	return page, next, nil
}

func scanFile(row pgx.CollectableRow) (File, error) {
	var f File
	var digest []byte
	var overlaps *uuid.UUID
	err := row.Scan(&f.ID, &f.Source, &f.Name, &digest, &f.SizeBytes, &f.State, &f.Read.Offset, &f.Read.Line,
		&f.Counts.Accepted, &f.Counts.Duplicates, &f.Counts.Rejected, &f.Counts.Suspended, &f.Counts.Ignored,
		&overlaps, &f.Overlapped, &f.Error, &f.ReceivedAt, &f.DoneAt)
	copy(f.Digest[:], digest)
	if overlaps != nil {
		f.Overlaps = *overlaps
	}
	f.ReceivedAt = f.ReceivedAt.UTC()
	return f, err
}
