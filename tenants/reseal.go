package tenants

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Resealer seals a value anew for its context; nil if it may stay as it is.
type Resealer interface {
	Reseal(context string, sealed []byte) ([]byte, error)
}

// resealAtOnce bounds the values in one transaction.
const resealAtOnce = 200

// Reseal seals anew what the control plane keeps sealed, in bounded steps while
// it runs, and says how many values changed.
func Reseal(ctx context.Context, db *DB, seal Resealer) (changed int, err error) {
	for _, step := range []func(context.Context, Tx, Resealer, *place) error{resealKeys, resealAnswers} {
		at := place{}
		for !at.end {
			err := db.Write(ctx, func(ctx context.Context, tx Tx) error {
				from := at
				from.changed = 0
				if err := step(ctx, tx, seal, &from); err != nil {
					return err
				}
				at = from
				return nil
			})
			if err != nil {
				return changed, fmt.Errorf("seal the control plane's secrets anew: %w", err)
			}
			changed += at.changed
		}
	}
	return changed, nil
}

// place is how far a walk is.
type place struct {
	actor, operation, key string
	changed               int
	end                   bool
}

type sealedKey struct {
	ID     string
	Sealed []byte
}

func resealKeys(ctx context.Context, tx Tx, seal Resealer, at *place) error {
	rows, err := tx.Query(ctx, `select id, sealed_private from signing_key where id > $1 order by id limit $2 for update`, at.key, resealAtOnce)
	if err != nil {
		return err
	}
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sealedKey])
	if err != nil {
		return err
	}
	at.end = len(keys) < resealAtOnce
	for _, k := range keys {
		at.key = k.ID
		fresh, err := seal.Reseal(keyContext(k.ID), k.Sealed)
		if err != nil {
			return fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		if fresh == nil {
			continue
		}
		if _, err := tx.Exec(ctx, `update signing_key set sealed_private = $2 where id = $1`, k.ID, fresh); err != nil {
			return err
		}
		at.changed++
	}
	return nil
}

type sealedAnswer struct {
	Actor, Operation, Key string
	Sealed                []byte
}

func resealAnswers(ctx context.Context, tx Tx, seal Resealer, at *place) error {
	rows, err := tx.Query(ctx, `
		select actor, operation, key, sealed_answer
		  from idempotency
		 where (actor, operation, key) > ($1, $2, $3) and sealed_answer is not null
		 order by actor, operation, key
		 limit $4
		   for update`, at.actor, at.operation, at.key, resealAtOnce)
	if err != nil {
		return err
	}
	answers, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sealedAnswer])
	if err != nil {
		return err
	}
	at.end = len(answers) < resealAtOnce
	for _, a := range answers {
		at.actor, at.operation, at.key = a.Actor, a.Operation, a.Key
		fresh, err := seal.Reseal(answerContext(a.Actor, a.Operation, a.Key), a.Sealed)
		if err != nil {
			return fmt.Errorf("answer of %s to %s: %w", a.Operation, a.Actor, err)
		}
		if fresh == nil {
			continue
		}
		if _, err := tx.Exec(ctx, `update idempotency set sealed_answer = $4 where actor = $1 and operation = $2 and key = $3`,
			a.Actor, a.Operation, a.Key, fresh); err != nil {
			return err
		}
		at.changed++
	}
	return nil
}
