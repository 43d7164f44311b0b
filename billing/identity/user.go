package identity

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/tenant"
)

// UserState says whether a user may sign in.
type UserState string

// The states of a user.
const (
	UserActive   UserState = "active"
	UserDisabled UserState = "disabled"
)

// User is a person who may act in a stack.
type User struct {
	ID        uuid.UUID
	Email     string
	Name      string
	Role      Role
	AccountID *uuid.UUID // a subscriber's own account, nobody else's
	Language  string
	State     UserState
	CreatedAt time.Time
}

// NewUser is a user to be added. Password comes from Passwords.Hash, before the
// transaction; empty: one that cannot sign in yet.
type NewUser struct {
	Email     string
	Name      string
	Role      Role
	AccountID *uuid.UUID
	Language  string // empty: en
	Password  PasswordHash
}

// Errors of users.
var (
	ErrEmail        = errors.New("an email address is wanted")
	ErrEmailTaken   = errors.New("another user has this email address")
	ErrRole         = errors.New("not a role that this can have")
	ErrUserNotFound = errors.New("no such user")
)

func (n NewUser) check() error {
	address, err := mail.ParseAddress(n.Email)
	if err != nil || address.Address != n.Email {
		return ErrEmail
	}
	if !n.Role.ofUser() || (n.Role == Subscriber) != (n.AccountID != nil) {
		return fmt.Errorf("%q: %w", n.Role, ErrRole)
	}
	return nil
}

// AddUser stores a new user.
func (a *Authority) AddUser(ctx context.Context, tx tenant.Tx, n NewUser) (User, error) {
	if err := n.check(); err != nil {
		return User{}, err
	}
	if n.Language == "" {
		n.Language = "en"
	}
	u := User{
		ID: uuid.Must(uuid.NewV7()), Email: n.Email, Name: n.Name, Role: n.Role, AccountID: n.AccountID, Language: n.Language,
		State: UserActive, CreatedAt: a.now(),
	}
	_, err := tx.Exec(ctx, `
		insert into app_user (id, email, name, role, password_hash, account_id, language, state, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		u.ID, u.Email, u.Name, u.Role, n.Password, u.AccountID, u.Language, u.State, u.CreatedAt)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "app_user_email" {
		return User{}, ErrEmailTaken
	}
	if err != nil {
		return User{}, fmt.Errorf("add user: %w", err)
	}
	return u, nil
}

// SetPassword gives a user another password and ends all its sessions.
func (a *Authority) SetPassword(ctx context.Context, tx tenant.Tx, user uuid.UUID, password PasswordHash) error {
	return a.change(ctx, tx, user, `update app_user set password_hash = $2, failed_signins = 0, locked_until = null where id = $1`, password) //nolint:misspell // the column's name
}

// Disable keeps a user out from now on.
func (a *Authority) Disable(ctx context.Context, tx tenant.Tx, user uuid.UUID) error {
	return a.change(ctx, tx, user, `update app_user set state = $2 where id = $1`, UserDisabled)
}

// Enable lets a disabled user sign in again.
func (a *Authority) Enable(ctx context.Context, tx tenant.Tx, user uuid.UUID) error {
	return a.change(ctx, tx, user, `update app_user set state = $2 where id = $1`, UserActive)
}

// change runs an update of one user written in this file, and ends the
// sessions that were opened before it.
func (a *Authority) change(ctx context.Context, tx tenant.Tx, user uuid.UUID, update string, value any) error {
	done, err := tx.Exec(ctx, update, user, value)
	if err != nil {
		return fmt.Errorf("change user %s: %w", user, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("user %s: %w", user, ErrUserNotFound)
	}
	if _, err := tx.Exec(ctx, `update signin_session set ended_at = $2 where user_id = $1 and ended_at is null`, user, a.now()); err != nil {
		return fmt.Errorf("end sessions of user %s: %w", user, err)
	}
	return nil
}

const userColumns = `id, email, name, role, account_id, language, state, created_at`

func scanUser(row pgx.CollectableRow) (User, error) {
	var u User
	err := row.Scan(&u.ID, &u.Email, &u.Name, &u.Role, &u.AccountID, &u.Language, &u.State, &u.CreatedAt)
	u.CreatedAt = u.CreatedAt.UTC()
	return u, err
}

// GetUser reads a user; ErrUserNotFound if there is none.
func (a *Authority) GetUser(ctx context.Context, tx tenant.Tx, id uuid.UUID) (User, error) {
	rows, err := tx.Query(ctx, `select `+userColumns+` from app_user where id = $1`, id)
	if err != nil {
		return User{}, fmt.Errorf("read user %s: %w", id, err)
	}
	u, err := pgx.CollectExactlyOneRow(rows, scanUser)
	if errors.Is(err, pgx.ErrNoRows) {
		return User{}, fmt.Errorf("user %s: %w", id, ErrUserNotFound)
	}
	if err != nil {
		return User{}, fmt.Errorf("read user %s: %w", id, err)
	}
	return u, nil
}

// MaxPage bounds a list of users or keys.
const MaxPage = 200

// Users lists users by email, those after an address, or the first for "".
func (a *Authority) Users(ctx context.Context, tx tenant.Tx, after string, limit int) ([]User, error) {
	rows, err := tx.Query(ctx, `
		select `+userColumns+`
		  from app_user
		 where lower(email) > $1
		 order by lower(email)
		 limit $2`, strings.ToLower(after), min(max(limit, 1), MaxPage))
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	users, err := pgx.CollectRows(rows, scanUser)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return users, nil
}
