package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// attempt is somebody at the door, counted before anything is checked.
type attempt struct {
	origin
	user   uuid.UUID // zero: there is nobody of that name
	hash   PasswordHash
	known  bool // the user has signed in from this browser before
	barred bool // nobody may come in this way now: unknown, disabled, or too soon
	event  uuid.UUID
}

// who says which user is meant, by a column that is unique among them.
type who struct {
	column string // email, phone or id: never from outside
	value  any
}

// findAttempt looks up who is meant and whether the browser is known to them.
// ErrTooMany if it is not, and its address has tried too often.
func (a *Authority) findAttempt(ctx context.Context, tx tenant.Tx, w who, o origin) (attempt, error) {
	t := attempt{origin: o}
	var state UserState
	err := tx.QueryRow(ctx, `
		select u.id, u.password_hash, u.state, d.hash is not null
		  from app_user u
		  left join signin_device d on d.user_id = u.id and d.hash = $2
		 where `+w.column+` = $1`, w.value, hashToken(o.device)).Scan(&t.user, &t.hash, &state, &t.known)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return t, fmt.Errorf("find user: %w", err)
	}
	t.barred = state != UserActive
	return t, a.admitDevice(t)
}

// arrive finds who wants in with a password and counts the attempt: at the
// browser if it is a known one, else with all strangers. Where there is nobody
// the same statements run and find nothing, so that the time is the same. The
// attempt is noted as refused until it turns out otherwise.
func (a *Authority) arrive(ctx context.Context, tx tenant.Tx, w who, o origin) (attempt, error) {
	t, err := a.findAttempt(ctx, tx, w, o)
	if err != nil {
		return t, err
	}
	counter := strangers
	if t.known {
		counter = browser
	}
	allowed, err := counter.count(ctx, tx, t, a.now())
	if err != nil {
		return t, err
	}
	kind := EventRefused
	if !allowed {
		kind, t.barred = EventDelayed, true
	}
	t.event, err = a.note(ctx, tx, t.user, kind, ByPassword, o)
	return t, err
}

// counter is where failed attempts are counted.
type counter struct {
	find, store string
	longest     time.Duration
}

// The counters. Each is locked while it is counted on, so that attempts at the
// same time cannot outrun the limit, and none of them locks another; nor a
// foreign key's check, hence no key.
//
//nolint:misspell // failed_signins is the column's name
var (
	strangers = counter{
		`select failed_signins, locked_until from app_user where id = $1 and $2::bytea is not null for no key update`,
		`update app_user set failed_signins = $3, locked_until = $4 where id = $1 and $2::bytea is not null`, maxDelay,
	}
	browser = counter{
		`select failed, locked_until from signin_device where user_id = $1 and hash = $2 for no key update`,
		`update signin_device set failed = $3, locked_until = $4 where user_id = $1 and hash = $2`, maxDelay,
	}
	factors = counter{
		`select failed, locked_until from user_totp where user_id = $1 and $2::bytea is not null for no key update`,
		`update user_totp set failed = $3, locked_until = $4 where user_id = $1 and $2::bytea is not null`, maxFactorDelay,
	}
)

// count counts an attempt, unless it comes too soon.
func (c counter) count(ctx context.Context, tx tenant.Tx, t attempt, now time.Time) (allowed bool, err error) {
	var before attempts
	device := hashToken(t.device)
	err = tx.QueryRow(ctx, c.find, t.user, device).Scan(&before.count, &before.until)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("read failed sign-ins: %w", err)
	}
	after, allowed := before.next(now, c.longest)
	if _, err := tx.Exec(ctx, c.store, t.user, device, after.count, after.until); err != nil {
		return false, fmt.Errorf("count sign-in: %w", err)
	}
	return allowed, nil
}

// clear forgets failed attempts of a user who has come in: those of the
// browser it came by. A known browser's success says nothing of strangers.
func (c counter) clear(ctx context.Context, tx tenant.Tx, t attempt) error {
	if _, err := tx.Exec(ctx, c.store, t.user, hashToken(t.device), 0, nil); err != nil {
		return fmt.Errorf("forget failed sign-ins: %w", err)
	}
	return nil
}
