package audit

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Query says which entries are wanted; what is zero does not narrow.
type Query struct {
	Actor  string    // as in Caller
	Action string    // exactly, or what it begins with when it ends in a dot: order.
	Object uuid.UUID // of the thing
	Kind   string    // of the thing, as in Entry.Object
	From   time.Time // business time, from here on
	To     time.Time // up to but not including
	Before uuid.UUID // the last entry of the page before
	Limit  int       // up to MaxPage
}

// List reads entries, newest first.
func List(ctx context.Context, tx tenant.Tx, q Query) ([]Recorded, error) {
	where, args := q.conditions()
	rows, err := tx.Query(ctx, `
		select id, at, wall_at, actor, action, object, object_id, detail, trace
		  from audit
		 where `+where+`
		 order by id desc
		 limit $1`, args...)
	if err != nil {
		return nil, fmt.Errorf("list audit: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanRecorded)
	if err != nil {
		return nil, fmt.Errorf("list audit: %w", err)
	}
	return found, nil
}

// conditions has only what narrows: so each combination is planned for itself
// and finds its index.
func (q Query) conditions() (where string, args []any) {
	args = []any{min(max(q.Limit, 1), MaxPage)}
	and := func(condition string, value any, narrows bool) {
		if narrows {
			args = append(args, value)
			where += " and " + strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(args)))
		}
	}
	whole, isWhole := strings.CutSuffix(q.Action, ".")
	and("id < ?", q.Before, q.Before != uuid.Nil)
	and("actor = ?", q.Actor, q.Actor != "")
	and("action = ?", q.Action, q.Action != "" && !isWhole)
	and("starts_with(action, ? || '.')", whole, isWhole)
	and("object_id = ?", q.Object, q.Object != uuid.Nil)
	and("object = ?", q.Kind, q.Kind != "")
	and("at >= ?", q.From, !q.From.IsZero())
	and("at < ?", q.To, !q.To.IsZero())
	return strings.TrimPrefix(where+" and true", " and "), args
}

func scanRecorded(row pgx.CollectableRow) (r Recorded, err error) {
	var object *uuid.UUID
	err = row.Scan(&r.ID, &r.At, &r.WallAt, &r.Actor, &r.Action, &r.Object, &object, &r.Detail, &r.Trace)
	if object != nil {
		r.ObjectID = *object
	}
	return r, err
}

func optionalID(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
