package identity

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// UserChange is what is to be different about a user; nil leaves it as it is.
type UserChange struct {
	Name     *string
	Role     *Role
	Language *string
	Phone    *string    // empty: none any more
	Branch   *uuid.UUID // the zero id: everywhere
}

// ChangeUser changes a user in the name of a principal. ErrBeyond where the
// user has, or would get, more rights than the principal; ErrLastOwner where no
// active owner would be left. A new role counts at once. Subscribers stay
// subscribers, and nobody becomes one.
func (a *Authority) ChangeUser(ctx context.Context, tx tenant.Tx, by Principal, id uuid.UUID, c UserChange) (User, error) {
	u, err := a.lockUser(ctx, tx, id)
	if err != nil {
		return User{}, err
	}
	if err := a.mayManage(ctx, tx, by, id); err != nil {
		return User{}, err
	}
	if c.Role != nil && *c.Role != u.Role {
		if err := a.mayMove(ctx, tx, by, u, *c.Role); err != nil {
			return User{}, err
		}
		u.Role = *c.Role
	}
	if err := u.apply(c); err != nil {
		return User{}, err
	}
	_, err = tx.Exec(ctx, `
		update app_user
		   set name = $2, role = $3, language = $4, phone = $5, branch = $6
		 where id = $1`, id, u.Name, u.Role, u.Language, u.Phone, u.Branch)
	if err != nil {
		return User{}, userError("change user", err)
	}
	return u, nil
}

// lockUser reads a user and keeps others from changing it until this ends.
// Owners are locked first, all of them and in order, as keepsAnOwner does.
func (a *Authority) lockUser(ctx context.Context, tx tenant.Tx, id uuid.UUID) (User, error) {
	const owners = `select from app_user where role = 'owner' and state = 'active' order by id for update`
	for _, lock := range []string{owners, `select from app_user where id = $1 for update`} {
		var args []any
		if lock != owners {
			args = []any{id}
		}
		if _, err := tx.Exec(ctx, lock, args...); err != nil {
			return User{}, fmt.Errorf("lock user %s: %w", id, err)
		}
	}
	return a.GetUser(ctx, tx, id)
}

func (a *Authority) mayMove(ctx context.Context, tx tenant.Tx, by Principal, u User, role Role) error {
	if u.Role == Subscriber || role == Subscriber || role == Machine {
		return fmt.Errorf("%.40q: %w", role, ErrRole)
	}
	if err := mayGive(ctx, tx, by, role); err != nil {
		return err
	}
	return keepsAnOwner(ctx, tx, u.ID)
}

// apply makes the changes that need no more rights than to change at all.
func (u *User) apply(c UserChange) (err error) {
	if c.Name != nil {
		u.Name = strings.TrimSpace(*c.Name)
	}
	if c.Language != nil {
		u.Language = *c.Language
	}
	if c.Phone != nil {
		if u.Phone, err = parsePhone(*c.Phone); err != nil {
			return err
		}
	}
	if c.Branch != nil {
		u.Branch = c.Branch
		if *c.Branch == uuid.Nil {
			u.Branch = nil
		}
	}
	return checkProfile(u.Name, u.Language)
}

// UsersOfBranch lists the users of a branch by email, those after an address,
// or the first for "".
func (a *Authority) UsersOfBranch(ctx context.Context, tx tenant.Tx, branch uuid.UUID, after string, limit int) ([]User, error) {
	rows, err := tx.Query(ctx, `
		select `+userColumns+`
		  from app_user
		 where branch = $1 and lower(email) > $2
		 order by lower(email)
		 limit $3`, branch, strings.ToLower(after), min(max(limit, 1), MaxPage))
	if err != nil {
		return nil, fmt.Errorf("list users of branch %s: %w", branch, err)
	}
	users, err := pgx.CollectRows(rows, scanUser)
	if err != nil {
		return nil, fmt.Errorf("list users of branch %s: %w", branch, err)
	}
	return users, nil
}
