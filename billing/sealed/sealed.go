package sealed

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Again seals a value anew under its name; nil if it may stay as it is.
type Again func(name string, sealed []byte) ([]byte, error)

// Place is where sealed values stand.
type Place interface {
	// Reseal has again seal up to limit values after a key (nil: the first), and
	// tells where to go on.
	Reseal(ctx context.Context, tx tenant.Tx, after []string, limit int, again Again) (Step, error)
}

// Step is what one portion came to.
type Step struct {
	Changed int
	Last    []string // key of the last value read
	More    bool     // there may be more after it
}

// Column is a column that holds one sealed value a row.
type Column struct {
	Name string // table.column, for errors
	// Read takes the key to go on after as text[] in $1 and a limit in $2, and
	// gives key (text[]) and value in the order of the key, locked.
	Read string
	// Write takes the key as text[] in $1 and the value in $2.
	Write string
	// AtOnce bounds the values of a step where they are large; 0: the caller does.
	AtOnce int
	// First is before all keys.
	First []string
	// Sealed is the name under which a row's value is sealed.
	Sealed func(key []string) string
}

// value is one row of Column.Read.
type value struct {
	Key    []string
	Sealed []byte
}

// Reseal implements Place.
func (c Column) Reseal(ctx context.Context, tx tenant.Tx, after []string, limit int, again Again) (Step, error) {
	if after == nil {
		after = c.First
	}
	if c.AtOnce > 0 {
		limit = min(limit, c.AtOnce)
	}
	rows, err := tx.Query(ctx, c.Read, after, limit)
	if err != nil {
		return Step{}, fmt.Errorf("read %s: %w", c.Name, err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[value])
	if err != nil {
		return Step{}, fmt.Errorf("read %s: %w", c.Name, err)
	}
	step := Step{Last: after, More: len(found) == limit}
	for _, v := range found {
		step.Last = v.Key
		fresh, err := again(c.Sealed(v.Key), v.Sealed)
		if err != nil {
			return Step{}, fmt.Errorf("%s of %q: %w", c.Name, v.Key, err)
		}
		if fresh == nil {
			continue
		}
		if _, err := tx.Exec(ctx, c.Write, v.Key, fresh); err != nil {
			return Step{}, fmt.Errorf("write %s: %w", c.Name, err)
		}
		step.Changed++
	}
	return step, nil
}
