package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
)

// Caller is on whose behalf a command runs.
type Caller struct {
	Actor  string    // "user:<id>", "key:<id>", "staff:<id>" or "job:<kind>"
	Trace  string    // the request's trace id
	WallAt time.Time // wall time of the request; business time is the transaction's
}

// Entry is one command that was carried out.
type Entry struct {
	Caller
	Action   string         // what was done, as a permission-like word: order.activate
	Object   string         // the kind of thing, such as account
	ObjectID uuid.UUID      // zero: none
	Detail   map[string]any // what changed; never a secret
}

// ErrIncomplete means that an entry does not say who did what.
var ErrIncomplete = errors.New("an audit entry names its actor, action and wall time")

// Record adds an entry, in the transaction of the command.
func Record(ctx context.Context, tx tenant.Tx, e Entry) error {
	if e.Actor == "" || e.Action == "" || e.WallAt.IsZero() {
		return ErrIncomplete
	}
	detail := e.Detail
	if detail == nil {
		detail = map[string]any{}
	}
	_, err := tx.Exec(ctx, `
		insert into audit (id, at, wall_at, actor, action, object, object_id, detail, trace)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		uuid.Must(uuid.NewV7()), tx.At, e.WallAt.UTC(), e.Actor, e.Action, e.Object, optionalID(e.ObjectID), detail, e.Trace)
	if err != nil {
		return fmt.Errorf("record %s: %w", e.Action, err)
	}
	return nil
}

// Recorded is an entry as it was written.
type Recorded struct {
	ID uuid.UUID
	At time.Time // business time
	Entry
}

// MaxPage bounds how many entries are read at once.
const MaxPage = 200

// Of reads what was done to a thing, newest first: those before an entry's id,
// or the newest for a zero id.
func Of(ctx context.Context, tx tenant.Tx, object, before uuid.UUID, limit int) ([]Recorded, error) {
	return List(ctx, tx, Query{Object: object, Before: before, Limit: limit})
}
