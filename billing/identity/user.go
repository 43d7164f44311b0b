package identity

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

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
	Phone     string     // E.164, for codes by SMS; empty: none
	Branch    *uuid.UUID // where it works; nil: everywhere
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
	Phone     string     // E.164; empty: none
	Branch    *uuid.UUID // nil: everywhere
}

// Errors of users.
var (
	ErrEmail        = errors.New("an email address is wanted")
	ErrEmailTaken   = errors.New("another user has this email address")
	ErrRole         = errors.New("not a role that this can have")
	ErrUserNotFound = errors.New("no such user")
	ErrPhone        = errors.New("a telephone number with its country's code is wanted")
	ErrPhoneTaken   = errors.New("another user has this telephone number")
	ErrUserName     = errors.New("a name of at most 200 characters is wanted")
	ErrLanguage     = errors.New("not a language that pages are written in")
	ErrBranch       = errors.New("no such branch")
	ErrLastOwner    = errors.New("somebody active must stay owner")
)

// maxUserName bounds a user's name in characters.
const maxUserName = 200

// languages are those that messages and pages are written in.
var languages = []string{"en", "id", "ru"}

func (n *NewUser) check() error {
	address, err := mail.ParseAddress(n.Email)
	if err != nil || address.Address != n.Email {
		return ErrEmail
	}
	if n.Role == Machine || (n.Role == Subscriber) != (n.AccountID != nil) {
		return fmt.Errorf("%.40q: %w", n.Role, ErrRole)
	}
	if n.Phone, err = parsePhone(n.Phone); err != nil {
		return err
	}
	if n.Language == "" {
		n.Language = "en"
	}
	return checkProfile(n.Name, n.Language)
}

func checkProfile(name, language string) error {
	if utf8.RuneCountInString(name) > maxUserName {
		return ErrUserName
	}
	if !slices.Contains(languages, language) {
		return ErrLanguage
	}
	return nil
}

// AddUserBy stores a new user in the name of a principal; ErrBeyond for a role
// with more rights than the principal has.
func (a *Authority) AddUserBy(ctx context.Context, tx tenant.Tx, by Principal, n NewUser) (User, error) {
	if err := n.check(); err != nil {
		return User{}, err
	}
	if err := mayGive(ctx, tx, by, n.Role); err != nil {
		return User{}, err
	}
	return a.AddUser(ctx, tx, n)
}

// AddUser stores a new user in the name of the house: when a stack is set up,
// or subscribers get their doors. Who acts for a principal calls AddUserBy.
func (a *Authority) AddUser(ctx context.Context, tx tenant.Tx, n NewUser) (User, error) {
	if err := n.check(); err != nil {
		return User{}, err
	}
	if _, err := permissionsOf(ctx, tx, n.Role); err != nil {
		return User{}, err
	}
	u := User{
		ID: uuid.Must(uuid.NewV7()), Email: n.Email, Name: n.Name, Role: n.Role, AccountID: n.AccountID, Language: n.Language,
		State: UserActive, CreatedAt: a.now(), Phone: n.Phone, Branch: n.Branch,
	}
	_, err := tx.Exec(ctx, `
		insert into app_user (id, email, name, role, password_hash, account_id, language, state, created_at, phone, branch)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		u.ID, u.Email, u.Name, u.Role, n.Password, u.AccountID, u.Language, u.State, u.CreatedAt, u.Phone, u.Branch)
	if err != nil {
		return User{}, userError("add user", err)
	}
	return u, nil
}

// userError says in the domain's words what a constraint of app_user refused.
func userError(doing string, err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.ConstraintName {
		case "app_user_email":
			return ErrEmailTaken
		case "app_user_phone":
			return ErrPhoneTaken
		case "app_user_branch_fkey":
			return ErrBranch
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

var phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// parsePhone reads a number as people write it, with spaces, dashes, dots and
// brackets, into E.164. Empty stays empty.
func parsePhone(text string) (string, error) {
	number := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" -.()", r) {
			return -1
		}
		return r
	}, text)
	if number != "" && !phoneNumber.MatchString(number) {
		return "", ErrPhone
	}
	return number, nil
}

// SetPassword gives a user another password and ends all its sessions.
func (a *Authority) SetPassword(ctx context.Context, tx tenant.Tx, user uuid.UUID, password PasswordHash) error {
	return a.change(ctx, tx, user, `update app_user set password_hash = $2, failed_signins = 0, locked_until = null where id = $1`, password) //nolint:misspell // the column's name
}

// Disable keeps a user out from now on. ErrBeyond for one with more rights than
// who does it, ErrLastOwner for the last active owner.
func (a *Authority) Disable(ctx context.Context, tx tenant.Tx, by Principal, user uuid.UUID) error {
	if _, err := a.lockUser(ctx, tx, user); err != nil {
		return err
	}
	if err := a.mayManage(ctx, tx, by, user); err != nil {
		return err
	}
	if err := keepsAnOwner(ctx, tx, user); err != nil {
		return err
	}
	return a.change(ctx, tx, user, `update app_user set state = $2 where id = $1`, UserDisabled)
}

// Enable lets a disabled user sign in again.
func (a *Authority) Enable(ctx context.Context, tx tenant.Tx, by Principal, user uuid.UUID) error {
	if _, err := a.lockUser(ctx, tx, user); err != nil {
		return err
	}
	if err := a.mayManage(ctx, tx, by, user); err != nil {
		return err
	}
	return a.change(ctx, tx, user, `update app_user set state = $2 where id = $1`, UserActive)
}

// mayManage refuses to let anybody change a user who has more rights.
func (a *Authority) mayManage(ctx context.Context, tx tenant.Tx, by Principal, user uuid.UUID) error {
	u, err := a.GetUser(ctx, tx, user)
	if err != nil {
		return err
	}
	err = mayGive(ctx, tx, by, u.Role)
	if errors.Is(err, ErrRole) {
		return nil // a role that is no more has no rights
	}
	return err
}

// keepsAnOwner locks the active owners in the order of their ids, so that two
// who take away each other's role meet here, and refuses to lose the last.
func keepsAnOwner(ctx context.Context, tx tenant.Tx, user uuid.UUID) error {
	rows, err := tx.Query(ctx, `
		select id
		  from app_user
		 where role = 'owner' and state = 'active'
		 order by id
		   for update`)
	if err != nil {
		return fmt.Errorf("lock owners: %w", err)
	}
	owners, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("lock owners: %w", err)
	}
	if len(owners) == 1 && owners[0] == user {
		return ErrLastOwner
	}
	return nil
}

// change runs an update of one user written in this file, and ends what was
// opened before it.
func (a *Authority) change(ctx context.Context, tx tenant.Tx, user uuid.UUID, update string, value any) error {
	done, err := tx.Exec(ctx, update, user, value)
	if err != nil {
		return fmt.Errorf("change user %s: %w", user, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("user %s: %w", user, ErrUserNotFound)
	}
	return a.closeDoors(ctx, tx, user, uuid.Nil)
}

const userColumns = `id, email, name, role, account_id, language, state, created_at, phone, branch`

func scanUser(row pgx.CollectableRow) (User, error) {
	var u User
	err := row.Scan(&u.ID, &u.Email, &u.Name, &u.Role, &u.AccountID, &u.Language, &u.State, &u.CreatedAt, &u.Phone, &u.Branch)
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
