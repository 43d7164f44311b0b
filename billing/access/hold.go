package access

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
)

// Hold keeps an account's services back, or those of one subscription.
type Hold struct {
	ID             uuid.UUID
	AccountID      uuid.UUID
	SubscriptionID *uuid.UUID // nil: all of the account, and of those that it pays for
	Cause          Cause
	CauseID        uuid.UUID // of what holds it: a case, an alert, a command
	Level          Level
	Suspends       bool       // has suspended the subscription
	Reason         string     // a person's words, shown to people
	From           time.Time  // zero: now
	Until          *time.Time // nil: until it is ended
	By             string
	At             time.Time
}

func (h *Hold) scanInto() []any {
	return []any{&h.ID, &h.AccountID, &h.SubscriptionID, &h.Cause, &h.CauseID, &h.Level, &h.Suspends, &h.Reason, &h.From, &h.Until, &h.By, &h.At}
}

const keepHold = `
	insert into access_hold as h (id, account_id, subscription_id, cause, cause_id, level, suspends, reason, from_at, until_at, created_by, created_at)
	values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
	on conflict (account_id, cause, cause_id, coalesce(subscription_id, '00000000-0000-0000-0000-000000000000')) where ended_at is null
	do update set level = excluded.level, suspends = h.suspends or excluded.suspends, reason = excluded.reason, until_at = excluded.until_at
	returning h.id, h.from_at`

// Put holds services back, or changes what the same cause holds. The change of
// what the network is to do is recorded in the same transaction.
func Put(ctx context.Context, tx tenant.Tx, h Hold) (Hold, error) {
	if _, err := account.Lock(ctx, tx, h.AccountID); err != nil {
		return Hold{}, err
	}
	h, err := put(ctx, tx, h)
	if err != nil {
		return Hold{}, err
	}
	return h, Settle(ctx, tx, h.AccountID)
}

func put(ctx context.Context, tx tenant.Tx, h Hold) (Hold, error) {
	if h.From.IsZero() || h.From.Before(tx.At) {
		h.From = tx.At
	}
	if !h.Cause.holds() || !slices.Contains(levels[1:], h.Level) || h.By == "" || h.Until != nil && !h.Until.After(h.From) {
		return Hold{}, ErrHold
	}
	h.At = tx.At
	err := tx.QueryRow(ctx, keepHold, uuid.Must(uuid.NewV7()), h.AccountID, h.SubscriptionID, string(h.Cause), h.CauseID, string(h.Level), h.Suspends,
		h.Reason, h.From, h.Until, h.By, h.At).Scan(&h.ID, &h.From)
	if err != nil {
		return Hold{}, fmt.Errorf("hold account %s: %w", h.AccountID, err)
	}
	for _, at := range []*time.Time{&h.From, h.Until} {
		if at != nil && at.After(tx.At) {
			if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.AccessTurn, Ref: h.AccountID, DueAt: *at}); err != nil {
				return Hold{}, err
			}
		}
	}
	return h, nil
}

// Release ends what a cause holds of an account; a subscription that only it
// had suspended resumes. Nothing held is no error.
func Release(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, cause Cause, causeID uuid.UUID, by string) error {
	if _, err := account.Lock(ctx, tx, accountID); err != nil {
		return err
	}
	if err := end(ctx, tx, `account_id = $3 and cause = $4 and cause_id = $5`, by, accountID, string(cause), causeID); err != nil {
		return err
	}
	return Settle(ctx, tx, accountID)
}

// end ends holds, and resumes what nothing suspends any more.
func end(ctx context.Context, tx tenant.Tx, where, by string, args ...any) error {
	rows, err := tx.Query(ctx, `update access_hold set ended_at = $1, ended_by = $2 where ended_at is null and `+where+`
		returning case when suspends then subscription_id end`, append([]any{tx.At, by}, args...)...)
	if err != nil {
		return fmt.Errorf("end holds: %w", err)
	}
	ended, err := pgx.CollectRows(rows, pgx.RowTo[*uuid.UUID])
	if err != nil {
		return fmt.Errorf("end holds: %w", err)
	}
	var free []uuid.UUID
	for _, id := range ended {
		if id != nil {
			free = append(free, *id)
		}
	}
	return resumeFree(ctx, tx, free)
}

// resumeFree resumes those of some subscriptions that are suspended and that no
// hold suspends.
func resumeFree(ctx context.Context, tx tenant.Tx, subscriptions []uuid.UUID) error {
	if len(subscriptions) == 0 {
		return nil
	}
	// access_hold_subscription finds what still suspends
	rows, err := tx.Query(ctx, `select s.id from subscription s where s.id = any ($1) and s.state = 'suspended'
		and not exists (select from access_hold h where h.subscription_id = s.id and h.ended_at is null and h.suspends) order by s.id`, subscriptions)
	if err != nil {
		return fmt.Errorf("find what may resume: %w", err)
	}
	free, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("find what may resume: %w", err)
	}
	if len(free) == 0 {
		return nil
	}
	return account.Resume(ctx, tx, free...)
}

// Forget ends what holds a subscription that is over.
func Forget(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, by string, subscriptions ...uuid.UUID) error {
	if err := end(ctx, tx, `subscription_id = any ($3)`, by, subscriptions); err != nil {
		return err
	}
	return Settle(ctx, tx, accountID)
}

// Holds lists what holds an account's services back now or later, and what it
// inherits from who pays for it.
func Holds(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]Hold, error) {
	rows, err := tx.Query(ctx, `select h.id, h.account_id, h.subscription_id, h.cause, h.cause_id, h.level, h.suspends, h.reason, h.from_at, h.until_at, h.created_by, h.created_at
		from billing_account a join access_hold h on h.account_id in (a.id, a.parent_id) and h.ended_at is null
		where a.id = $1 and (h.until_at is null or h.until_at > $2) order by h.created_at, h.id`, accountID, tx.At)
	if err != nil {
		return nil, fmt.Errorf("list holds: %w", err)
	}
	holds, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h Hold, err error) {
		err = row.Scan(h.scanInto()...)
		h.From, h.At = h.From.UTC(), h.At.UTC()
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("list holds: %w", err)
	}
	return holds, nil
}
