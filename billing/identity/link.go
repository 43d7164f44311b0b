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

// A link to choose a password is good once, for resetLife or invitationLife.
// So many resets are sent to one user.
const (
	resetLife      = 30 * time.Minute
	invitationLife = 7 * 24 * time.Hour
)

// linkKind is what a link to choose a password is for.
type linkKind string

const (
	resetLink      linkKind = "reset"
	invitationLink linkKind = "invitation"
)

// Errors of such links.
var (
	ErrResetToken = errors.New("this link is not good any more: ask for a new one")
	ErrNotInvited = errors.New("this user has chosen a password already")
)

// ResetRequest asks for a link to choose a new password.
type ResetRequest struct {
	Email   string
	Address string // the caller's
	Link    string // what the token is appended to; ours, never the caller's
}

// SendReset mails a link to choose a new password to whom an address belongs.
// The answer is the same, and takes the same time, whether there is somebody or
// not; only an address that asks too often is told.
func (a *Authority) SendReset(ctx context.Context, db *tenant.DB, ref tenant.Ref, r ResetRequest) error {
	o := origin{address: r.Address}
	if err := a.admit(o); err != nil {
		return err
	}
	w := who{`lower(u.email)`, strings.ToLower(findable(r.Email))}
	return evenly(ctx, func() error {
		return db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error { return a.sendReset(ctx, tx, w, o, r.Link) })
	})
}

func (a *Authority) sendReset(ctx context.Context, tx tenant.Tx, w who, o origin, link string) error {
	t, err := a.findAttempt(ctx, tx, w, o)
	if err != nil {
		return err
	}
	allowed, err := a.mayReset(ctx, tx, t.user)
	if err != nil {
		return err
	}
	t.barred = t.barred || !allowed
	token, err := a.addLink(ctx, tx, t, resetLink, resetLife)
	if err != nil {
		return err
	}
	if _, err := a.note(ctx, tx, t.user, EventResetSent, "", o); err != nil || t.barred {
		return err
	}
	return a.tell(ctx, tx, t.user, passwordReset, "", link+token)
}

// mayReset says whether a user may be sent one more link.
func (a *Authority) mayReset(ctx context.Context, tx tenant.Tx, user uuid.UUID) (bool, error) {
	// Whoever asks for the same user at the same time waits here.
	if _, err := tx.Exec(ctx, `select from app_user where id = $1 for no key update`, user); err != nil {
		return false, fmt.Errorf("lock user: %w", err)
	}
	var recent int
	err := tx.QueryRow(ctx, `select count(*) from password_link where user_id = $1 and created_at > $2`, user, a.now().Add(-sendSpan)).Scan(&recent)
	if err != nil {
		return false, fmt.Errorf("count links sent: %w", err)
	}
	return recent < sendsPerSpan, nil
}

// addLink stores a link's token. One that is not sent is stored as nobody's.
func (a *Authority) addLink(ctx context.Context, tx tenant.Tx, t attempt, kind linkKind, life time.Duration) (string, error) {
	token, hash, err := newToken()
	if err != nil {
		return "", err
	}
	var whose *uuid.UUID
	if !t.barred {
		whose = &t.user
	}
	now := a.now()
	_, err = tx.Exec(ctx, `
		insert into password_link (hash, user_id, kind, created_at, expires_at)
		values ($1, $2, $3, $4, $5)`, hash, whose, kind, now, now.Add(life))
	if err != nil {
		return "", fmt.Errorf("store link: %w", err)
	}
	_, err = tx.Exec(ctx, `delete from password_link where hash <> $1 and (user_id = $2 and expires_at <= $3 or user_id is null)`, hash, t.user, now)
	if err != nil {
		return "", fmt.Errorf("forget links: %w", err)
	}
	return token, nil
}

// Invite mails a user, who has no password yet, a link to choose one. link is
// what the token is appended to. ErrNotInvited if the user has a password.
func (a *Authority) Invite(ctx context.Context, tx tenant.Tx, user uuid.UUID, link string) error {
	t := attempt{user: user}
	err := tx.QueryRow(ctx, `select password_hash from app_user where id = $1`, user).Scan(&t.hash)
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("user %s: %w", user, ErrUserNotFound)
	}
	if err != nil {
		return fmt.Errorf("read user %s: %w", user, err)
	}
	if t.hash != "" {
		return ErrNotInvited
	}
	token, err := a.addLink(ctx, tx, t, invitationLink, invitationLife)
	if err != nil {
		return err
	}
	if _, err := a.note(ctx, tx, user, EventInvited, "", origin{}); err != nil {
		return err
	}
	return a.tell(ctx, tx, user, invitation, "", link+token)
}

// ResetPassword sets the password of whoever holds a link's token, once, and
// ends all sessions. The second factor stays wanted. ErrResetToken for a token
// that is not good (any more), ErrPassword for a password too short or too long.
func (a *Authority) ResetPassword(ctx context.Context, db *tenant.DB, ref tenant.Ref, token, password string) error {
	// Whether the token is good is looked at before the password is hashed:
	// that costs a core for a while, and nobody guesses 32 bytes.
	if err := db.Read(ctx, ref, func(ctx context.Context, tx tenant.Tx) error { return a.linkIsGood(ctx, tx, token) }); err != nil {
		return err
	}
	hash, err := a.passwords.For(ref.ID).Hash(ctx, password)
	if err != nil {
		return err
	}
	return db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		user, err := a.takeLink(ctx, tx, token)
		if err != nil {
			return err
		}
		if _, err := a.note(ctx, tx, user, EventPasswordChanged, "", origin{}); err != nil {
			return err
		}
		return a.replacePassword(ctx, tx, user, hash, uuid.Nil)
	})
}

func (a *Authority) linkIsGood(ctx context.Context, tx tenant.Tx, token string) error {
	var good bool
	err := tx.QueryRow(ctx, `
		select exists (
			select from password_link l join app_user u on u.id = l.user_id
			 where l.hash = $1 and l.done_at is null and l.expires_at > $2 and u.state = 'active')`, hashToken(token), a.now()).Scan(&good)
	if err != nil {
		return fmt.Errorf("read link: %w", err)
	}
	if !good {
		return ErrResetToken
	}
	return nil
}

// takeLink uses a link up: of two who come with it at the same time the second
// waits at the row and then finds it used.
func (a *Authority) takeLink(ctx context.Context, tx tenant.Tx, token string) (uuid.UUID, error) {
	var user uuid.UUID
	err := tx.QueryRow(ctx, `
		update password_link l
		   set done_at = $2
		  from app_user u
		 where l.hash = $1 and l.done_at is null and l.expires_at > $2 and u.id = l.user_id and u.state = 'active'
		returning l.user_id`, hashToken(token), a.now()).Scan(&user)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, ErrResetToken
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("use link: %w", err)
	}
	return user, nil
}
