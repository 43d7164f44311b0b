package identity

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// AddSubscribers stores subscribers' users, any number with one statement, in
// the name of the house. ErrEmailTaken where an address is not free.
func (a *Authority) AddSubscribers(ctx context.Context, tx tenant.Tx, users []NewUser) ([]User, error) {
	added, rows := make([]User, len(users)), make([][]any, len(users))
	for i, n := range users {
		if err := n.check(); err != nil {
			return nil, err
		}
		if n.Role != Subscriber {
			return nil, fmt.Errorf("%q: %w", n.Role, ErrRole)
		}
		if n.Language == "" {
			n.Language = "en"
		}
		u := User{
			ID: uuid.Must(uuid.NewV7()), Email: n.Email, Name: n.Name, Role: n.Role, AccountID: n.AccountID, Language: n.Language,
			State: UserActive, CreatedAt: a.now(), Phone: n.Phone, Branch: n.Branch,
		}
		added[i] = u
		rows[i] = []any{u.ID, u.Email, u.Name, string(u.Role), n.Password, u.AccountID, u.Language, string(u.State), u.CreatedAt, u.Phone, u.Branch}
	}
	columns := []string{"id", "email", "name", "role", "password_hash", "account_id", "language", "state", "created_at", "phone", "branch"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"app_user"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return nil, userError("add subscribers", err)
	}
	return added, nil
}

// RetireSubscribers takes the doors of accounts away that are no more: their
// users can't sign in again, their sessions end, and their addresses and
// numbers are free. The rows stay, as what they did is on record.
func (a *Authority) RetireSubscribers(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error {
	rows, err := tx.Query(ctx, `
		update app_user
		   set state = 'disabled', email = id::text || '@retired.invalid', phone = '', name = '', password_hash = ''
		 where account_id = any ($1) and role = 'subscriber'
		returning id`, accounts)
	if err != nil {
		return fmt.Errorf("retire subscribers: %w", err)
	}
	users, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("retire subscribers: %w", err)
	}
	if _, err := tx.Exec(ctx, `update signin_session set ended_at = $2 where user_id = any ($1) and ended_at is null`, users, a.now()); err != nil {
		return fmt.Errorf("retire subscribers: %w", err)
	}
	return nil
}

// EmailsTaken says which addresses belong to a user, in lower case.
func (a *Authority) EmailsTaken(ctx context.Context, tx tenant.Tx, lower []string) ([]string, error) {
	rows, err := tx.Query(ctx, `
		select n.email from unnest($1::text[]) as n (email) join app_user u on lower(u.email) = n.email`, lower)
	if err != nil {
		return nil, fmt.Errorf("look for taken addresses: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// SubscribersWithoutPassword finds subscribers' users by their addresses who
// have not chosen a password yet, in the order of the addresses.
func (a *Authority) SubscribersWithoutPassword(ctx context.Context, tx tenant.Tx, emails []string) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `
		select u.id
		  from unnest($1::text[]) with ordinality as n (email, no)
		  join app_user u on lower(u.email) = lower(n.email)
		 where u.role = 'subscriber' and u.state = 'active' and u.password_hash = ''
		 order by n.no`, emails)
	if err != nil {
		return nil, fmt.Errorf("find users without a password: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}
