package identity

import (
	"context"
	"fmt"

	"tollhouse/billing/audit"
	"tollhouse/billing/tenant"
)

// RemoveFactor takes a signed-in user's own second factor away, once it has
// shown its password again (Old of the change): an open browser alone must not
// be enough. ErrSignIn for a wrong one, which counts as an attempt to sign in;
// ErrNoFactor if there is none.
func (a *Authority) RemoveFactor(ctx context.Context, db *tenant.DB, ref tenant.Ref, caller audit.Caller, by Principal, shown PasswordChange) error {
	if by.Kind != UserPrincipal {
		return fmt.Errorf("%s has no second factor: %w", by.Kind, ErrForbidden)
	}
	o := origin{address: shown.Address, device: shown.Device, userAgent: shown.UserAgent}
	t, err := a.tryPassword(ctx, db, ref, who{`u.id`, by.UserID}, shown.Old, o)
	if err != nil {
		return err
	}
	return db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		if err := a.RemoveTOTP(ctx, tx, by.UserID); err != nil {
			return err
		}
		// The attempt was noted as refused before the password was looked at.
		if _, err := tx.Exec(ctx, `delete from signin_event where id = $1`, t.event); err != nil {
			return fmt.Errorf("note removal: %w", err)
		}
		if err := forgive(ctx, tx, t); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Caller: caller, Action: "user.factor-remove", Object: "user", ObjectID: by.UserID})
	})
}

// forgive takes the count of an attempt back that was right.
func forgive(ctx context.Context, tx tenant.Tx, t attempt) error {
	if t.known {
		return browser.clear(ctx, tx, t)
	}
	return strangers.clear(ctx, tx, t)
}
