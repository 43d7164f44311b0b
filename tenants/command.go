package tenants

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Sealer encrypts what must not be read from the database, by the master key. A
// value opens in the context only that it was sealed in.
type Sealer interface {
	Seal(context string, plain []byte) ([]byte, error)
	Open(context string, sealed []byte) ([]byte, error)
}

// Call is one request for a command.
type Call struct {
	Actor     Actor
	Operation string // as openapi.yaml calls it
	Key       string // Idempotency-Key
	Body      []byte
}

// Answer is what a command answered, as it goes to the caller.
type Answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    []byte            `json:"body,omitempty"`
}

// Commands runs commands once each.
type Commands struct {
	db   *DB
	seal Sealer
}

// NewCommands makes the runner. Answers are stored sealed: that of a new
// operator holds its owner's first password.
func NewCommands(db *DB, seal Sealer) *Commands { return &Commands{db: db, seal: seal} }

const (
	// answersKept is how long a repeat finds its answer.
	answersKept = 30 * 24 * time.Hour
	maxKeyChars = 255
)

// sealContext binds an answer to its row.
func (call Call) sealContext() string {
	return answerContext(call.Actor.String(), call.Operation, call.Key)
}

func answerContext(actor, operation, key string) string {
	return fmt.Sprintf("control/idempotency/%s/%s/%q", actor, operation, key)
}

// Once runs fn in one transaction and keeps its answer there. A repeat gets the
// stored answer; one that arrives while the first still runs waits for it. A
// key that comes with another body gets ErrKeyReused. An error of fn undoes
// everything, the key included, so that the repeat is judged anew.
func (c *Commands) Once(ctx context.Context, call Call, fn func(ctx context.Context, tx Tx) (Answer, error)) (Answer, error) {
	if call.Key == "" || len([]rune(call.Key)) > maxKeyChars {
		return Answer{}, ErrKey
	}
	var answer Answer
	err := c.db.Write(ctx, func(ctx context.Context, tx Tx) error {
		stored, err := c.claim(ctx, tx, call)
		if err != nil {
			return err
		}
		if stored != nil {
			answer = *stored
			return nil
		}
		if answer, err = fn(ctx, tx); err != nil {
			return err
		}
		return c.keep(ctx, tx, call, answer)
	})
	return answer, err
}

// claim takes the key for this transaction, or finds the answer of whoever had
// it first: the insert waits for a transaction that holds the same key.
func (c *Commands) claim(ctx context.Context, tx Tx, call Call) (*Answer, error) {
	if _, err := tx.Exec(ctx, `delete from idempotency where created_at < $1`, tx.At.Add(-answersKept)); err != nil {
		return nil, fmt.Errorf("forget old answers: %w", err)
	}
	hash := sha256.Sum256(call.Body)
	done, err := tx.Exec(ctx, `
		insert into idempotency (actor, operation, key, body_hash, created_at)
		values ($1, $2, $3, $4, $5)
		on conflict (actor, operation, key) do nothing`,
		call.Actor.String(), call.Operation, call.Key, hash[:], tx.At)
	if err != nil {
		return nil, fmt.Errorf("take idempotency key: %w", err)
	}
	if done.RowsAffected() == 1 {
		return nil, nil
	}
	return c.stored(ctx, tx, call, hash[:])
}

func (c *Commands) stored(ctx context.Context, tx Tx, call Call, hash []byte) (*Answer, error) {
	var firstHash, sealed []byte
	err := tx.QueryRow(ctx, `
		select body_hash, sealed_answer
		  from idempotency
		 where actor = $1 and operation = $2 and key = $3`,
		call.Actor.String(), call.Operation, call.Key).Scan(&firstHash, &sealed)
	if err != nil {
		return nil, fmt.Errorf("read stored answer: %w", err)
	}
	if !bytes.Equal(firstHash, hash) {
		return nil, ErrKeyReused
	}
	clear, err := c.seal.Open(call.sealContext(), sealed)
	if err != nil {
		return nil, fmt.Errorf("open stored answer: %w", err)
	}
	answer := new(Answer)
	if err := json.Unmarshal(clear, answer); err != nil {
		return nil, fmt.Errorf("read stored answer: %w", err)
	}
	return answer, nil
}

// errKeyLost is a bug: the row was inserted in this transaction.
var errKeyLost = errors.New("idempotency key was lost")

func (c *Commands) keep(ctx context.Context, tx Tx, call Call, answer Answer) error {
	clear, err := json.Marshal(answer)
	if err != nil {
		return fmt.Errorf("store answer: %w", err)
	}
	sealed, err := c.seal.Seal(call.sealContext(), clear)
	if err != nil {
		return fmt.Errorf("seal answer: %w", err)
	}
	done, err := tx.Exec(ctx, `
		update idempotency set sealed_answer = $4
		 where actor = $1 and operation = $2 and key = $3`,
		call.Actor.String(), call.Operation, call.Key, sealed)
	if err != nil {
		return fmt.Errorf("store answer: %w", err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("store answer: %w", errKeyLost)
	}
	return nil
}
