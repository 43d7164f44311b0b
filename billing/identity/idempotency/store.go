package idempotency

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Keep is how long an answer is kept, in wall time.
const Keep = 30 * 24 * time.Hour

// maxKey is the longest key, as the schema has it.
const maxKey = 255

// Request names one try of a command.
type Request struct {
	Actor     string    // who: identity.Principal.Actor
	Operation string    // the operation's id in openapi.yaml
	Key       string    // the caller's
	BodyHash  []byte    // Fingerprint of what was asked
	WallAt    time.Time // when
}

// Answer is what was replied.
type Answer struct {
	Status  int
	Headers map[string]string
	Body    []byte
}

// Errors of the store.
var (
	ErrKey           = fmt.Errorf("an idempotency key has 1 to %d characters", maxKey)
	ErrDifferentBody = errors.New("the idempotency key was used for another request")
	errServerError   = errors.New("an answer of 500 or above is not stored")
	errNoAnswer      = errors.New("a command committed without storing its answer")
	errNotBegun      = errors.New("no command was begun under this key")
)

// Fingerprint hashes what makes two requests the same: the path with its
// parameters and the body.
func Fingerprint(path string, body []byte) []byte {
	h := sha256.New()
	_, _ = io.WriteString(h, path) // a hash takes everything
	_, _ = h.Write([]byte{0})
	_, _ = h.Write(body)
	return h.Sum(nil)
}

// An insert waits at the primary key for another transaction that has put the
// same key there and not ended yet. A row past its time is taken over.
const beginCommand = `
insert into idempotency as i (actor, operation, key, body_hash, created_at)
values ($1, $2, $3, $4, $5)
on conflict (actor, operation, key) do update
   set body_hash = excluded.body_hash, created_at = excluded.created_at, status = null, headers = null, response = null
 where i.created_at <= $6`

// Begin says whether a command is new. It returns nil if it is: the caller
// carries it out and calls Finish in the same transaction. It returns the
// stored answer of a repeat, ErrDifferentBody when the key was used to ask for
// something else, and waits while another transaction has the key.
func Begin(ctx context.Context, tx tenant.Tx, r Request) (*Answer, error) {
	if len(r.Key) == 0 || len(r.Key) > maxKey {
		return nil, ErrKey
	}
	done, err := tx.Exec(ctx, beginCommand, r.Actor, r.Operation, r.Key, r.BodyHash, r.WallAt, r.WallAt.Add(-Keep))
	if err != nil {
		return nil, fmt.Errorf("begin %s: %w", r.Operation, err)
	}
	if done.RowsAffected() == 1 {
		return nil, nil
	}
	return stored(ctx, tx, r)
}

func stored(ctx context.Context, tx tenant.Tx, r Request) (*Answer, error) {
	var a Answer
	var status *int
	var same bool
	err := tx.QueryRow(ctx, `
		select body_hash = $4, status, headers, response
		  from idempotency
		 where actor = $1 and operation = $2 and key = $3`, r.Actor, r.Operation, r.Key, r.BodyHash).
		Scan(&same, &status, &a.Headers, &a.Body)
	if err != nil {
		return nil, fmt.Errorf("read answer of %s: %w", r.Operation, err)
	}
	if !same {
		return nil, ErrDifferentBody
	}
	if status == nil {
		return nil, fmt.Errorf("read answer of %s: %w", r.Operation, errNoAnswer)
	}
	a.Status = *status
	return &a, nil
}

// Finish stores the answer of a command that Begin called new. An answer of 500
// or above is refused: the caller rolls the transaction back.
func Finish(ctx context.Context, tx tenant.Tx, r Request, a Answer) error {
	const serverError = 500
	if a.Status >= serverError {
		return errServerError
	}
	if a.Headers == nil {
		a.Headers = map[string]string{}
	}
	done, err := tx.Exec(ctx, `
		update idempotency
		   set status = $4, headers = $5, response = $6
		 where actor = $1 and operation = $2 and key = $3 and status is null`,
		r.Actor, r.Operation, r.Key, a.Status, a.Headers, a.Body)
	if err != nil {
		return fmt.Errorf("store answer of %s: %w", r.Operation, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("store answer of %s: %w", r.Operation, errNotBegun)
	}
	return nil
}

// Do answers a command once: from the store, or by carrying it out. What do
// did is undone again when it answers with a refusal (400 or above), which is
// stored all the same. An error from do ends the transaction and is stored nowhere.
func Do(ctx context.Context, tx tenant.Tx, r Request, do func(ctx context.Context, tx tenant.Tx) (Answer, error)) (Answer, error) {
	known, err := Begin(ctx, tx, r)
	if err != nil {
		return Answer{}, err
	}
	if known != nil {
		return *known, nil
	}
	a, err := undoable(ctx, tx, do)
	if err != nil {
		return Answer{}, err
	}
	return a, Finish(ctx, tx, r, a)
}

// undoable runs do behind a savepoint.
func undoable(ctx context.Context, tx tenant.Tx, do func(ctx context.Context, tx tenant.Tx) (Answer, error)) (Answer, error) {
	const refusal = 400
	savepoint, err := tx.Begin(ctx)
	if err != nil {
		return Answer{}, fmt.Errorf("set savepoint: %w", err)
	}
	inner := tx
	inner.Tx = savepoint
	a, err := do(ctx, inner)
	if err != nil {
		return Answer{}, err
	}
	if a.Status >= refusal {
		return a, ended(savepoint.Rollback(ctx))
	}
	return a, ended(savepoint.Commit(ctx))
}

func ended(err error) error {
	if err != nil && !errors.Is(err, pgx.ErrTxClosed) {
		return fmt.Errorf("end savepoint: %w", err)
	}
	return nil
}

// Sweep forgets up to limit answers that are past their time and says how many.
func Sweep(ctx context.Context, tx tenant.Tx, wallNow time.Time, limit int) (int, error) {
	done, err := tx.Exec(ctx, `
		delete from idempotency i
		 using (select actor, operation, key
		          from idempotency
		         where created_at <= $1
		         order by created_at
		         limit $2
		           for update skip locked) old
		 where i.actor = old.actor and i.operation = old.operation and i.key = old.key`, wallNow.Add(-Keep), limit)
	if err != nil {
		return 0, fmt.Errorf("forget old answers: %w", err)
	}
	return int(done.RowsAffected()), nil
}
