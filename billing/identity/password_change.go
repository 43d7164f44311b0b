package identity

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/audit"
	"tollhouse/billing/tenant"
)

// PasswordChange is a user's old password and the one it wants instead.
type PasswordChange struct {
	Old, New  string
	UserAgent string
	Address   string
	Device    string
}

// ChangePassword gives a signed-in user another password and ends its other
// sessions. ErrSignIn for a wrong old one, which counts as an attempt to sign
// in; ErrPassword for a new one too short or too long.
func (a *Authority) ChangePassword(ctx context.Context, db *tenant.DB, ref tenant.Ref, by Principal, change PasswordChange) error {
	if by.Kind != UserPrincipal {
		return fmt.Errorf("%s has no password: %w", by.Kind, ErrForbidden)
	}
	if err := checkPassword(change.New); err != nil {
		return err
	}
	o := origin{address: change.Address, device: change.Device, userAgent: change.UserAgent}
	t, err := a.tryPassword(ctx, db, ref, who{`u.id`, by.UserID}, change.Old, o)
	if err != nil {
		return err
	}
	a.refund(t)
	hash, err := a.passwords.For(ref.ID).Hash(ctx, change.New)
	if err != nil {
		return err
	}
	return db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		if err := lockUnchanged(ctx, tx, t); err != nil {
			return err
		}
		if err := becomes(ctx, tx, t.event, EventPasswordChanged); err != nil {
			return err
		}
		if err := forgive(ctx, tx, t); err != nil {
			return err
		}
		return a.replacePassword(ctx, tx, by.UserID, hash, by.Session)
	})
}

// replacePassword sets a password in the user's own name, ends sessions but
// one, and tells the user.
func (a *Authority) replacePassword(ctx context.Context, tx tenant.Tx, user uuid.UUID, hash PasswordHash, keep uuid.UUID) error {
	//nolint:misspell // failed_signins is the column's name
	if _, err := tx.Exec(ctx, `update app_user set password_hash = $2, failed_signins = 0, locked_until = null where id = $1`, user, hash); err != nil {
		return fmt.Errorf("set password of user %s: %w", user, err)
	}
	if err := a.closeDoors(ctx, tx, user, keep); err != nil {
		return err
	}
	if err := a.tell(ctx, tx, user, passwordChanged, "", ""); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{Caller: audit.Caller{Actor: Principal{Kind: UserPrincipal, UserID: user}.Actor(), WallAt: a.now()},
		Action: "user.password", Object: "user", ObjectID: user})
}

// closeDoors ends a user's sessions but one, and all that could open another
// without the password that counts now: challenges, codes and links.
func (a *Authority) closeDoors(ctx context.Context, tx tenant.Tx, user, keep uuid.UUID) error {
	now := a.now()
	_, err := tx.Exec(ctx, `update signin_session set ended_at = $2 where user_id = $1 and ended_at is null and id <> $3`, user, now, keep)
	if err != nil {
		return fmt.Errorf("end sessions of user %s: %w", user, err)
	}
	for _, table := range []string{`signin_challenge`, `signin_code`, `password_link`} {
		if _, err := tx.Exec(ctx, `update `+table+` set done_at = $2 where user_id = $1 and done_at is null`, user, now); err != nil {
			return fmt.Errorf("close %s of user %s: %w", table, user, err)
		}
	}
	return nil
}
