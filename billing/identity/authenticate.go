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

// principalOf looks up the session, the user and its rights as they are now: a
// token's role may be an hour old.
func (a *Authority) principalOf(ctx context.Context, tx tenant.Tx, c Claims) (Principal, error) {
	p := Principal{Kind: UserPrincipal, UserID: c.Subject, Session: c.Session, Tenant: tx.Tenant}
	var account *uuid.UUID
	var seen time.Time
	var granted []string
	err := tx.QueryRow(ctx, `
		select u.role, u.account_id, coalesce(s.last_seen_at, s.created_at), r.permissions
		  from signin_session s
		  join app_user u on u.id = s.user_id
		  left join custom_role r on r.name = u.role
		 where s.id = $1 and u.id = $2 and s.ended_at is null and s.expires_at > $3 and u.state = 'active'`,
		c.Session, c.Subject, a.now()).Scan(&p.Role, &account, &seen, &granted)
	if errors.Is(err, pgx.ErrNoRows) {
		return a.visitorOf(ctx, tx, c)
	}
	if err != nil {
		return Principal{}, fmt.Errorf("read session: %w", err)
	}
	if account != nil {
		p.AccountID = *account
	}
	p.granted = grantable(granted)
	p.unseen = a.now().Sub(seen) >= seenEvery
	return p, nil
}
