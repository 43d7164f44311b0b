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

// ErrSessionNotFound means that a user has no such open session.
var ErrSessionNotFound = errors.New("no such open session")

// OpenSession is a session that is good now, as its user is shown it.
type OpenSession struct {
	ID        uuid.UUID
	CreatedAt time.Time // wall time, as all here
	ExpiresAt time.Time
	LastSeen  time.Time // to the minute
	Method    Method
	Factor    Factor // zero: there was no second one
	Address   string
	UserAgent string
}

// Sessions lists a user's open sessions, the one used last first.
func (a *Authority) Sessions(ctx context.Context, tx tenant.Tx, user uuid.UUID) ([]OpenSession, error) {
	rows, err := tx.Query(ctx, `
		select id, created_at, expires_at, coalesce(last_seen_at, created_at), method, second_factor, address, user_agent
		  from signin_session
		 where user_id = $1 and ended_at is null and expires_at > $2
		 order by coalesce(last_seen_at, created_at) desc, id desc
		 limit $3`, user, a.now(), MaxPage)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	open, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s OpenSession, err error) {
		err = row.Scan(&s.ID, &s.CreatedAt, &s.ExpiresAt, &s.LastSeen, &s.Method, &s.Factor, &s.Address, &s.UserAgent)
		s.CreatedAt, s.ExpiresAt, s.LastSeen = s.CreatedAt.UTC(), s.ExpiresAt.UTC(), s.LastSeen.UTC()
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return open, nil
}

// EndSessionOf ends one session of a user; ErrSessionNotFound if it is another
// user's, or not open.
func (a *Authority) EndSessionOf(ctx context.Context, tx tenant.Tx, user, session uuid.UUID) error {
	done, err := tx.Exec(ctx, `
		update signin_session
		   set ended_at = $3
		 where id = $2 and user_id = $1 and ended_at is null and expires_at > $3`, user, session, a.now())
	if err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("session %s: %w", session, ErrSessionNotFound)
	}
	_, err = a.note(ctx, tx, user, EventSessionsEnded, "", origin{})
	return err
}

// EndOtherSessions ends all sessions of a principal's user but the one it
// speaks in, and sign-ins that wait for their second factor.
func (a *Authority) EndOtherSessions(ctx context.Context, tx tenant.Tx, p Principal) error {
	if p.Kind != UserPrincipal {
		return fmt.Errorf("%s has no sessions: %w", p.Kind, ErrForbidden)
	}
	if err := a.closeDoors(ctx, tx, p.UserID, p.Session); err != nil {
		return err
	}
	_, err := a.note(ctx, tx, p.UserID, EventSessionsEnded, "", origin{})
	return err
}

// Seen notes that a principal's session is in use, once a minute: at other
// times it does nothing at all. A transaction of its own, as whoever recognises
// a principal only reads.
func (a *Authority) Seen(ctx context.Context, db *tenant.DB, ref tenant.Ref, p Principal) error {
	if !p.unseen {
		return nil
	}
	return db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		now := a.now()
		_, err := tx.Exec(ctx, `
			update signin_session
			   set last_seen_at = $2
			 where id = $1 and coalesce(last_seen_at, created_at) <= $3`, p.Session, now, now.Add(-seenEvery))
		if err != nil {
			return fmt.Errorf("note session: %w", err)
		}
		return nil
	})
}
