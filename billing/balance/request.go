package balance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// RequestState is how far a request for an adjustment is.
type RequestState string

// The states of a request.
const (
	Waiting   RequestState = "waiting"
	Approved  RequestState = "approved" // and carried out
	Refused   RequestState = "refused"
	Withdrawn RequestState = "withdrawn" // by whoever asked
)

// requestMoves is the one table of what may follow what.
var requestMoves = map[RequestState][]RequestState{
	Waiting:  {Approved, Refused, Withdrawn},
	Approved: {}, Refused: {}, Withdrawn: {},
}

// Request is an adjustment that is beyond a person's limit and waits for a
// second person.
type Request struct {
	ID        uuid.UUID // of the command; a repeat changes nothing
	AccountID uuid.UUID
	BucketID  uuid.UUID     // Nil: a credit on the account itself
	Amount    money.Decimal // signed, in Unit
	Unit      money.Unit
	Reason    string // code from the operator's list; empty where there is none
	Note      string // why, in words
	State     RequestState
	AskedBy   string
	AskedAt   time.Time
	DecidedBy string // empty while it waits
	DecidedAt *time.Time
	Decision  string // why it was refused
}

// Errors of requests.
var (
	// ErrRequestNotFound means that there is no such request.
	ErrRequestNotFound = errors.New("no such request for an adjustment")
	// ErrDecided means that somebody has decided on the request already.
	ErrDecided = errors.New("the request was decided already")
	// ErrOwnRequest means that a second person has to decide.
	ErrOwnRequest = errors.New("somebody else has to decide on this request")
	// ErrNotAsker means that only whoever asked may take a request back.
	ErrNotAsker = errors.New("only whoever asked may take the request back")
)

const requestColumns = `id, account_id, coalesce(bucket_id, '00000000-0000-0000-0000-000000000000'::uuid), amount, unit, reason, note, state, asked_by, asked_at, decided_by, decided_at, decided_note`

func scanRequest(row pgx.CollectableRow) (r Request, err error) {
	err = row.Scan(&r.ID, &r.AccountID, &r.BucketID, &r.Amount, &r.Unit, &r.Reason, &r.Note, &r.State, &r.AskedBy, &r.AskedAt, &r.DecidedBy, &r.DecidedAt, &r.Decision)
	r.AskedAt = r.AskedAt.UTC()
	return r, err
}

// Ask lays an adjustment before a second person. Nothing is booked. What it
// asks for is checked as far as it can be before it is carried out: the amount,
// the reason, and that the balance is the account's.
func Ask(ctx context.Context, tx tenant.Tx, r Request) (Request, error) {
	if strings.TrimSpace(r.Note) == "" {
		return Request{}, ErrReason
	}
	if r.Amount.IsZero() || !r.Amount.Round(money.Scale, money.Down).Equal(r.Amount) || r.BucketID == uuid.Nil && r.Amount.Sign() < 0 {
		return Request{}, fmt.Errorf("ask for %s: %w", r.Amount, ErrAmount)
	}
	if r.BucketID != uuid.Nil {
		bucket, err := Get(ctx, tx, r.BucketID)
		if err != nil {
			return Request{}, err
		}
		r.AccountID, r.Unit = bucket.AccountID, bucket.Unit
	}
	if _, err := account.Get(ctx, tx, r.AccountID); err != nil {
		return Request{}, err
	}
	p, err := GetAdjustPolicy(ctx, tx)
	if err != nil {
		return Request{}, err
	}
	if len(p.Reasons) > 0 && !slices.ContainsFunc(p.Reasons, func(known AdjustReason) bool { return known.Code == r.Reason }) {
		return Request{}, ErrReasonCode
	}
	_, err = tx.Exec(ctx, `
		insert into adjustment_request (id, account_id, bucket_id, amount, unit, reason, note, state, asked_by, asked_at)
		values ($1, $2, nullif($3, '00000000-0000-0000-0000-000000000000'::uuid), $4, $5, $6, $7, 'waiting', $8, $9)
		on conflict (id) do nothing`, r.ID, r.AccountID, r.BucketID, r.Amount, string(r.Unit), r.Reason, r.Note, r.AskedBy, tx.At)
	if err != nil {
		return Request{}, fmt.Errorf("ask for adjustment %s: %w", r.ID, err)
	}
	return GetRequest(ctx, tx, r.ID)
}

func requests(ctx context.Context, tx tenant.Tx, where string, args ...any) ([]Request, error) {
	rows, err := tx.Query(ctx, `select `+requestColumns+` from adjustment_request where `+where, args...)
	if err == nil {
		var list []Request
		if list, err = pgx.CollectRows(rows, scanRequest); err == nil {
			return list, nil
		}
	}
	return nil, fmt.Errorf("read requests for adjustments: %w", err)
}

// GetRequest reads one.
func GetRequest(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Request, error) {
	found, err := requests(ctx, tx, `id = $1`, id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("request %s: %w", id, ErrRequestNotFound)
	}
	if err != nil {
		return Request{}, err
	}
	return found[0], nil
}

// Requests lists those in a state, or all, newest first.
func Requests(ctx context.Context, tx tenant.Tx, state RequestState, limit int) ([]Request, error) {
	return requests(ctx, tx, `$1 = '' or state = $1 order by asked_at desc, id desc limit $2`, string(state), min(max(limit, 1), 200))
}

// Decide is the only way out of waiting. Its caller carries out what is
// approved in the same transaction. The account is locked first, then the
// request.
func Decide(ctx context.Context, tx tenant.Tx, id uuid.UUID, to RequestState, by, why string) (Request, error) {
	r, err := GetRequest(ctx, tx, id)
	if err != nil {
		return Request{}, err
	}
	if _, err := account.Lock(ctx, tx, r.AccountID); err != nil {
		return Request{}, err
	}
	locked, err := requests(ctx, tx, `id = $1 for update`, id)
	if err != nil || len(locked) == 0 {
		return Request{}, errors.Join(err, ErrRequestNotFound)
	}
	r = locked[0]
	switch {
	case !slices.Contains(requestMoves[r.State], to):
		return Request{}, fmt.Errorf("request %s is %s: %w", id, r.State, ErrDecided)
	case to == Withdrawn && by != r.AskedBy:
		return Request{}, ErrNotAsker
	case to != Withdrawn && by == r.AskedBy:
		return Request{}, ErrOwnRequest
	case to == Refused && strings.TrimSpace(why) == "":
		return Request{}, ErrReason
	}
	tag, err := tx.Exec(ctx, `update adjustment_request set state = $2, decided_by = $3, decided_at = $4, decided_note = $5 where id = $1`, id, string(to), by, tx.At, why)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return Request{}, fmt.Errorf("decide on request %s: %w", id, err)
	}
	r.State, r.DecidedBy, r.DecidedAt, r.Decision = to, by, &tx.At, why
	return r, nil
}
