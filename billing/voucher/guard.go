package voucher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// How wrong PINs are met: after freeTries each further one makes the next wait
// twice as long. That is at most some 30 tries a day, of ten million million
// million PINs.
const (
	freeTries   = 5
	firstWait   = time.Minute
	longestWait = time.Hour
	forgetAfter = 24 * time.Hour
)

// TriesError refuses a try that comes too soon. It wraps ErrTooMany.
type TriesError struct{ Until time.Time } // wall time

func (e *TriesError) Error() string {
	return fmt.Sprintf("%v: the next may be tried at %s", ErrTooMany, e.Until.Format(time.RFC3339))
}

func (e *TriesError) Unwrap() error { return ErrTooMany }

// tries is what an account remembers of wrong PINs. Until is when the next may
// come; it also tells when the last one was.
type tries struct {
	count int
	until *time.Time
}

// next counts a try, or says that it may not be made yet.
func (t tries) next(now time.Time) (after tries, allowed bool) {
	if t.until != nil && now.Before(*t.until) {
		return t, false
	}
	if t.until != nil && now.Sub(*t.until) > forgetAfter {
		t.count = 0
	}
	wait := time.Duration(0)
	if n := t.count + 1 - freeTries; n >= 0 {
		wait = firstWait
		for ; n > 0 && wait < longestWait; n-- {
			wait *= 2
		}
		wait = min(wait, longestWait)
	}
	until := now.Add(wait)
	return tries{count: t.count + 1, until: &until}, true
}

// Count counts a try at an account, in a transaction of its own that is
// committed before the PIN is looked at; a right one makes it forgotten. now is
// wall time. ErrTooMany (a *TriesError) refuses.
func Count(ctx context.Context, tx tenant.Tx, account uuid.UUID, now time.Time) error {
	var before tries
	err := tx.QueryRow(ctx, `select voucher_tries, voucher_wait from billing_account where id = $1 for no key update`, account).Scan(&before.count, &before.until)
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("account %s: %w", account, payment.ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("read wrong PINs of account %s: %w", account, err)
	}
	after, allowed := before.next(now)
	if !allowed {
		return &TriesError{before.until.UTC()}
	}
	if _, err := tx.Exec(ctx, `update billing_account set voucher_tries = $2, voucher_wait = $3 where id = $1`, account, after.count, after.until); err != nil {
		return fmt.Errorf("count a PIN of account %s: %w", account, err)
	}
	return nil
}

// forget starts the count anew after a right PIN.
func forget(ctx context.Context, tx tenant.Tx, account uuid.UUID) error {
	if _, err := tx.Exec(ctx, `update billing_account set voucher_tries = 0, voucher_wait = null where id = $1`, account); err != nil {
		return fmt.Errorf("forget wrong PINs of account %s: %w", account, err)
	}
	return nil
}
