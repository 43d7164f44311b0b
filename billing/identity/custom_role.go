package identity

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// CustomRole is one that an operator has made.
type CustomRole struct {
	Name        Role   // as in URLs and keys: lower case, for good
	Title       string // as people read it
	Permissions []Permission
}

// RoleInfo is a role as the list of them shows it.
type RoleInfo struct {
	CustomRole
	BuiltIn bool
	Users   int // who have it, disabled ones too
	Keys    int // API keys that have it and are not revoked
}

// Errors of roles.
var (
	ErrRoleName     = errors.New("a role's name is 2 to 40 lower-case letters, digits, dashes and underscores, and none of those built in")
	ErrRoleTitle    = errors.New("a role's title has 1 to 100 characters")
	ErrPermission   = errors.New("not a permission that a role can be given")
	ErrBeyond       = errors.New("that has more rights than who gives it")
	ErrRoleInUse    = errors.New("users or API keys have this role")
	ErrRoleNotFound = errors.New("no such role")
)

// maxTitle bounds a role's title in characters, maxRoles how many one operator
// can make: their list is read as a whole.
const (
	maxTitle = 100
	maxRoles = 100
)

// ErrTooManyRoles means that an operator has as many roles as it can.
var ErrTooManyRoles = fmt.Errorf("there are %d roles already", maxRoles)

var roleName = regexp.MustCompile(`^[a-z][a-z0-9_-]{1,39}$`)

func (r CustomRole) check() error {
	if !roleName.MatchString(string(r.Name)) || r.Name.isBuiltIn() || r.Name == visitorRole {
		return ErrRoleName
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(r.Title)); n < 1 || n > maxTitle {
		return ErrRoleTitle
	}
	for _, p := range r.Permissions {
		if p.self() || !KnownPermission(p) {
			return fmt.Errorf("%q: %w", p, ErrPermission)
		}
	}
	return nil
}

// grantable turns stored permissions into rights. One that this version does
// not know, or that only a subscriber can have, is none.
func grantable(stored []string) []Permission {
	var granted []Permission
	for _, text := range stored {
		if p := Permission(text); !p.self() && KnownPermission(p) {
			granted = append(granted, p)
		}
	}
	return granted
}

// PutRole makes a custom role, or gives the one of that name another title and
// other permissions, which count at once, in another process for keys within
// KeyLife. ErrBeyond if it would hold more than who makes it, or if it holds
// more already.
func (a *Authority) PutRole(ctx context.Context, tx tenant.Tx, by Principal, r CustomRole) error {
	if err := r.check(); err != nil {
		return err
	}
	if err := covers(by, r.Permissions); err != nil {
		return err
	}
	// The lock keeps two who write the role from passing each other's check.
	var stored []string
	err := tx.QueryRow(ctx, `select permissions from custom_role where name = $1 for update`, r.Name).Scan(&stored)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read role %s: %w", r.Name, err)
	}
	if err := covers(by, grantable(stored)); err != nil {
		return err
	}
	a.changed(tx.Tenant)
	permissions := slices.Clone(r.Permissions)
	slices.Sort(permissions)
	done, err := tx.Exec(ctx, `
		insert into custom_role (name, title, permissions, created_at, changed_at)
		select $1, $2, $3, $4, $4 where (select count(*) from custom_role where name <> $1) < $5
		on conflict (name) do update set title = $2, permissions = $3, changed_at = $4`,
		r.Name, strings.TrimSpace(r.Title), texts(slices.Compact(permissions)), a.now(), maxRoles)
	if err != nil {
		return fmt.Errorf("store role %s: %w", r.Name, err)
	}
	if done.RowsAffected() == 0 {
		return ErrTooManyRoles
	}
	return nil
}

func texts(permissions []Permission) []string {
	out := make([]string, len(permissions))
	for i, p := range permissions {
		out[i] = string(p)
	}
	return out
}

// RemoveRole removes a custom role that nobody has. The lock makes it wait for
// transactions that give the role to somebody, and them for it.
func (a *Authority) RemoveRole(ctx context.Context, tx tenant.Tx, name Role) error {
	var found bool
	err := tx.QueryRow(ctx, `select true from custom_role where name = $1 for update`, name).Scan(&found)
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("role %.40q: %w", name, ErrRoleNotFound)
	}
	if err != nil {
		return fmt.Errorf("read role %s: %w", name, err)
	}
	done, err := tx.Exec(ctx, `
		delete from custom_role
		 where name = $1 and not exists (select from app_user where role = $1)
		   and not exists (select from api_key where role = $1 and revoked_at is null)`, name)
	if err != nil {
		return fmt.Errorf("remove role %s: %w", name, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("role %s: %w", name, ErrRoleInUse)
	}
	return nil
}

// Roles lists all roles, those built in first.
func (a *Authority) Roles(ctx context.Context, tx tenant.Tx) ([]RoleInfo, error) {
	var roles []RoleInfo
	for _, r := range builtIn {
		roles = append(roles, RoleInfo{CustomRole: CustomRole{Name: r, Title: string(r), Permissions: r.Permissions()}, BuiltIn: true})
	}
	rows, err := tx.Query(ctx, `select name, title, permissions from custom_role order by lower(title), name limit $1`, maxRoles)
	if err != nil {
		return nil, fmt.Errorf("list roles: %w", err)
	}
	custom, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r RoleInfo, err error) {
		var stored []string
		err = row.Scan(&r.Name, &r.Title, &stored)
		r.Permissions = grantable(stored)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("list roles: %w", err)
	}
	roles = append(roles, custom...)
	return roles, countHolders(ctx, tx, roles)
}

func countHolders(ctx context.Context, tx tenant.Tx, roles []RoleInfo) error {
	rows, err := tx.Query(ctx, `
		select role, count(*) filter (where of_user), count(*) filter (where not of_user)
		  from (select role, true as of_user from app_user union all select role, false from api_key where revoked_at is null) held
		 group by role`)
	if err != nil {
		return fmt.Errorf("count who has a role: %w", err)
	}
	var name Role
	var users, keys int
	_, err = pgx.ForEachRow(rows, []any{&name, &users, &keys}, func() error {
		for i := range roles {
			if roles[i].Name == name {
				roles[i].Users, roles[i].Keys = users, keys
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("count who has a role: %w", err)
	}
	return nil
}

// permissionsOf is what a role may do, built in or stored. The row stays locked
// against removal until the transaction that gives the role to somebody ends.
func permissionsOf(ctx context.Context, tx tenant.Tx, role Role) ([]Permission, error) {
	if role.isBuiltIn() {
		return role.Permissions(), nil
	}
	var stored []string
	err := tx.QueryRow(ctx, `select permissions from custom_role where name = $1 for share`, role).Scan(&stored)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("%.40q: %w", role, ErrRole)
	}
	if err != nil {
		return nil, fmt.Errorf("read role %s: %w", role, err)
	}
	return grantable(stored), nil
}

// covers says whether a principal has each of some permissions. A subscriber's
// own are below those who may change any account.
func covers(by Principal, permissions []Permission) error {
	for _, p := range permissions {
		if p.self() && by.May(AccountWrite) {
			continue
		}
		if !by.May(p) {
			return fmt.Errorf("%s lacks %s: %w", by.Role, p, ErrBeyond)
		}
	}
	return nil
}

// mayGive refuses a role that nobody has made, and one with more rights than
// who gives it.
func mayGive(ctx context.Context, tx tenant.Tx, by Principal, role Role) error {
	permissions, err := permissionsOf(ctx, tx, role)
	if err != nil {
		return err
	}
	return covers(by, permissions)
}
