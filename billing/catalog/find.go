package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// one reads a version with its document. The clause is a constant of this
// package, never text from outside.
func one(ctx context.Context, tx tenant.Tx, clause string, args ...any) (Stored, error) {
	var s Stored
	err := tx.QueryRow(ctx, `select `+versionColumns+`, document from offering_version `+clause, args...).
		Scan(append(s.targets(), &s.Offering)...)
	if errors.Is(err, pgx.ErrNoRows) {
		return Stored{}, ErrNotFound
	}
	return s, err
}

// Get returns a version in any state, or ErrNotFound.
func Get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Stored, error) {
	s, err := one(ctx, tx, `where id = $1`, id)
	if err != nil {
		return Stored{}, fmt.Errorf("read offering version %s: %w", id, err)
	}
	return s, nil
}

// LoadVersion returns the offering of a version, or ErrNotFound.
func LoadVersion(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Offering, error) {
	s, err := Get(ctx, tx, id)
	return s.Offering, err
}

// LoadVersions returns the offerings of several versions by their ids, in one
// round trip; ErrNotFound if one of them is not there.
func LoadVersions(ctx context.Context, tx tenant.Tx, ids []uuid.UUID) (map[uuid.UUID]Offering, error) {
	found := make(map[uuid.UUID]Offering, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	rows, err := tx.Query(ctx, `select id, document from offering_version where id = any ($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read offering versions: %w", err)
	}
	var id uuid.UUID
	var o Offering
	_, err = pgx.ForEachRow(rows, []any{&id, &o}, func() error {
		found[id], o = o, Offering{}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read offering versions: %w", err)
	}
	for _, id := range ids {
		if _, known := found[id]; !known {
			return nil, fmt.Errorf("read offering version %s: %w", id, ErrNotFound)
		}
	}
	return found, nil
}

// Current returns the version of code that is sold at an instant: of those
// published and begun, the one that began last. ErrNotFound if there is none.
// It counts on the index offering_version_current.
func Current(ctx context.Context, tx tenant.Tx, code string, at time.Time) (Stored, error) {
	s, err := one(ctx, tx, `where code = $1 and state = 'published' and available_from <= $2
 order by available_from desc, version desc limit 1`, code, at)
	if err != nil {
		return Stored{}, fmt.Errorf("read current offering %.64q: %w", code, err)
	}
	return s, nil
}

// Query selects versions for List. The zero value is the first page of all.
type Query struct {
	Code  string // only this offering
	State State  // only this state
	Open  bool   // only drafts, checked and tried ones too
	// AfterCode and AfterNumber name the last version of the page before.
	AfterCode   string
	AfterNumber int
	Limit       int // 1 to 200; 0 is 50
}

// List returns versions by code and number.
func List(ctx context.Context, tx tenant.Tx, q Query) ([]Version, error) {
	const list = `
select ` + versionColumns + `
  from offering_version
 where ($1 = '' or code = $1) and ($2 = '' or state = $2) and (code, version) > ($3, $4)
   and (not $6 or state in ('draft', 'checked', 'tried'))
 order by code, version
 limit $5`
	if q.Limit <= 0 {
		q.Limit = 50
	}
	rows, err := tx.Query(ctx, list, q.Code, string(q.State), q.AfterCode, q.AfterNumber, min(q.Limit, 200), q.Open)
	if err != nil {
		return nil, fmt.Errorf("list offerings: %w", err)
	}
	versions, err := pgx.CollectRows(rows, scanVersion)
	if err != nil {
		return nil, fmt.Errorf("list offerings: %w", err)
	}
	return versions, nil
}

// OnSale returns the current version of every offering at an instant.
func OnSale(ctx context.Context, tx tenant.Tx, at time.Time) ([]Version, error) {
	const sold = `
select distinct on (code) ` + versionColumns + `
  from offering_version
 where state = 'published' and available_from <= $1
 order by code, available_from desc, version desc`
	rows, err := tx.Query(ctx, sold, at)
	if err != nil {
		return nil, fmt.Errorf("list offerings on sale: %w", err)
	}
	versions, err := pgx.CollectRows(rows, scanVersion)
	if err != nil {
		return nil, fmt.Errorf("list offerings on sale: %w", err)
	}
	return versions, nil
}

func scanVersion(row pgx.CollectableRow) (Version, error) {
	var v Version
	err := row.Scan(v.targets()...)
	return v, err
}
