package billing

import (
	"context"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// What follows spans several transactions of the stack: a password is checked,
// and an answer held back, while none is open.

// SignIn checks a user's credentials and begins a session, or asks for the
// second factor (*identity.SecondFactorError).
func (s *Stack) SignIn(ctx context.Context, c identity.Credentials) (identity.SignedIn, error) {
	return s.host.config.Identity.SignIn(ctx, s.host.db, s.Ref, c)
}

// CompleteSignIn checks the second factor and begins the session.
func (s *Stack) CompleteSignIn(ctx context.Context, f identity.SecondFactor) (identity.SignedIn, error) {
	return s.host.config.Identity.CompleteSignIn(ctx, s.host.db, s.Ref, f)
}

// SendCode sends a one-time code, and tells nothing of whether there is
// somebody to have it.
func (s *Stack) SendCode(ctx context.Context, r identity.CodeRequest) error {
	return s.host.config.Identity.SendCode(ctx, s.host.db, s.Ref, r)
}

// SignInWithCode signs a user in by a one-time code, or asks for the second
// factor (*identity.SecondFactorError).
func (s *Stack) SignInWithCode(ctx context.Context, c identity.CodeCredentials) (identity.SignedIn, error) {
	return s.host.config.Identity.SignInWithCode(ctx, s.host.db, s.Ref, c)
}

// SendReset mails a link to choose a new password, and tells nothing of whether
// there is somebody to have it.
func (s *Stack) SendReset(ctx context.Context, r identity.ResetRequest) error {
	return s.host.config.Identity.SendReset(ctx, s.host.db, s.Ref, r)
}

// ResetPassword sets the password of whoever holds a link's token.
func (s *Stack) ResetPassword(ctx context.Context, token, password string) error {
	return s.host.config.Identity.ResetPassword(ctx, s.host.db, s.Ref, token, password)
}

// ChangePassword gives a signed-in user another password.
func (s *Stack) ChangePassword(ctx context.Context, by identity.Principal, change identity.PasswordChange) error {
	return s.host.config.Identity.ChangePassword(ctx, s.host.db, s.Ref, by, change)
}

// Seen notes, once a minute, that a principal's session is in use.
func (s *Stack) Seen(ctx context.Context, p identity.Principal) error {
	return s.host.config.Identity.Seen(ctx, s.host.db, s.Ref, p)
}

// RotateSigningKey makes the stack sign with a new key. What the one before has
// signed stays good until it expires.
func (s *Stack) RotateSigningKey(ctx context.Context) error {
	return s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return s.host.config.Identity.RotateSigningKey(ctx, tx) })
}
