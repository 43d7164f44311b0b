package balance

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// GroupOwnedBy reads the group of an owner with its members, and what each has
// used in the owner's present cycle; ErrGroup if it owns none.
func GroupOwnedBy(ctx context.Context, tx tenant.Tx, ownerID uuid.UUID) (Group, error) {
	g := Group{OwnerID: ownerID}
	err := tx.QueryRow(ctx, `select id, name, created_at from sharing_group where owner_id = $1`, ownerID).Scan(&g.ID, &g.Name, &g.CreatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return Group{}, fmt.Errorf("account %s: %w", ownerID, ErrGroup)
	}
	if err != nil {
		return Group{}, fmt.Errorf("read group of account %s: %w", ownerID, err)
	}
	rows, err := tx.Query(ctx, `
		select m.account_id, a.number, p.name, m.joined_at
		from sharing_member as m
		join billing_account as a on a.id = m.account_id
		join party as p on p.id = a.party_id
		where m.group_id = $1
		order by m.joined_at, m.account_id`, g.ID)
	if err != nil {
		return Group{}, fmt.Errorf("read members of group %s: %w", g.ID, err)
	}
	g.Members, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Member, error) {
		m := Member{Limits: map[money.Unit]money.Decimal{}}
		err := row.Scan(&m.AccountID, &m.Number, &m.Name, &m.JoinedAt)
		m.JoinedAt = m.JoinedAt.UTC()
		return m, err
	})
	if err != nil {
		return Group{}, fmt.Errorf("read members of group %s: %w", g.ID, err)
	}
	return g, readUse(ctx, tx, ownerID, g.Members)
}

// readUse fills in limits and use of members.
func readUse(ctx context.Context, tx tenant.Tx, ownerID uuid.UUID, members []Member) error {
	cycleStart, err := presentCycle(ctx, tx, ownerID)
	if err != nil {
		return err
	}
	byID, ids := map[uuid.UUID]*Member{}, make([]uuid.UUID, len(members))
	for i := range members {
		byID[members[i].AccountID], ids[i] = &members[i], members[i].AccountID
	}
	var (
		id     uuid.UUID
		u      Used
		amount money.Decimal
	)
	rows, err := tx.Query(ctx, `select account_id, unit, amount from sharing_limit where account_id = any ($1)`, ids)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&id, &u.Unit, &amount}, func() error { byID[id].Limits[u.Unit] = amount; return nil })
	}
	if err != nil {
		return fmt.Errorf("read limits of members: %w", err)
	}
	rows, err = tx.Query(ctx, `
		select account_id, code, unit, used from sharing_use
		where owner_id = $1 and account_id = any ($2) and cycle_start = $3 order by code, unit`, ownerID, ids, cycleStart)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&id, &u.Code, &u.Unit, &u.Amount}, func() error { byID[id].Used = append(byID[id].Used, u); return nil })
	}
	if err != nil {
		return fmt.Errorf("read use of members: %w", err)
	}
	return nil
}

