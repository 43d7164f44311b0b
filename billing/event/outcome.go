package event

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Attempt is one try to deliver.
type Attempt struct {
	At        time.Time `json:"at"`
	TookMilli int64     `json:"took_ms"`
	Status    int       `json:"status,omitempty"`
	Error     string    `json:"error,omitempty"`
	URL       string    `json:"url"`
	Signature string    `json:"signature"`
	Response  string    `json:"response,omitempty"`
}

// keepAttempts is how many attempts of a delivery are kept, the latest ones.
const keepAttempts = 20

// patience is for how long a delivery is tried again, and an endpoint at which
// nothing arrives is kept.
const patience = 72 * time.Hour

// pauses are the times between attempts; the last one is repeated.
var pauses = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour}

func pause(attempts int) time.Duration { return pauses[min(max(attempts, 1), len(pauses))-1] }

// next is when a delivery is tried again after attempts of it; never is the
// last attempt's. The last one falls on the end of patience.
func next(at, firstTry time.Time, attempts int) (again time.Time, never bool) {
	end := firstTry.Add(patience)
	if !at.Before(end) {
		return time.Time{}, true
	}
	again = at.Add(pause(attempts))
	if again.After(end) {
		again = end
	}
	return again, false
}

// restAfter is how many messages to an endpoint must fail in one portion, and
// none arrive, for it to be left alone a moment; longestRest bounds that.
const (
	restAfter   = 5
	longestRest = 5 * time.Minute
)

// tally is what one portion came to at an endpoint.
type tally struct {
	arrived, failed int
	gone            bool
	last            string // what went wrong last
}

func (a Answer) arrived() bool { return a.Status >= 200 && a.Status <= 299 }

func (a Answer) fault() string {
	switch {
	case a.Error != "":
		return a.Error
	case a.Status >= 300 && a.Status <= 399:
		return fmt.Sprintf("answered %d: redirects are not followed", a.Status)
	}
	return fmt.Sprintf("answered %d", a.Status)
}

// note writes down what became of a portion. A delivery that somebody took back
// or replayed meanwhile stays as it is.
func (c Courier) note(ctx context.Context, tx tenant.Tx, due []portion, answers []Answer) error {
	if len(answers) != len(due) {
		return fmt.Errorf("%d answers to %d messages", len(answers), len(due))
	}
	tallies, order := map[uuid.UUID]*tally{}, []uuid.UUID{}
	var batch pgx.Batch
	for i, p := range due {
		a := answers[i]
		t := tallies[p.endpoint]
		if t == nil {
			t = &tally{}
			tallies[p.endpoint], order = t, append(order, p.endpoint)
		}
		if a.arrived() {
			t.arrived++
		} else {
			t.failed++
			t.last = a.fault()
			t.gone = t.gone || a.Status == http.StatusGone
		}
		if err := queueOutcome(&batch, tx, p, a); err != nil {
			return err
		}
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("note deliveries: %w", err)
	}
	slices.SortFunc(order, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	for _, id := range order {
		if err := c.judge(ctx, tx, id, tallies[id]); err != nil {
			return err
		}
	}
	return nil
}

const noteOutcome = `
	update webhook_delivery
	   set state = $2, attempts = $3, first_try_at = $4, next_at = $5, done_at = $6,
	       log = (select coalesce(jsonb_agg(a order by n), '[]') from (
	           select a, n from jsonb_array_elements(log || $7::jsonb) with ordinality as l (a, n) order by n desc limit $8) kept)
	 where id = $1 and state = 'due'`

func queueOutcome(batch *pgx.Batch, tx tenant.Tx, p portion, a Answer) error {
	attempt := Attempt{At: tx.At, TookMilli: a.Took.Milliseconds(), Status: a.Status, URL: p.request.URL, Signature: p.request.Header["webhook-signature"], Response: a.Body}
	if !a.arrived() {
		attempt.Error = a.fault()
	}
	text, err := json.Marshal([]Attempt{attempt})
	if err != nil {
		return err
	}
	first := tx.At
	if p.firstTry != nil {
		first = *p.firstTry
	}
	state, again, done := Delivered, (*time.Time)(nil), &tx.At
	if !a.arrived() {
		state = GivenUp
		if at, never := next(tx.At, first, p.attempts+1); !never {
			state, again, done = Due, &at, nil
		}
	}
	batch.Queue(noteOutcome, p.delivery, state, p.attempts+1, first, again, done, string(text), keepAttempts)
	return nil
}

// judge notes how an endpoint does, and disables one that is gone or at which
// nothing has arrived for three days.
func (c Courier) judge(ctx context.Context, tx tenant.Tx, id uuid.UUID, t *tally) error {
	if t.arrived > 0 {
		_, err := tx.Exec(ctx, `update webhook_endpoint set failing_since = null, rest_until = null, failures = 0, delivered_at = $2 where id = $1`, id, tx.At)
		if err != nil {
			return fmt.Errorf("note endpoint %s: %w", id, err)
		}
		if !t.gone {
			return nil
		}
	}
	var since time.Time
	var failures int
	err := tx.QueryRow(ctx, `update webhook_endpoint set failing_since = coalesce(failing_since, $2), failures = failures + 1 where id = $1 returning failing_since, failures`,
		id, tx.At).Scan(&since, &failures)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // removed meanwhile
	}
	if err != nil {
		return fmt.Errorf("note endpoint %s: %w", id, err)
	}
	switch {
	case t.gone:
		return c.giveUp(ctx, tx, id, "it answered 410 Gone")
	case !tx.At.Before(since.Add(patience)):
		return c.giveUp(ctx, tx, id, "nothing arrived for three days; the last time it "+t.last)
	case t.failed >= restAfter:
		_, err = tx.Exec(ctx, `update webhook_endpoint set rest_until = $2 where id = $1`, id, tx.At.Add(min(pause(failures), longestRest)))
	}
	return err
}

func (c Courier) giveUp(ctx context.Context, tx tenant.Tx, id uuid.UUID, reason string) error {
	if len(reason) > 400 {
		reason = reason[:400]
	}
	done, err := disable(ctx, tx, id, reason)
	if err != nil {
		return fmt.Errorf("disable endpoint %s: %w", id, err)
	}
	if !done || c.Alarm == nil {
		return nil
	}
	e, err := Get(ctx, tx, id)
	if err != nil {
		return err
	}
	return c.Alarm(ctx, tx, e)
}
