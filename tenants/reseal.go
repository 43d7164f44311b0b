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
	for _, step := range []func(context.Context, Tx, Resealer, *place) error{resealKeys, resealFactors, resealHosts, resealAnswers} {
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

// sealedRow is a value whose row has a key of one column.
type sealedRow struct {
	ID     string
	Sealed []byte
}

func resealKeys(ctx context.Context, tx Tx, seal Resealer, at *place) error {
	return resealRows(ctx, tx, seal, at, keyContext,
		`select id, sealed_private from signing_key where id > $1 order by id limit $2 for update`,
		`update signing_key set sealed_private = $2 where id = $1`)
}

// factorContext is what a staff user's second factor is sealed in.
func factorContext(id string) string { return "control/staff_totp/" + id }

func resealFactors(ctx context.Context, tx Tx, seal Resealer, at *place) error {
	return resealRows(ctx, tx, seal, at, factorContext,
		`select id::text, sealed_totp from staff_user where id::text > $1 and sealed_totp is not null order by id::text limit $2 for update`,
		`update staff_user set sealed_totp = $2 where id = $1::text::uuid`)
}

// resealRows takes the last key and a limit in read, a key and its value in write.
func resealRows(ctx context.Context, tx Tx, seal Resealer, at *place, contextOf func(id string) string, read, write string) error {
	rows, err := tx.Query(ctx, read, at.key, resealAtOnce)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sealedRow])
	if err != nil {
		return err
	}
	at.end = len(found) < resealAtOnce
	for _, r := range found {
		at.key = r.ID
		fresh, err := seal.Reseal(contextOf(r.ID), r.Sealed)
		if err != nil {
			return fmt.Errorf("%s: %w", contextOf(r.ID), err)
		}
		if fresh == nil {
			continue
		}
		if _, err := tx.Exec(ctx, write, r.ID, fresh); err != nil {
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

// HostDatabaseContext is what a host database's address is sealed under.
func HostDatabaseContext(name string) string { return "control/host_database/" + name }

func resealHosts(ctx context.Context, tx Tx, seal Resealer, at *place) error {
	return resealRows(ctx, tx, seal, at, HostDatabaseContext,
		`select name, sealed_url from host_database where name > $1 order by name limit $2 for update`,
		`update host_database set sealed_url = $2 where name = $1`)
}
