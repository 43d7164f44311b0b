package tenants

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/identity"
)

// StaffUser is a person who works for the house.
type StaffUser struct {
	ID        uuid.UUID
	Email     string
	Name      string
	Role      Role
	Active    bool
	CreatedAt time.Time
}

// Staff keeps hosting staff and signs them in.
type Staff struct {
	db        *DB
	passwords *identity.Passwords
	seal      Sealer
	now       func() time.Time
}

// NewStaff makes the keeper. now is wall time.
func NewStaff(db *DB, passwords *identity.Passwords, seal Sealer, now func() time.Time) *Staff {
	return &Staff{db: db, passwords: passwords, seal: seal, now: now}
}

// NewStaffUser is a staff user to be, checked, with a first password drawn.
type NewStaffUser struct {
	email, name string
	role        Role
	password    string
	hash        identity.PasswordHash
}

// Admit checks what is known of a new staff user; an *InvalidError names every
// field that is wrong.
func (s *Staff) Admit(ctx context.Context, emailText, name, roleText string) (NewStaffUser, error) {
	var f faults
	f.unless(email(emailText), "email", "an e-mail address such as jo@example.net")
	f.unless(optionalLine(name), "name", "at most 200 characters on one line")
	role, err := ParseRole(roleText)
	f.unless(err == nil, "role", "admin, engineer or viewer")
	if err := f.err(); err != nil {
		return NewStaffUser{}, err
	}
	n := NewStaffUser{email: emailText, name: strings.TrimSpace(name), role: role}
	n.password, n.hash, err = firstPassword(ctx, s.passwords)
	return n, err
}

// Create adds a staff user and returns the first password, told this once.
// ErrEmailTaken if somebody has the address.
func (s *Staff) Create(ctx context.Context, tx Tx, by Actor, n NewStaffUser) (user StaffUser, password string, err error) {
	user = StaffUser{ID: uuid.Must(uuid.NewV7()), Email: n.email, Name: n.name, Role: n.role, Active: true, CreatedAt: tx.At}
	_, err = tx.Exec(ctx, `
		insert into staff_user (id, email, name, role, password_hash, created_at)
		values ($1, $2, $3, $4, $5, $6)`, user.ID, user.Email, user.Name, user.Role, n.hash, user.CreatedAt)
	if violates(err, "staff_user_email") {
		return StaffUser{}, "", ErrEmailTaken
	}
	if err != nil {
		return StaffUser{}, "", fmt.Errorf("insert staff user: %w", err)
	}
	err = Record(ctx, tx, by, Entry{Action: "staff.create", Object: user.ID, Detail: map[string]any{"email": user.Email, "role": user.Role}})
	return user, n.password, err
}

// EnsureFirst makes an admin if the house has no staff yet, and returns the
// first password, "" if there was somebody already.
func (s *Staff) EnsureFirst(ctx context.Context, emailText string) (password string, err error) {
	n, err := s.Admit(ctx, emailText, "", string(Admin))
	if err != nil {
		return "", err
	}
	err = s.db.Write(ctx, func(ctx context.Context, tx Tx) error {
		// The table lock makes two processes that start at once take turns.
		if _, err := tx.Exec(ctx, `lock table staff_user in share row exclusive mode`); err != nil {
			return fmt.Errorf("lock staff: %w", err)
		}
		var somebody bool
		if err := tx.QueryRow(ctx, `select exists (select from staff_user)`).Scan(&somebody); err != nil || somebody {
			return err
		}
		_, password, err = s.Create(ctx, tx, System, n)
		return err
	})
	return password, err
}

const staffColumns = `id, email, name, role, state = 'active', created_at`

func scanStaff(row pgx.CollectableRow) (StaffUser, error) {
	var u StaffUser
	err := row.Scan(&u.ID, &u.Email, &u.Name, &u.Role, &u.Active, &u.CreatedAt)
	u.CreatedAt = u.CreatedAt.UTC()
	return u, err
}

// ListStaff lists staff users in the order they came, those after an id (zero:
// from the first).
func ListStaff(ctx context.Context, tx Tx, after uuid.UUID, limit int) ([]StaffUser, error) {
	rows, err := tx.Query(ctx, `select `+staffColumns+` from staff_user where id > $1 order by id limit $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list staff: %w", err)
	}
	users, err := pgx.CollectRows(rows, scanStaff)
	if err != nil {
		return nil, fmt.Errorf("list staff: %w", err)
	}
	return users, nil
}

// ChangeStaff sets what a staff user may do. Who is disabled loses every
// session at once; ErrLastAdmin if nobody would be left who may change staff.
func ChangeStaff(ctx context.Context, tx Tx, by Actor, id uuid.UUID, role Role, active bool) (StaffUser, error) {
	if err := keepsAnAdmin(ctx, tx, id, role, active); err != nil {
		return StaffUser{}, err
	}
	state := map[bool]string{true: "active", false: "disabled"}[active]
	rows, err := tx.Query(ctx, `update staff_user set state = $3, role = $2 where id = $1 returning `+staffColumns, id, role, state)
	if err != nil {
		return StaffUser{}, fmt.Errorf("change staff user %s: %w", id, err)
	}
	user, err := pgx.CollectExactlyOneRow(rows, scanStaff)
	if errors.Is(err, pgx.ErrNoRows) {
		return StaffUser{}, fmt.Errorf("staff user %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return StaffUser{}, fmt.Errorf("change staff user %s: %w", id, err)
	}
	if !active {
		if err := endSessions(ctx, tx, id); err != nil {
			return StaffUser{}, err
		}
	}
	return user, Record(ctx, tx, by, Entry{Action: "staff.change", Object: id, Detail: map[string]any{"role": role, "state": state}})
}

// keepsAnAdmin locks the admins in id order, so that two of them who take away
// each other's role meet here.
func keepsAnAdmin(ctx context.Context, tx Tx, id uuid.UUID, role Role, active bool) error {
	rows, err := tx.Query(ctx, `
		select id from staff_user
		 where role = 'admin' and state = 'active'
		 order by id
		   for update`)
	if err != nil {
		return fmt.Errorf("lock admins: %w", err)
	}
	admins, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("lock admins: %w", err)
	}
	if len(admins) == 1 && admins[0] == id && (role != Admin || !active) {
		return ErrLastAdmin
	}
	return nil
}

// SetPassword replaces a staff user's own password and ends all sessions.
// identity.ErrPassword for one that is too short or too long.
func (s *Staff) SetPassword(ctx context.Context, by Actor, password string) error {
	hash, err := s.passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, tx Tx) error {
		done, err := tx.Exec(ctx, `update staff_user set password_hash = $2 where id = $1`, by.ID, hash)
		if err != nil {
			return fmt.Errorf("set password of staff user %s: %w", by.ID, err)
		}
		if done.RowsAffected() != 1 {
			return fmt.Errorf("staff user %s: %w", by.ID, ErrNotFound)
		}
		if err := endSessions(ctx, tx, by.ID); err != nil {
			return err
		}
		return Record(ctx, tx, by, Entry{Action: "staff.password", Object: by.ID})
	})
}
