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

// Method is how somebody showed who they are.
type Method string

// The methods.
const (
	ByPassword Method = "password"
	ByCode     Method = "code" // sent by e-mail or SMS
)

// Credentials are what somebody signs in with.
type Credentials struct {
	Email     string
	Password  string
	UserAgent string
	Address   string // the caller's, without port; empty: not limited
	Device    string // the device cookie's value, or ""
}

// SignedIn is a user with a new session and the token that speaks for it.
type SignedIn struct {
	User    User
	Session uuid.UUID
	Token   string
	Expires time.Time // the token's; Renew gives the next one
	Device  string    // the device cookie's new value, to be kept for a year; "": it keeps the one it has
}

// SignIn checks a password and opens a session, or asks for the second factor
// with a *SecondFactorError. It is two transactions with the password check
// between them, so that the wait for it holds no connection: the first counts
// the attempt, the second takes the count back when it was right. Each way to
// fail is ErrSignIn after the same work; ErrTooMany and ErrBusy come before it.
func (a *Authority) SignIn(ctx context.Context, db *tenant.DB, ref tenant.Ref, c Credentials) (SignedIn, error) {
	o := origin{address: c.Address, userAgent: c.UserAgent, device: c.Device}
	t, err := a.tryPassword(ctx, db, ref, who{`lower(u.email)`, strings.ToLower(findable(c.Email))}, c.Password, o)
	if err != nil {
		return SignedIn{}, err
	}
	return a.advance(ctx, db, ref, t, ByPassword)
}

// tryPassword counts an attempt and checks the password.
func (a *Authority) tryPassword(ctx context.Context, db *tenant.DB, ref tenant.Ref, w who, password string, o origin) (attempt, error) {
	if err := a.admit(o); err != nil {
		return attempt{}, err
	}
	var t attempt
	err := db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		t, err = a.arrive(ctx, tx, w, o)
		return err
	})
	if err != nil {
		return t, fmt.Errorf("sign in: %w", err)
	}
	passwords := a.passwords.For(ref.ID)
	if t.barred || t.hash == "" {
		if err := passwords.CheckNobody(ctx, password); err != nil {
			return t, fmt.Errorf("sign in: %w", err)
		}
		return t, ErrSignIn
	}
	right, err := passwords.Check(ctx, t.hash, password)
	if err != nil {
		return t, fmt.Errorf("sign in: %w", err)
	}
	if !right {
		return t, ErrSignIn
	}
	return t, nil
}

// advance goes on after the first factor: to the second where there is one,
// else in.
func (a *Authority) advance(ctx context.Context, db *tenant.DB, ref tenant.Ref, t attempt, method Method) (SignedIn, error) {
	var in SignedIn
	var wanted *SecondFactorError
	err := db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		in, wanted, err = a.afterFirst(ctx, tx, t, method)
		return err
	})
	switch {
	case err != nil:
		return SignedIn{}, err
	case wanted != nil:
		return SignedIn{}, wanted
	}
	a.refund(t)
	return in, nil
}

func (a *Authority) afterFirst(ctx context.Context, tx tenant.Tx, t attempt, method Method) (SignedIn, *SecondFactorError, error) {
	if err := lockUnchanged(ctx, tx, t); err != nil {
		return SignedIn{}, nil, err
	}
	has, err := a.HasTOTP(ctx, tx, t.user)
	if err != nil {
		return SignedIn{}, nil, err
	}
	if has {
		wanted, err := a.challenge(ctx, tx, t, method)
		return SignedIn{}, wanted, err
	}
	in, err := a.letIn(ctx, tx, t, session{method: method})
	return in, nil, err
}

// lockUnchanged refuses a user who was disabled or got another password since
// the attempt was looked up, and keeps it from happening until this ends.
func lockUnchanged(ctx context.Context, tx tenant.Tx, t attempt) error {
	var found bool
	err := tx.QueryRow(ctx, `
		select true
		  from app_user
		 where id = $1 and password_hash = $2 and state = 'active'
		   for no key update`, t.user, t.hash).Scan(&found)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrSignIn
	}
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	return nil
}

// letIn begins the session of a user who has shown all that was wanted.
func (a *Authority) letIn(ctx context.Context, tx tenant.Tx, t attempt, s session) (SignedIn, error) {
	if !t.known { // a known browser's counter is cleared with keepDevice
		if err := strangers.clear(ctx, tx, t); err != nil {
			return SignedIn{}, err
		}
	}
	user, err := a.GetUser(ctx, tx, t.user)
	if err != nil {
		return SignedIn{}, err
	}
	if err := becomes(ctx, tx, t.event, EventSignedIn); err != nil {
		return SignedIn{}, err
	}
	device, err := a.keepDevice(ctx, tx, t.user, t.device)
	if err != nil {
		return SignedIn{}, err
	}
	if s, err = a.addSession(ctx, tx, user.ID, s, t.origin); err != nil {
		return SignedIn{}, err
	}
	if err := a.rotateOld(ctx, tx); err != nil {
		return SignedIn{}, err
	}
	in, err := a.issue(ctx, tx, user, s)
	in.Device = device
	return in, err
}