// presentCycle is the first day of the cycle that today lies in.
func presentCycle(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (calendar.Date, error) {
	a, err := account.Get(ctx, tx, accountID)
	if err != nil {
		return calendar.Date{}, err
	}
	profile, err := account.GetProfile(ctx, tx)
	return a.Cycles(profile.AnchorPolicy).Containing(profile.LocalDate(tx.At)).From, err
}

// Membership is a member's own view of the group that it is in.
type Membership struct {
	Member
	OwnerID   uuid.UUID
	GroupName string
	OwnerName string
	Buckets   []Bucket // the owner's shared ones that are valid now, in order of use
}

// MembershipOf reads what an account shares as a member; ErrGroup if nothing.
func MembershipOf(ctx context.Context, tx tenant.Tx, memberID uuid.UUID) (Membership, error) {
	m := Membership{Member: Member{AccountID: memberID, Limits: map[money.Unit]money.Decimal{}}}
	err := tx.QueryRow(ctx, `
		select g.owner_id, g.name, p.name, m.joined_at
		from sharing_member as m
		join sharing_group as g on g.id = m.group_id
		join billing_account as o on o.id = g.owner_id
		join party as p on p.id = o.party_id
		where m.account_id = $1`, memberID).Scan(&m.OwnerID, &m.GroupName, &m.OwnerName, &m.JoinedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return Membership{}, fmt.Errorf("account %s: %w", memberID, ErrGroup)
	}
	if err != nil {
		return Membership{}, fmt.Errorf("read membership of account %s: %w", memberID, err)
	}
	m.JoinedAt = m.JoinedAt.UTC()
	if m.Buckets, err = shared(ctx, tx, m.OwnerID); err != nil {
		return Membership{}, err
	}
	one := []Member{m.Member}
	err = readUse(ctx, tx, m.OwnerID, one)
	m.Member = one[0]
	return m, err
}

// Lent says which members can use something now of what the owners of their
// groups share, within their limits.
func Lent(ctx context.Context, tx tenant.Tx, members []uuid.UUID) (map[uuid.UUID]bool, error) {
	lent := map[uuid.UUID]bool{}
	if len(members) == 0 {
		return lent, nil
	}
	rows, err := tx.Query(ctx, `
		select g.owner_id, m.account_id
		from sharing_member as m
		join sharing_group as g on g.id = m.group_id
		where m.account_id = any ($1)
		order by m.account_id`, members)
	if err != nil {
		return nil, fmt.Errorf("read groups of members: %w", err)
	}
	byOwner := map[uuid.UUID][]Member{}
	var owner, id uuid.UUID
	_, err = pgx.ForEachRow(rows, []any{&owner, &id}, func() error {
		byOwner[owner] = append(byOwner[owner], Member{AccountID: id, Limits: map[money.Unit]money.Decimal{}})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read groups of members: %w", err)
	}
	for owner, of := range byOwner {
		buckets, err := shared(ctx, tx, owner)
		if err != nil || len(buckets) == 0 {
			if err != nil {
				return nil, err
			}
			continue
		}
		if err := readUse(ctx, tx, owner, of); err != nil {
			return nil, err
		}
		for i := range of {
			lent[of[i].AccountID] = slices.ContainsFunc(buckets, func(b Bucket) bool { return of[i].Room(&b).Sign() > 0 })
		}
	}
	return lent, nil
}

// shared are the buckets of an owner that its group may use now, in order of use.
func shared(ctx context.Context, tx tenant.Tx, owner uuid.UUID) ([]Bucket, error) {
	all, err := List(ctx, tx, owner)
	return slices.DeleteFunc(all, func(b Bucket) bool { return !b.Shared }), err
}

// Room is what a member may still use of a shared bucket in the present cycle.
func (m Member) Room(b *Bucket) money.Decimal {
	room := b.Value
	if b.MemberLimit != nil {
		used := money.Decimal{}
		for _, u := range m.Used {
			if u.Code == b.Code && u.Unit == b.Unit {
				used = used.Add(u.Amount)
			}
		}
		if _, own := m.Limits[b.Unit]; !own {
			room = least(room, b.MemberLimit.Sub(used))
		}
	}
	if limit, own := m.Limits[b.Unit]; own {
		room = least(room, limit.Sub(m.UsedOf(b.Unit)))
	}
	if room.Sign() < 0 {
		return money.Decimal{}
	}
	return room
}

func least(a, b money.Decimal) money.Decimal {
	if b.Cmp(a) < 0 {
		return b
	}
	return a
}

// AccountNamed finds an active account by its own number or by a number, line
// or login of one of its services; account.ErrNotFound if there is none.
func AccountNamed(ctx context.Context, tx tenant.Tx, name string) (id uuid.UUID, err error) {
	err = tx.QueryRow(ctx, `
		select a.id
		from billing_account as a
		where a.state = 'active' and a.id = coalesce(
			(select id from billing_account where number = $1),
			(select s.account_id
			   from service_identity as i
			   join service as v on v.id = i.service_id
			   join subscription as s on s.id = v.subscription_id
			  where i.kind in ('msisdn', 'line', 'login') and i.value = $1 and i.valid_to is null
			  limit 1))`, name).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		err = account.ErrNotFound
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("find account %q: %w", name, err)
	}
	return id, nil
}

// Shares says whether an account owns a group, or is a member of one.
func Shares(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (some bool, err error) {
	err = tx.QueryRow(ctx, `
		select exists (select from sharing_group where owner_id = $1) or exists (select from sharing_member where account_id = $1)`, accountID).Scan(&some)
	if err != nil {
		return false, fmt.Errorf("read sharing of account %s: %w", accountID, err)
	}
	return some, nil
}
