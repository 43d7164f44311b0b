package identity

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Authenticate finds out who a bearer token or API key belongs to, in the
// stack whose transaction this is. Every refusal is ErrUnauthenticated.
func (a *Authority) Authenticate(ctx context.Context, tx tenant.Tx, bearer string) (Principal, error) {
	if strings.HasPrefix(bearer, apiKeyPrefix) {
		return authenticateKey(ctx, tx, bearer)
	}
	claims, err := a.verifier(ctx, tx).Verify(bearer)
	if errors.Is(err, ErrToken) {
		return Principal{}, fmt.Errorf("%w: %w", ErrUnauthenticated, err)
	}
	if err != nil {
		return Principal{}, err
	}
	return a.principalOf(ctx, tx, claims)
}

// principalOf looks up the session and the user as they are now: a token's
// role may be an hour old.
func (a *Authority) principalOf(ctx context.Context, tx tenant.Tx, c Claims) (Principal, error) {
	p := Principal{Kind: UserPrincipal, UserID: c.Subject, Session: c.Session, Tenant: tx.Tenant}
	var account *uuid.UUID
	err := tx.QueryRow(ctx, `
		select u.role, u.account_id
		  from signin_session s
		  join app_user u on u.id = s.user_id
		 where s.id = $1 and u.id = $2 and s.ended_at is null and s.expires_at > $3 and u.state = 'active'`,
		c.Session, c.Subject, a.now()).Scan(&p.Role, &account)
	if errors.Is(err, pgx.ErrNoRows) {
		return Principal{}, ErrUnauthenticated
	}
	if err != nil {
		return Principal{}, fmt.Errorf("read session: %w", err)
	}
	if account != nil {
		p.AccountID = *account
	}
	return p, nil
}
