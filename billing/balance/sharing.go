package balance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Errors of sharing groups.
var (
	// ErrGroup means that an account has no sharing group.
	ErrGroup = errors.New("no sharing group")
	// ErrShares means that an account shares already: as an owner, or as a
	// member of another group.
	ErrShares = errors.New("the account shares already")
	// ErrNotMember means that an account is no member of the group.
	ErrNotMember = errors.New("no member of the sharing group")
	// ErrGroupFull means that a group has MostMembers.
	ErrGroupFull = errors.New("the sharing group is full")
)

// MostMembers bounds a group: all of them queue for the owner's balances.
const MostMembers = 200

// Group is a family or company whose members use the owner's shared buckets.
type Group struct {
	ID        uuid.UUID
	OwnerID   uuid.UUID
	Name      string
	CreatedAt time.Time
	Members   []Member // in the order in which they joined
}

// Member is an account of a group.
type Member struct {
	AccountID uuid.UUID
	Number    string
	Name      string // of the party
	JoinedAt  time.Time
	Limits    map[money.Unit]money.Decimal // in a cycle of the owner; none: as the buckets say
	Used      []Used                       // in the owner's present cycle
}

// Used is what a member has used of the owner's shared buckets of one code.
type Used struct {
	Code   string
	Unit   money.Unit
	Amount money.Decimal
}

// UsedOf is what a member has used of a unit in the present cycle.
func (m Member) UsedOf(unit money.Unit) money.Decimal {
	sum := money.Decimal{}
	for _, u := range m.Used {
		if u.Unit == unit {
			sum = sum.Add(u.Amount)
		}
	}
	return sum
}

