package usage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/tenant"
)

// Feed is a source as stored: a producer with its mapping.
type Feed struct {
	ID        uuid.UUID
	Name      string // lower-case letters, digits and dashes
	Mapping   Mapping
	CreatedAt time.Time
}

var (
	// ErrSourceName means that a source's name is not lower-case letters,
	// digits and dashes, at most 63.
	ErrSourceName = errors.New("a source's name has 1 to 63 lower-case letters, digits and dashes, and begins with no dash")
	// ErrSourceExists means that another source has the name.
	ErrSourceExists = errors.New("a source of this name exists")
	// ErrNoSource means that there is no such source.
	ErrNoSource = errors.New("no such source")
	// ErrKeyChanged means that a mapping would name records in another way,
	// so that everything sent before would count as new.
	ErrKeyChanged = errors.New("a source's format and key columns cannot change; create another source")
)

// CreateSource stores a producer and how to read it.
func CreateSource(ctx context.Context, tx tenant.Tx, name string, m Mapping) (Feed, error) {
	if err := m.Validate(); err != nil {
		return Feed{}, err
	}
	document, err := json.Marshal(m)
	if err != nil {
		return Feed{}, fmt.Errorf("write mapping of %s: %w", name, err)
	}
	f := Feed{ID: uuid.Must(uuid.NewV7()), Name: name, Mapping: m, CreatedAt: tx.At}
	_, err = tx.Exec(ctx, `insert into usage_source (id, name, mapping, created_at) values ($1, $2, $3, $4)`,
		f.ID, f.Name, document, f.CreatedAt)
	pg := (*pgconn.PgError)(nil)
	switch {
	case err == nil:
		return f, nil
	case errors.As(err, &pg) && pg.Code == "23505":
		return Feed{}, fmt.Errorf("%w: %s", ErrSourceExists, name)
	case errors.As(err, &pg) && pg.Code == "23514":
		return Feed{}, fmt.Errorf("%w: %.80q", ErrSourceName, name)
	}
	return Feed{}, fmt.Errorf("create source %s: %w", name, err)
}

// ChangeMapping replaces how a source is read from now on. Items in suspense
// are read by the new mapping when they are run again.
func ChangeMapping(ctx context.Context, tx tenant.Tx, source uuid.UUID, m Mapping) (Feed, error) {
	if err := m.Validate(); err != nil {
		return Feed{}, err
	}
	f, err := GetSource(ctx, tx, source)
	if err != nil {
		return Feed{}, err
	}
	if m.Format != f.Mapping.Format || !slices.Equal(m.keyColumns(), f.Mapping.keyColumns()) {
		return Feed{}, ErrKeyChanged
	}
	document, err := json.Marshal(m)
	if err != nil {
		return Feed{}, fmt.Errorf("write mapping of %s: %w", f.Name, err)
	}
	if _, err := tx.Exec(ctx, `update usage_source set mapping = $2 where id = $1`, source, document); err != nil {
		return Feed{}, fmt.Errorf("change mapping of %s: %w", f.Name, err)
	}
	f.Mapping = m
	return f, nil
}

func (m Mapping) keyColumns() []string {
	if m.Fields == nil {
		return nil
	}
	return m.Fields.Key
}

const selectSource = `select id, name, mapping, created_at from usage_source `

// GetSource finds a source by its id, or returns ErrNoSource.
func GetSource(ctx context.Context, tx tenant.Tx, source uuid.UUID) (Feed, error) {
	return oneSource(ctx, tx, selectSource+`where id = $1`, source)
}

// FindSource finds a source by its name, or returns ErrNoSource.
func FindSource(ctx context.Context, tx tenant.Tx, name string) (Feed, error) {
	return oneSource(ctx, tx, selectSource+`where name = $1`, name)
}

func oneSource(ctx context.Context, tx tenant.Tx, query string, arg any) (Feed, error) {
	rows, err := tx.Query(ctx, query, arg)
	if err != nil {
		return Feed{}, fmt.Errorf("load source: %w", err)
	}
	f, err := pgx.CollectExactlyOneRow(rows, scanSource)
	if errors.Is(err, pgx.ErrNoRows) {
		return Feed{}, ErrNoSource
	}
	if err != nil {
		return Feed{}, fmt.Errorf("load source: %w", err)
	}
	return f, nil
}

// ListSources returns all sources by name; a tenant has a handful.
func ListSources(ctx context.Context, tx tenant.Tx) ([]Feed, error) {
	rows, err := tx.Query(ctx, selectSource+`order by name limit 1000`)
	if err != nil {
		return nil, fmt.Errorf("list sources: %w", err)
	}
	feeds, err := pgx.CollectRows(rows, scanSource)
	if err != nil {
		return nil, fmt.Errorf("list sources: %w", err)
	}
	return feeds, nil
}

func scanSource(row pgx.CollectableRow) (Feed, error) {
	var f Feed
	var document []byte
	if err := row.Scan(&f.ID, &f.Name, &document, &f.CreatedAt); err != nil {
		return Feed{}, err
	}
	f.CreatedAt = f.CreatedAt.UTC()
	return f, json.Unmarshal(document, &f.Mapping)
}
