package charging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Standing is an account's own money: what it is, and what open sessions hold
// back of it.
type Standing struct {
	Currency money.Currency
	Value    money.Decimal
	Reserved money.Decimal
	// ByBucket is what is held back of each bucket, of units too.
	ByBucket map[uuid.UUID]money.Decimal
}

// Available is what may still be spent.
func (s *Standing) Available() money.Decimal { return s.Value.Sub(s.Reserved) }

const selectStanding = `
	select a.currency, coalesce(sum(b.value), 0)
	from billing_account as a
	left join bucket as b on b.account_id = a.id and b.unit = a.currency and b.valid_from <= $2 and (b.expires_at is null or b.expires_at > $2)
	where a.id = $1
	group by a.id`

const selectReserved = `
	select h.bucket, sum(h.amount), sum(h.amount) filter (where b.unit = $3 or b.id is null)
	from charging_session as s
	cross join unnest(s.bucket_ids, s.amounts) as h (bucket, amount)
	left join bucket as b on b.id = h.bucket
	where s.state = 'open' and s.reserved_until > $2
	  and (s.account_id = $1 or s.lender_ids && array[$1::uuid] and s.lender_ids <> '{}')
	  and (b.id is null and h.bucket = $1 or b.account_id = $1)
	group by h.bucket`

// Available reads how an account's money stands at an instant.
func Available(ctx context.Context, tx tenant.Tx, id uuid.UUID, at time.Time) (Standing, error) {
	s := Standing{ByBucket: map[uuid.UUID]money.Decimal{}}
	err := tx.QueryRow(ctx, selectStanding, id, at).Scan(&s.Currency, &s.Value)
	if errors.Is(err, pgx.ErrNoRows) {
		return Standing{}, fmt.Errorf("account %s: %w", id, account.ErrNotFound)
	}
	if err != nil {
		return Standing{}, fmt.Errorf("read what account %s has: %w", id, err)
	}
	rows, err := tx.Query(ctx, selectReserved, id, at, s.Currency.Code())
	if err != nil {
		return Standing{}, fmt.Errorf("read reservations of account %s: %w", id, err)
	}
	var bucket uuid.UUID
	var amount money.Decimal
	var inMoney *money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&bucket, &amount, &inMoney}, func() error {
		s.ByBucket[bucket] = amount
		if inMoney != nil {
			s.Reserved = s.Reserved.Add(*inMoney)
		}
		return nil
	})
	if err != nil {
		return Standing{}, fmt.Errorf("read reservations of account %s: %w", id, err)
	}
	return s, nil
}

// FindSession reads a session that is not forgotten yet; session.ErrUnknown if
// there is none.
func FindSession(ctx context.Context, tx tenant.Tx, id uuid.UUID) (*session.Session, error) {
	found, err := readSessions(ctx, tx, `where s.id = $1`, id)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("session %s: %w", id, session.ErrUnknown)
	}
	return found[0], nil
}

// maxListed bounds lists of sessions: an account has a few.
const maxListed = 200

// OpenSessions lists an account's sessions that are not closed, the latest
// first.
func OpenSessions(ctx context.Context, tx tenant.Tx, account uuid.UUID) ([]*session.Session, error) {
	return readSessions(ctx, tx, `where s.account_id = $1 and s.state <> 'closed' order by s.started_at desc, s.id limit $2`, account, maxListed)
}

func readSessions(ctx context.Context, tx tenant.Tx, where string, args ...any) ([]*session.Session, error) {
	rows, err := tx.Query(ctx, `select `+sessionColumns+` from charging_session as s `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read charging sessions: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanSession)
	if err != nil {
		return nil, fmt.Errorf("read charging sessions: %w", err)
	}
	return found, nil
}
