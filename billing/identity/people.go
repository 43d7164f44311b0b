package identity

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Colleague is one of the operator's own people, as those who look after users
// see it.
type Colleague struct {
	User
	LastSignIn   *time.Time // wall time; nil: never
	SecondFactor bool
	Invited      bool // has no password yet
}

// Planned by the index app_user_people: colleagues are few among subscribers.
const selectColleagues = `
select id, email, name, role, account_id, language, state, created_at, phone, branch,
       (select max(e.at) from signin_event e where e.user_id = app_user.id and e.kind = 'signed_in'),
       exists (select from user_totp t where t.user_id = app_user.id and t.confirmed_at is not null),
       password_hash = ''
  from app_user
 where role <> 'subscriber'`

func scanColleague(row pgx.CollectableRow) (Colleague, error) {
	var c Colleague
	err := row.Scan(&c.ID, &c.Email, &c.Name, &c.Role, &c.AccountID, &c.Language, &c.State, &c.CreatedAt, &c.Phone, &c.Branch,
		&c.LastSignIn, &c.SecondFactor, &c.Invited)
	c.CreatedAt = c.CreatedAt.UTC()
	return c, err
}

// Colleagues lists the operator's own people by email, those after an address,
// or the first for "". Subscribers are not among them.
func (a *Authority) Colleagues(ctx context.Context, tx tenant.Tx, after string, limit int) ([]Colleague, error) {
	rows, err := tx.Query(ctx, selectColleagues+` and lower(email) > $1 order by lower(email) limit $2`,
		strings.ToLower(after), min(max(limit, 1), MaxPage))
	if err != nil {
		return nil, fmt.Errorf("list colleagues: %w", err)
	}
	people, err := pgx.CollectRows(rows, scanColleague)
	if err != nil {
		return nil, fmt.Errorf("list colleagues: %w", err)
	}
	return people, nil
}

// GetColleague reads one of the operator's own people; ErrUserNotFound if there
// is none, or if the user is a subscriber.
func (a *Authority) GetColleague(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Colleague, error) {
	rows, err := tx.Query(ctx, selectColleagues+` and id = $1`, id)
	if err != nil {
		return Colleague{}, fmt.Errorf("read colleague %s: %w", id, err)
	}
	people, err := pgx.CollectRows(rows, scanColleague)
	if err != nil {
		return Colleague{}, fmt.Errorf("read colleague %s: %w", id, err)
	}
	if len(people) == 0 {
		return Colleague{}, fmt.Errorf("user %s: %w", id, ErrUserNotFound)
	}
	return people[0], nil
}

// NamesOf finds how people are called, by id: their name, or email without one.
// Who is not found is not in it.
func (a *Authority) NamesOf(ctx context.Context, tx tenant.Tx, ids []uuid.UUID) (map[uuid.UUID]string, error) {
	rows, err := tx.Query(ctx, `select id, coalesce(nullif(name, ''), email) from app_user where id = any($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("read names of users: %w", err)
	}
	names := map[uuid.UUID]string{}
	var id uuid.UUID
	var name string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error {
		names[id] = name
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read names of users: %w", err)
	}
	return names, nil
}

// RemoveFactorOf takes another user's second factor away, who has lost it with
// its recovery codes. Its password is wanted as before. ErrBeyond for a user
// with more rights than who does it.
func (a *Authority) RemoveFactorOf(ctx context.Context, tx tenant.Tx, by Principal, user uuid.UUID) error {
	if err := a.mayManage(ctx, tx, by, user); err != nil {
		return err
	}
	return a.RemoveTOTP(ctx, tx, user)
}

// MayGive says whether a principal could give a role to somebody: it must have
// all of the role's rights itself.
func (r RoleInfo) MayGive(by Principal) bool { return covers(by, r.Permissions) == nil }
