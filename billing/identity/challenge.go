package identity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// A challenge is open for challengeLife and challengeTries.
const (
	challengeLife  = 5 * time.Minute
	challengeTries = 5
)

// ErrSecondFactor means that the first factor was right and a second is wanted;
// SecondFactorError carries the challenge to hand back with it.
var ErrSecondFactor = errors.New("a code of the second factor is wanted")

// SecondFactorError asks for the second factor. Whoever has the challenge has
// shown the first: it is as secret as the password was.
type SecondFactorError struct{ Challenge string }

func (e *SecondFactorError) Error() string { return ErrSecondFactor.Error() }

// Is makes it an ErrSecondFactor.
func (e *SecondFactorError) Is(target error) bool { return target == ErrSecondFactor }

// SecondFactor answers a challenge.
type SecondFactor struct {
	Challenge string
	Code      string // of the user's app, or a recovery code
	UserAgent string
	Address   string
	Device    string
}

// challenge begins the wait for the second factor.
func (a *Authority) challenge(ctx context.Context, tx tenant.Tx, t attempt, method Method) (*SecondFactorError, error) {
	text, hash, err := newToken()
	if err != nil {
		return nil, err
	}
	now := a.now()
	// What has ended is of no use to anybody.
	if _, err := tx.Exec(ctx, `delete from signin_challenge where user_id = $1 and expires_at <= $2`, t.user, now); err != nil {
		return nil, fmt.Errorf("forget challenges: %w", err)
	}
	_, err = tx.Exec(ctx, `
		insert into signin_challenge (hash, user_id, method, created_at, expires_at)
		values ($1, $2, $3, $4, $5)`, hash, t.user, method, now, now.Add(challengeLife))
	if err != nil {
		return nil, fmt.Errorf("store challenge: %w", err)
	}
	return &SecondFactorError{Challenge: text}, becomes(ctx, tx, t.event, EventChallenged)
}

// CompleteSignIn checks the second factor of a challenge and opens a session.
// ErrSignIn for a wrong code, one used before, a challenge that has ended or had
// its tries, and too many tries of this user's.
func (a *Authority) CompleteSignIn(ctx context.Context, db *tenant.DB, ref tenant.Ref, f SecondFactor) (SignedIn, error) {
	o := origin{address: f.Address, userAgent: f.UserAgent, device: f.Device}
	if err := a.admit(o); err != nil {
		return SignedIn{}, err
	}
	var in SignedIn
	var t attempt
	var refused bool
	err := db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		// A refusal is committed too: it counts.
		in, t, err = a.complete(ctx, tx, f, o)
		if refused = errors.Is(err, ErrSignIn); refused {
			return nil
		}
		return err
	})
	if err != nil {
		return SignedIn{}, fmt.Errorf("complete sign-in: %w", err)
	}
	if refused {
		return SignedIn{}, ErrSignIn
	}
	a.refund(t)
	return in, nil
}

func (a *Authority) complete(ctx context.Context, tx tenant.Tx, f SecondFactor, o origin) (SignedIn, attempt, error) {
	t, method, err := a.answered(ctx, tx, f.Challenge, o)
	if err != nil {
		return SignedIn{}, t, err
	}
	if t, err = a.countFactor(ctx, tx, t, method); err != nil {
		return SignedIn{}, t, err
	}
	factor, err := a.takeFactor(ctx, tx, t, f.Code)
	if err != nil {
		return SignedIn{}, t, err
	}
	if _, err := tx.Exec(ctx, `update signin_challenge set done_at = $2 where hash = $1`, hashToken(f.Challenge), a.now()); err != nil {
		return SignedIn{}, t, fmt.Errorf("end challenge: %w", err)
	}
	if !t.known {
		if err := factors.clear(ctx, tx, t); err != nil {
			return SignedIn{}, t, err
		}
	}
	in, err := a.letIn(ctx, tx, t, session{method: method, factor: factor})
	return in, t, err
}

// countFactor counts and notes a try at the second factor, across challenges;
// ErrSignIn for one that comes too soon.
func (a *Authority) countFactor(ctx context.Context, tx tenant.Tx, t attempt, method Method) (attempt, error) {
	counter := factors
	if t.known {
		counter = browser
	}
	allowed, err := counter.count(ctx, tx, t, a.now())
	if err != nil {
		return t, err
	}
	kind := EventRefused
	if !allowed {
		kind = EventDelayed
	}
	if t.event, err = a.note(ctx, tx, t.user, kind, method, t.origin); err == nil && !allowed {
		err = ErrSignIn
	}
	return t, err
}

// answered finds an open challenge and counts a try at it. Its lock makes tries
// at the same time take turns.
func (a *Authority) answered(ctx context.Context, tx tenant.Tx, challenge string, o origin) (attempt, Method, error) {
	t := attempt{origin: o}
	var method Method
	err := tx.QueryRow(ctx, `
		update signin_challenge c
		   set attempts = attempts + 1
		  from app_user u
		 where c.hash = $1 and c.done_at is null and c.expires_at > $2 and c.attempts < $3 and u.id = c.user_id and u.state = 'active'
		returning c.user_id, c.method, exists (select from signin_device d where d.user_id = c.user_id and d.hash = $4)`,
		hashToken(challenge), a.now(), challengeTries, hashToken(o.device)).Scan(&t.user, &method, &t.known)
	if errors.Is(err, pgx.ErrNoRows) {
		return t, method, ErrSignIn
	}
	if err != nil {
		return t, method, fmt.Errorf("find challenge: %w", err)
	}
	return t, method, a.admitDevice(t)
}

// takeFactor uses a code of the app or a recovery code up.
func (a *Authority) takeFactor(ctx context.Context, tx tenant.Tx, t attempt, code string) (Factor, error) {
	f, err := a.lockTOTP(ctx, tx, t.user)
	if errors.Is(err, ErrNoFactor) || err == nil && !f.confirmed {
		return "", ErrSignIn // it was removed meanwhile: begin again
	}
	if err != nil {
		return "", err
	}
	right, err := a.takeStep(ctx, tx, f, code)
	if err != nil || right {
		return TOTP, err
	}
	right, err = a.takeRecoveryCode(ctx, tx, t.user, code)
	if err != nil || right {
		return Recovery, err
	}
	return "", ErrSignIn
}
