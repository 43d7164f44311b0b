package tenants

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/identity"
)

// A few wrong guesses close sign-in for a short while, so that a password can't
// be searched for, nor its user be kept out for long by somebody else's guesses.
const (
	maxFailures = 5
	lockTime    = time.Minute
	sessionLife = time.Hour
)

// Session is a staff user signed in.
type Session struct {
	Token   string
	Expires time.Time
	User    StaffUser
}

// candidate is whose password is about to be checked.
type candidate struct {
	StaffUser
	hash   identity.PasswordHash
	factor bool // has a second one
}

// SignInPlace is from where somebody signs in.
type SignInPlace struct{ UserAgent, Address string }

// Attempt is one attempt to sign in.
type Attempt struct {
	Email, Password string
	Trace           string
	Place           SignInPlace
}

// SignIn is SignInAt for programs, which say nothing of themselves.
func (s *Staff) SignIn(ctx context.Context, email, password, trace string) (Session, error) {
	return s.SignInAt(ctx, Attempt{Email: email, Password: password, Trace: trace})
}

// SignInAt opens a session. Whatever is wrong, the answer is ErrCredentials and
// takes the same time; who has a second factor gets a *FactorWantedError once
// the password was right.
func (s *Staff) SignInAt(ctx context.Context, a Attempt) (Session, error) {
	c, err := s.countAttempt(ctx, a.Email)
	if errors.Is(err, ErrCredentials) {
		if err := s.passwords.CheckNobody(ctx, a.Password); err != nil {
			return Session{}, err
		}
		return Session{}, ErrCredentials
	}
	if err != nil {
		return Session{}, err
	}
	// Between two transactions: hashing takes a core for a while.
	right, err := s.passwords.Check(ctx, c.hash, a.Password)
	if err != nil {
		return Session{}, fmt.Errorf("check password of staff user %s: %w", c.ID, err)
	}
	by := Actor{ID: c.ID, Email: c.Email, Role: c.Role, Trace: a.Trace}
	if !right {
		return Session{}, s.refuse(ctx, by)
	}
	if c.factor {
		return Session{}, s.challenge(ctx, c.StaffUser)
	}
	return s.openSession(ctx, by, c.StaffUser, a.Place)
}

// countAttempt counts an attempt before the password is looked at, so that any
// number of attempts at the same time stay within the limit.
func (s *Staff) countAttempt(ctx context.Context, email string) (candidate, error) {
	var c candidate
	err := s.db.Write(ctx, func(ctx context.Context, tx Tx) error {
		err := tx.QueryRow(ctx, `
			update staff_user
			   set failed_attempts = case when failed_attempts + 1 >= $2 then 0 else failed_attempts + 1 end,
			       locked_until    = case when failed_attempts + 1 >= $2 then $4::timestamptz end
			 where lower(email) = lower($1) and state = 'active' and (locked_until is null or locked_until <= $3)
			returning `+staffColumns+`, password_hash, totp_confirmed_at is not null`, email, maxFailures, tx.At, tx.At.Add(lockTime)).
			Scan(&c.ID, &c.Email, &c.Name, &c.Role, &c.Active, &c.CreatedAt, &c.hash, &c.factor)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrCredentials
		}
		if err != nil {
			return fmt.Errorf("count sign-in: %w", err)
		}
		return nil
	})
	return c, err
}

func (s *Staff) refuse(ctx context.Context, by Actor) error {
	err := s.db.Write(ctx, func(ctx context.Context, tx Tx) error {
		return Record(ctx, tx, by, Entry{Action: "staff.signin_refused", Object: by.ID})
	})
	return errors.Join(ErrCredentials, err)
}

func (s *Staff) openSession(ctx context.Context, by Actor, user StaffUser, place SignInPlace) (Session, error) {
	session := Session{User: user}
	err := s.db.Write(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := tx.Exec(ctx, `update staff_user set failed_attempts = 0, locked_until = null where id = $1`, user.ID); err != nil {
			return fmt.Errorf("open session: %w", err)
		}
		id := uuid.Must(uuid.NewV7())
		session.Expires = tx.At.Add(sessionLife)
		if _, err := tx.Exec(ctx, `
			insert into staff_session (id, staff_id, created_at, expires_at, user_agent, address)
			values ($1, $2, $3, $4, left($5, $7), left($6, $7))`, id, user.ID, tx.At, session.Expires,
			strings.ToValidUTF8(place.UserAgent, "?"), place.Address, maxText); err != nil {
			return fmt.Errorf("open session: %w", err)
		}
		key, err := s.signingKey(ctx, tx)
		if err != nil {
			return err
		}
		claims := identity.Claims{Subject: user.ID, Session: id, Role: string(user.Role), IssuedAt: tx.At, Expires: session.Expires}
		if session.Token, err = (identity.TokenSigner{Realm: realm, Key: key}).Sign(claims); err != nil {
			return err
		}
		return Record(ctx, tx, by, Entry{Action: "staff.signin", Object: user.ID})
	})
	return session, err
}

// SignOut ends a session; ending it again changes nothing.
func SignOut(ctx context.Context, tx Tx, by Actor) error {
	if _, err := tx.Exec(ctx, `update staff_session set ended_at = $2 where id = $1 and ended_at is null`, by.Session, tx.At); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return Record(ctx, tx, by, Entry{Action: "staff.signout", Object: by.ID})
}

func endSessions(ctx context.Context, tx Tx, staff uuid.UUID) error {
	if _, err := tx.Exec(ctx, `update staff_session set ended_at = $2 where staff_id = $1 and ended_at is null`, staff, tx.At); err != nil {
		return fmt.Errorf("end sessions of staff user %s: %w", staff, err)
	}
	return nil
}
