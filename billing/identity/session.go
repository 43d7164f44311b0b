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

// sessionLife is how long a sign-in lasts, a working day; seenEvery how often
// it is noted that a session is in use; keepSessions how long one is kept that
// is over; maxUserAgent bounds what is kept of
// what a browser says of itself, in bytes.
const (
	sessionLife  = 12 * time.Hour
	seenEvery    = time.Minute
	keepSessions = 30 * 24 * time.Hour
	maxUserAgent = 200
)

type session struct {
	id      uuid.UUID
	expires time.Time
	method  Method
	factor  Factor
}

func (a *Authority) addSession(ctx context.Context, tx tenant.Tx, user uuid.UUID, s session, o origin) (session, error) {
	now := a.now()
	s.id, s.expires = uuid.Must(uuid.NewV7()), now.Add(sessionLife)
	_, err := tx.Exec(ctx, `
		insert into signin_session (id, user_id, created_at, expires_at, user_agent, address, method, second_factor)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		s.id, user, now, s.expires, kept(o.userAgent, maxUserAgent), kept(o.address, maxAddress), s.method, s.factor)
	if err != nil {
		return session{}, fmt.Errorf("open session: %w", err)
	}
	// What was when is told by the history; of what is long over nothing is left.
	if _, err := tx.Exec(ctx, `delete from signin_session where user_id = $1 and expires_at <= $2`, user, now.Add(-keepSessions)); err != nil {
		return session{}, fmt.Errorf("forget sessions: %w", err)
	}
	return s, nil
}

// issue signs a token for a session. It ends with the session, or an hour from now.
func (a *Authority) issue(ctx context.Context, tx tenant.Tx, user User, s session) (SignedIn, error) {
	token, expires, err := a.sign(ctx, tx, Claims{Subject: user.ID, Session: s.id, Role: string(user.Role)}, s.expires)
	return SignedIn{User: user, Session: s.id, Token: token, Expires: expires}, err
}

func (a *Authority) sign(ctx context.Context, tx tenant.Tx, c Claims, ends time.Time) (token string, expires time.Time, err error) {
	signer, err := a.signer(ctx, tx)
	if err != nil {
		return "", time.Time{}, err
	}
	// Tokens carry whole seconds.
	c.IssuedAt = a.now().Truncate(time.Second)
	c.Expires = c.IssuedAt.Add(MaxTokenLife)
	if ends.Before(c.Expires) {
		c.Expires = ends.Truncate(time.Second)
	}
	token, err = signer.Sign(c)
	return token, c.Expires, err
}

// Renew gives the next token of a principal's session, which must be open.
func (a *Authority) Renew(ctx context.Context, tx tenant.Tx, p Principal) (SignedIn, error) {
	s := session{id: p.Session}
	err := tx.QueryRow(ctx, `
		select expires_at
		  from signin_session
		 where id = $1 and user_id = $2 and ended_at is null and expires_at > $3`, p.Session, p.UserID, a.now()).Scan(&s.expires)
	if errors.Is(err, pgx.ErrNoRows) {
		return SignedIn{}, ErrUnauthenticated
	}
	if err != nil {
		return SignedIn{}, fmt.Errorf("read session: %w", err)
	}
	user, err := a.GetUser(ctx, tx, p.UserID)
	if err != nil {
		return SignedIn{}, err
	}
	return a.issue(ctx, tx, user, s)
}

// EndSession signs a principal out: its tokens are void at once. Ending an
// ended session changes nothing.
func (a *Authority) EndSession(ctx context.Context, tx tenant.Tx, p Principal) error {
	_, err := tx.Exec(ctx, `update signin_session set ended_at = $3 where id = $1 and user_id = $2 and ended_at is null`, p.Session, p.UserID, a.now())
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}