// Units are those in which a member has a limit or use, in order.
func (m Member) Units() []money.Unit {
	all := map[money.Unit]bool{}
	for unit := range m.Limits {
		all[unit] = true
	}
	for _, u := range m.Used {
		all[u.Unit] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// Found starts a group with an account as its owner; ErrShares if it owns one
// or is a member.
func Found(ctx context.Context, tx tenant.Tx, ownerID uuid.UUID, name string) (Group, error) {
	if name = strings.TrimSpace(name); name == "" || len(name) > 100 {
		return Group{}, &account.FieldError{Field: "name", Want: "a name of at most 100 letters"}
	}
	if err := lockToShare(ctx, tx, ownerID); err != nil {
		return Group{}, err
	}
	var member bool
	if err := tx.QueryRow(ctx, `select exists (select from sharing_member where account_id = $1)`, ownerID).Scan(&member); err != nil {
		return Group{}, fmt.Errorf("look for groups of account %s: %w", ownerID, err)
	}
	if member {
		return Group{}, fmt.Errorf("account %s: %w", ownerID, ErrShares)
	}
	g := Group{ID: uuid.Must(uuid.NewV7()), OwnerID: ownerID, Name: name, CreatedAt: tx.At}
	_, err := tx.Exec(ctx, `insert into sharing_group (id, owner_id, name, created_at) values ($1, $2, $3, $4)`, g.ID, g.OwnerID, g.Name, g.CreatedAt)
	if unique(err) {
		return Group{}, fmt.Errorf("account %s: %w", ownerID, ErrShares)
	}
	if err != nil {
		return Group{}, fmt.Errorf("found group of account %s: %w", ownerID, err)
	}
	return g, nil
}

// Join makes an account a member of an owner's group. Owner and member are
// kept in one currency, as money may be shared.
func Join(ctx context.Context, tx tenant.Tx, ownerID, memberID uuid.UUID) error {
	group, err := groupID(ctx, tx, ownerID)
	if err != nil {
		return err
	}
	if err := lockToShare(ctx, tx, ownerID, memberID); err != nil {
		return err
	}
	var owns bool
	var members int
	var currencies int
	err = tx.QueryRow(ctx, `
		select exists (select from sharing_group where owner_id = $2),
		       (select count(*) from sharing_member where group_id = $1),
		       (select count(distinct currency) from billing_account where id in ($2, $3))`, group, memberID, ownerID).
		Scan(&owns, &members, &currencies)
	switch {
	case err != nil:
		return fmt.Errorf("join group of account %s: %w", ownerID, err)
	case owns || memberID == ownerID:
		return fmt.Errorf("account %s: %w", memberID, ErrShares)
	case members >= MostMembers:
		return fmt.Errorf("%d members: %w", members, ErrGroupFull)
	case currencies > 1:
		return &account.FieldError{Field: "account", Want: "an account in the owner's currency"}
	}
	_, err = tx.Exec(ctx, `insert into sharing_member (account_id, group_id, joined_at) values ($1, $2, $3)`, memberID, group, tx.At)
	if unique(err) {
		return fmt.Errorf("account %s: %w", memberID, ErrShares)
	}
	if err != nil {
		return fmt.Errorf("join group of account %s: %w", ownerID, err)
	}
	return changed(ctx, tx, memberID)
}

// Leave ends a membership with its limits. What was used stays counted.
func Leave(ctx context.Context, tx tenant.Tx, ownerID, memberID uuid.UUID) error {
	group, err := groupID(ctx, tx, ownerID)
	if err != nil {
		return err
	}
	if err := lockToShare(ctx, tx, ownerID, memberID); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `delete from sharing_member where account_id = $1 and group_id = $2`, memberID, group)
	if err != nil {
		return fmt.Errorf("leave group of account %s: %w", ownerID, err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("account %s: %w", memberID, ErrNotMember)
	}
	return changed(ctx, tx, memberID)
}

// Dissolve ends a group with all memberships.
func Dissolve(ctx context.Context, tx tenant.Tx, ownerID uuid.UUID) error {
	group, err := groupID(ctx, tx, ownerID)
	if err != nil {
		return err
	}
	if err := lockToShare(ctx, tx, ownerID); err != nil {
		return err
	}
	if err := LentTurned(ctx, tx, ownerID); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `delete from sharing_member where group_id = $1`, group); err != nil {
		return fmt.Errorf("dissolve group of account %s: %w", ownerID, err)
	}
	if _, err := tx.Exec(ctx, `delete from sharing_group where id = $1`, group); err != nil {
		return fmt.Errorf("dissolve group of account %s: %w", ownerID, err)
	}
	return account.Changed(ctx, tx)
}

// Limit bounds what a member may use of a unit in each cycle of the owner; nil
// lets the buckets' own limits decide.
func Limit(ctx context.Context, tx tenant.Tx, ownerID, memberID uuid.UUID, unit money.Unit, amount *money.Decimal) error {
	if !unit.Valid() || unit == money.Point {
		return &account.FieldError{Field: "unit", Want: "second, byte, event or a currency"}
	}
	if amount != nil && (amount.Sign() < 0 || amount.Digits() > money.Scale) {
		return &account.FieldError{Field: "amount", Want: "zero or more, with at most nine digits after the point"}
	}
	group, err := groupID(ctx, tx, ownerID)
	if err != nil {
		return err
	}
	// the owner's row keeps uses of the group away meanwhile
	if err := lockToShare(ctx, tx, ownerID); err != nil {
		return err
	}
	var member bool
	if err := tx.QueryRow(ctx, `select exists (select from sharing_member where account_id = $1 and group_id = $2)`, memberID, group).Scan(&member); err != nil {
		return fmt.Errorf("look for member %s: %w", memberID, err)
	}
	if !member {
		return fmt.Errorf("account %s: %w", memberID, ErrNotMember)
	}
	if amount == nil {
		_, err = tx.Exec(ctx, `delete from sharing_limit where account_id = $1 and unit = $2`, memberID, unit)
	} else {
		_, err = tx.Exec(ctx, `insert into sharing_limit (account_id, unit, amount) values ($1, $2, $3)
			on conflict (account_id, unit) do update set amount = excluded.amount`, memberID, unit, *amount)
	}
	if err != nil {
		return fmt.Errorf("limit member %s: %w", memberID, err)
	}
	return Turned(ctx, tx, memberID)
}

// changed lets charging read groups anew, and what a member may do now be looked
// at.
func changed(ctx context.Context, tx tenant.Tx, memberID uuid.UUID) error {
	if err := account.Changed(ctx, tx); err != nil {
		return err
	}
	return Turned(ctx, tx, memberID)
}

// groupID is the group that an account owns; ErrGroup if it owns none.
func groupID(ctx context.Context, tx tenant.Tx, ownerID uuid.UUID) (uuid.UUID, error) {
	var id uuid.UUID
	err := tx.QueryRow(ctx, `select id from sharing_group where owner_id = $1`, ownerID).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, fmt.Errorf("account %s: %w", ownerID, ErrGroup)
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("read group of account %s: %w", ownerID, err)
	}
	return id, nil
}

// lockToShare locks active accounts in id order.
func lockToShare(ctx context.Context, tx tenant.Tx, ids ...uuid.UUID) error {
	rows, err := tx.Query(ctx, `select id, state from billing_account where id = any ($1) order by id for no key update`, ids)
	if err != nil {
		return fmt.Errorf("lock accounts: %w", err)
	}
	found := map[uuid.UUID]account.State{}
	var id uuid.UUID
	var state account.State
	if _, err := pgx.ForEachRow(rows, []any{&id, &state}, func() error { found[id] = state; return nil }); err != nil {
		return fmt.Errorf("lock accounts: %w", err)
	}
	for _, wanted := range ids {
		switch state, known := found[wanted]; {
		case !known:
			return fmt.Errorf("account %s: %w", wanted, ErrNotFound)
		case state == account.Closed:
			return fmt.Errorf("account %s: %w", wanted, account.ErrClosed)
		}
	}
	return nil
}

func unique(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}
