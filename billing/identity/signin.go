package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// ErrSignIn is the one answer to every sign-in that fails, whatever the reason.
var ErrSignIn = errors.New("email or password is wrong, or there were too many attempts: wait a minute")

// Credentials are what somebody signs in with.
type Credentials struct {
	Email     string
	Password  string
	UserAgent string
}

// SignedIn is a user with a new session and the token that speaks for it.
type SignedIn struct {
	User    User
	Session uuid.UUID
	Token   string
	Expires time.Time // the token's; Renew gives the next one
}

// candidate is a user about to have its password checked.
type candidate struct {
	id    uuid.UUID
	hash  PasswordHash
	state UserState
	attempts
}

// SignIn checks a password and opens a session. It is two transactions with the
// password check between them, so that the wait for it holds no connection: the
// first counts the attempt, the second takes the count back when it was right.
func (a *Authority) SignIn(ctx context.Context, db *tenant.DB, ref tenant.Ref, c Credentials) (SignedIn, error) {
	var found *candidate
	err := db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		found, err = a.countAttempt(ctx, tx, c.Email)
		return err
	})
	if err != nil {
		return SignedIn{}, fmt.Errorf("sign in: %w", err)
	}
	if found == nil || found.state != UserActive || found.hash == "" {
		if err := a.passwords.CheckNobody(ctx, c.Password); err != nil {
			return SignedIn{}, fmt.Errorf("sign in: %w", err)
		}
		return SignedIn{}, ErrSignIn
	}
	right, err := a.passwords.Check(ctx, found.hash, c.Password)
	if err != nil {
		return SignedIn{}, fmt.Errorf("sign in: %w", err)
	}
	if !right {
		return SignedIn{}, ErrSignIn
	}
	var in SignedIn
	err = db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		in, err = a.openSession(ctx, tx, *found, c.UserAgent)
		return err
	})
	return in, err
}

// countAttempt finds who wants in and counts the attempt against them, or
// returns nil where there is nobody, or nobody who may try now.
//
//nolint:misspell // failed_signins is the column's name
func (a *Authority) countAttempt(ctx context.Context, tx tenant.Tx, email string) (*candidate, error) {
	var c candidate
	err := tx.QueryRow(ctx, `
		select id, password_hash, state, failed_signins, locked_until
		  from app_user
		 where lower(email) = $1
		   for update`, strings.ToLower(email)).Scan(&c.id, &c.hash, &c.state, &c.count, &c.until)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find user: %w", err)
	}
	counted, allowed := c.next(a.now())
	if !allowed {
		return nil, nil
	}
	_, err = tx.Exec(ctx, `update app_user set failed_signins = $2, locked_until = $3 where id = $1`, c.id, counted.count, counted.until)
	if err != nil {
		return nil, fmt.Errorf("count sign-in: %w", err)
	}
	return &c, nil
}

// openSession starts the session of a user whose password was right, unless the
// user was disabled or got another password in the meantime.
//
//nolint:misspell // failed_signins is the column's name
func (a *Authority) openSession(ctx context.Context, tx tenant.Tx, c candidate, userAgent string) (SignedIn, error) {
	done, err := tx.Exec(ctx, `
		update app_user
		   set failed_signins = 0, locked_until = null
		 where id = $1 and password_hash = $2 and state = 'active'`, c.id, c.hash)
	if err != nil {
		return SignedIn{}, fmt.Errorf("sign in: %w", err)
	}
	if done.RowsAffected() == 0 {
		return SignedIn{}, ErrSignIn
	}
	user, err := a.GetUser(ctx, tx, c.id)
	if err != nil {
		return SignedIn{}, err
	}
	session, err := a.addSession(ctx, tx, user.ID, userAgent)
	if err != nil {
		return SignedIn{}, err
	}
	return a.issue(ctx, tx, user, session)
}
