package tenants

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/identity"
)

// ChangePassword replaces one's own password, which wants the old one: whoever
// finds an open browser must not be able to keep it. All other sessions end.
// ErrCredentials for a wrong old one, identity.ErrPassword for a new one that is
// too short or too long.
func (s *Staff) ChangePassword(ctx context.Context, by Actor, old, password string) error {
	if err := s.confirm(ctx, by, old); err != nil {
		return err
	}
	hash, err := s.passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, tx Tx) error {
		if _, err := tx.Exec(ctx, `update staff_user set password_hash = $2 where id = $1`, by.ID, hash); err != nil {
			return fmt.Errorf("set password of staff user %s: %w", by.ID, err)
		}
		if err := endOthers(ctx, tx, by); err != nil {
			return err
		}
		return Record(ctx, tx, by, Entry{Action: "staff.password", Object: by.ID})
	})
}

// confirm checks the password of somebody who is signed in, counted as any
// attempt is.
func (s *Staff) confirm(ctx context.Context, by Actor, password string) error {
	c, err := s.countAttempt(ctx, by.Email)
	if err != nil {
		return err
	}
	right, err := s.passwords.Check(ctx, c.hash, password)
	if err != nil {
		return fmt.Errorf("check password of staff user %s: %w", by.ID, err)
	}
	if !right || c.ID != by.ID {
		return s.refuse(ctx, by)
	}
	return s.db.Write(ctx, func(ctx context.Context, tx Tx) error {
		_, err := tx.Exec(ctx, `update staff_user set failed_attempts = 0, locked_until = null where id = $1`, by.ID)
		return err
	})
}

// NewPassword draws another first password for a staff user who has lost
// theirs; every session of theirs ends.
type NewPassword struct {
	password string
	hash     identity.PasswordHash
}

// DrawPassword draws a password outside any transaction, as hashing takes time.
func (s *Staff) DrawPassword(ctx context.Context) (NewPassword, error) {
	password, hash, err := firstPassword(ctx, s.passwords)
	return NewPassword{password, hash}, err
}

// Reset gives a staff user another first password, told this once, and takes
// their second factor away.
func (s *Staff) Reset(ctx context.Context, tx Tx, by Actor, id uuid.UUID, n NewPassword) (password string, err error) {
	done, err := tx.Exec(ctx, `
		update staff_user
		   set password_hash = $2, failed_attempts = 0, locked_until = null, sealed_totp = null, totp_confirmed_at = null, totp_last_step = 0
		 where id = $1`, id, n.hash)
	if err != nil {
		return "", fmt.Errorf("reset staff user %s: %w", id, err)
	}
	if done.RowsAffected() != 1 {
		return "", fmt.Errorf("staff user %s: %w", id, ErrNotFound)
	}
	if _, err := tx.Exec(ctx, `delete from staff_recovery_code where staff_id = $1`, id); err != nil {
		return "", fmt.Errorf("reset staff user %s: %w", id, err)
	}
	if err := endSessions(ctx, tx, id); err != nil {
		return "", err
	}
	return n.password, Record(ctx, tx, by, Entry{Action: "staff.reset", Object: id})
}

// OpenSession is one place where a staff user is signed in.
type OpenSession struct {
	ID        uuid.UUID
	CreatedAt time.Time
	ExpiresAt time.Time
	UserAgent string
	Address   string
}

// Sessions lists one's own open sessions, newest first.
func Sessions(ctx context.Context, tx Tx, by Actor) ([]OpenSession, error) {
	const most = 50
	rows, err := tx.Query(ctx, `
		select id, created_at, expires_at, user_agent, address
		  from staff_session
		 where staff_id = $1 and ended_at is null and expires_at > $2
		 order by created_at desc
		 limit $3`, by.ID, tx.At, most)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[OpenSession])
}

// EndOthers ends all of one's own sessions but this one.
func EndOthers(ctx context.Context, tx Tx, by Actor) error {
	if err := endOthers(ctx, tx, by); err != nil {
		return err
	}
	return Record(ctx, tx, by, Entry{Action: "staff.sessions_ended", Object: by.ID})
}

func endOthers(ctx context.Context, tx Tx, by Actor) error {
	_, err := tx.Exec(ctx, `update staff_session set ended_at = $3 where staff_id = $1 and id <> $2 and ended_at is null`, by.ID, by.Session, tx.At)
	if err != nil {
		return fmt.Errorf("end other sessions: %w", err)
	}
	return nil
}

// GetStaff reads a staff user; ErrNotFound if there is none.
func GetStaff(ctx context.Context, tx Tx, id uuid.UUID) (StaffUser, error) {
	rows, err := tx.Query(ctx, `select `+staffColumns+` from staff_user where id = $1`, id)
	if err != nil {
		return StaffUser{}, fmt.Errorf("read staff user %s: %w", id, err)
	}
	user, err := pgx.CollectExactlyOneRow(rows, scanStaff)
	if errors.Is(err, pgx.ErrNoRows) {
		return StaffUser{}, fmt.Errorf("staff user %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return StaffUser{}, fmt.Errorf("read staff user %s: %w", id, err)
	}
	return user, nil
}
