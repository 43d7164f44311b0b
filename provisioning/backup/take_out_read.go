package backup

import (
	"context"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// Fetch opens the file of a take-out.
func (t *TakeOuts) Fetch(ctx context.Context, by tenants.Actor, id uuid.UUID) (TakenOut, io.ReadCloser, error) {
	out, err := t.Get(ctx, id)
	if err != nil {
		return out, nil, err
	}
	if out.State != Done {
		return out, nil, ErrNotThere
	}
	err = t.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		return tenants.Record(ctx, tx, by, tenants.Entry{Action: "takeout.fetch", Object: uuid.UUID(out.Operator), Detail: map[string]any{"takeout": id}})
	})
	if err != nil {
		return out, nil, err
	}
	file, err := t.vault.Fetch(out.file)
	return out, file, err
}

// Get reads a take-out.
func (t *TakeOuts) Get(ctx context.Context, id uuid.UUID) (out TakenOut, err error) {
	err = t.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		found, err := takeOuts(ctx, tx, `where id = $1`, id)
		if err == nil && len(found) == 0 {
			err = ErrNotThere
		}
		if err == nil {
			out = found[0]
		}
		return err
	})
	return out, err
}

// ListTakeOuts reads an operator's take-outs, newest first.
func ListTakeOuts(ctx context.Context, tx tenants.Tx, operator tenant.ID, limit int) ([]TakenOut, error) {
	return takeOuts(ctx, tx, `where operator_id = $1 order by asked_at desc, id desc limit $2`, operator, limit)
}

// LastFinal is an operator's newest final take-out that is whole; ErrNotThere
// if there is none.
func LastFinal(ctx context.Context, tx tenants.Tx, operator tenant.ID) (TakenOut, error) {
	found, err := takeOuts(ctx, tx, `where operator_id = $1 and purpose = 'final' and state = 'done' order by asked_at desc limit 1`, operator)
	if err == nil && len(found) == 0 {
		err = ErrNotThere
	}
	if err != nil {
		return TakenOut{}, err
	}
	return found[0], nil
}

func takeOuts(ctx context.Context, tx tenants.Tx, which string, args ...any) ([]TakenOut, error) {
	rows, err := tx.Query(ctx, `
		select id, operator_id, purpose, secrets, state, reason, step, size_bytes, sha256, tables, row_count, facts, asked_by, asked_at, done_at, file,
		       from_host, whole_parts, whole_size, whole_sum, touched_at
		  from takeout `+which, args...)
	if err != nil {
		return nil, fmt.Errorf("read take-outs: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o TakenOut, err error) {
		err = row.Scan(&o.ID, &o.Operator, &o.Purpose, &o.Secrets, &o.State, &o.Reason, &o.Step, &o.Size, &o.SHA256, &o.Tables, &o.Rows, &o.Facts, &o.AskedBy, &o.AskedAt, &o.DoneAt, &o.file,
			&o.FromHost, &o.whole.Parts, &o.whole.Size, &o.whole.SHA256, &o.touched)
		return o, err
	})
	if err != nil {
		return nil, fmt.Errorf("read take-outs: %w", err)
	}
	return found, nil
}
