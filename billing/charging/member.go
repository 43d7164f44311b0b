package charging

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
	"tollhouse/billing/tenant"
)

// sharing counts what members use of the shared balances of their groups'
// owners, whose accounts are locked.
type sharing struct {
	used    map[shareKey]money.Decimal
	limits  map[memberUnit]money.Decimal
	changed map[shareKey]money.Decimal // added by this transaction
}

// shareKey is a member's use of one code in a cycle of the owner.
type shareKey struct {
	owner, member uuid.UUID
	cycle         calendar.Date
	code          string
	unit          money.Unit
}

type memberUnit struct {
	member uuid.UUID
	unit   money.Unit
}

// loadSharing reads limits and use of members, with their owners aligned, in
// cycles that began on a day or later.
func loadSharing(ctx context.Context, tx tenant.Tx, owners map[uuid.UUID]uuid.UUID, from calendar.Date) (*sharing, error) {
	s := &sharing{used: map[shareKey]money.Decimal{}, limits: map[memberUnit]money.Decimal{}, changed: map[shareKey]money.Decimal{}}
	if len(owners) == 0 {
		return s, nil
	}
	members, owning := make([]uuid.UUID, 0, len(owners)), make([]uuid.UUID, 0, len(owners))
	for member, owner := range owners {
		members, owning = append(members, member), append(owning, owner)
	}
	var (
		of     memberUnit
		key    shareKey
		amount money.Decimal
	)
	rows, err := tx.Query(ctx, `select account_id, unit, amount from sharing_limit where account_id = any ($1)`, members)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&of.member, &of.unit, &amount}, func() error { s.limits[of] = amount; return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("read limits of members: %w", err)
	}
	rows, err = tx.Query(ctx, `
		select u.owner_id, u.account_id, u.cycle_start, u.code, u.unit, u.used
		from unnest($1::uuid[], $2::uuid[]) as w (owner_id, account_id)
		join sharing_use as u on u.owner_id = w.owner_id and u.account_id = w.account_id and u.cycle_start >= $3`, owning, members, from)
	if err == nil {
		_, err = pgx.ForEachRow(rows, []any{&key.owner, &key.member, &key.cycle, &key.code, &key.unit, &amount},
			func() error { s.used[key] = amount; return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("read use of members: %w", err)
	}
	return s, nil
}

// left is what a member may still take of a shared bucket by its limit; false
// where it has none. A limit of the member's own counts all buckets of a unit.
func (s *sharing) left(key shareKey, b *balance.Bucket) (money.Decimal, bool) {
	if limit, own := s.limits[memberUnit{key.member, key.unit}]; own {
		for k, used := range s.used {
			if k.owner == key.owner && k.member == key.member && k.cycle == key.cycle && k.unit == key.unit {
				limit = limit.Sub(used)
			}
		}
		return limit, true
	}
	if b.MemberLimit == nil {
		return money.Decimal{}, false
	}
	return b.MemberLimit.Sub(s.used[key]), true
}

// reached are the members who have just come to the end of a limit, or have room
// below one again.
func (s *sharing) reached(payers []*payer) []uuid.UUID {
	if s == nil || len(s.changed) == 0 {
		return nil
	}
	var ids []uuid.UUID
	for key, by := range s.changed {
		owner := slices.IndexFunc(payers, func(p *payer) bool { return p.id == key.owner })
		if owner < 0 || by.IsZero() || slices.Contains(ids, key.member) {
			continue
		}
		if _, own := s.limits[memberUnit{key.member, key.unit}]; own {
			by = s.added(key)
		}
		of := func(one *purse) bool {
			left, limited := s.left(key, &one.Bucket)
			return one.Shared && one.Code == key.code && one.Unit == key.unit && limited && (left.Sign() > 0) != (left.Add(by).Sign() > 0)
		}
		if slices.ContainsFunc(payers[owner].units, of) || slices.ContainsFunc(payers[owner].money, of) {
			ids = append(ids, key.member)
		}
	}
	return ids
}

// added is what a member has taken in this transaction that a limit of its own
// counts: of all codes of the unit.
func (s *sharing) added(key shareKey) (sum money.Decimal) {
	for k, by := range s.changed {
		if k.owner == key.owner && k.member == key.member && k.cycle == key.cycle && k.unit == key.unit {
			sum = sum.Add(by)
		}
	}
	return sum
}

func (s *sharing) add(key shareKey, amount money.Decimal) {
	s.used[key] = s.used[key].Add(amount)
	s.changed[key] = s.changed[key].Add(amount)
}

func (s *sharing) write(ctx context.Context, tx tenant.Tx) error {
	if s == nil || len(s.changed) == 0 {
		return nil
	}
	var (
		owners, members []uuid.UUID
		cycles          []calendar.Date
		codes, units    []string
		amounts         []money.Decimal
	)
	for key, amount := range s.changed {
		owners, members, cycles = append(owners, key.owner), append(members, key.member), append(cycles, key.cycle)
		codes, units, amounts = append(codes, key.code), append(units, string(key.unit)), append(amounts, amount)
	}
	tag, err := tx.Exec(ctx, `
		insert into sharing_use as u (owner_id, account_id, cycle_start, code, unit, used)
		select n.owner_id, n.account_id, n.cycle_start, n.code, n.unit, n.used
		from unnest($1::uuid[], $2::uuid[], $3::date[], $4::text[], $5::text[], $6::numeric[]) as n (owner_id, account_id, cycle_start, code, unit, used)
		on conflict (owner_id, account_id, cycle_start, code, unit) do update set used = u.used + excluded.used`,
		owners, members, cycles, codes, units, amounts)
	if err == nil && tag.RowsAffected() != int64(len(owners)) {
		err = fmt.Errorf("%d of %d rows written", tag.RowsAffected(), len(owners))
	}
	if err != nil {
		return fmt.Errorf("count use of members: %w", err)
	}
	return nil
}

// owners are the accounts whose balances the uses share, by member.
func (r *run) owners() map[uuid.UUID]uuid.UUID { return ownersOf(r.uses) }

func ownersOf(uses []*use) map[uuid.UUID]uuid.UUID {
	owners := map[uuid.UUID]uuid.UUID{}
	for _, u := range uses {
		if u.shares() {
			owners[u.holder.account] = u.holder.owner
		}
	}
	return owners
}

// lend lets a use take from its owner's balances, where it may.
func (u *use) lend(payers map[uuid.UUID]*payer) {
	if u.shares() {
		u.owner = payers[u.holder.owner]
	}
}

// shares says whether the use may take from a group owner's balances: its
// account was a member already when it happened.
func (u *use) shares() bool {
	return u.holder.owner != uuid.Nil && !u.record.End.Before(u.holder.joined)
}

// lent adds to the purses those of the owner that the member may use.
func (t *till) lent(u *use, all []*purse, event *rating.Event, to []*purse) []*purse {
	first := len(to)
	for _, one := range all {
		if one.Shared && (one.Value.Sign() > 0 || one.terms.Blocks) && one.ValidAt(u.record.End) && one.pays(event, u.tariff) {
			to = append(to, one)
		}
	}
	slices.SortFunc(to[first:], inOrderOfUse)
	t.ration(u, to[first:])
	return to
}

// ration says what the member may take of each of the owner's purses: a limit
// over several is given to the first ones first.
func (t *till) ration(u *use, purses []*purse) {
	spoken := map[memberUnit]money.Decimal{} // of own limits
	byCode := map[shareKey]money.Decimal{}
	for _, one := range purses {
		key := t.shareKey(u, one)
		one.room = nil
		left, limited := t.sharing.left(key, &one.Bucket)
		if !limited {
			continue
		}
		left = left.Sub(t.holds(u, one))
		of := memberUnit{key.member, key.unit}
		if _, own := t.sharing.limits[of]; own {
			left = left.Sub(spoken[of])
		} else {
			left = left.Sub(byCode[key])
		}
		if left.Sign() < 0 {
			left = money.Decimal{}
		}
		one.room = &left
		may := one.free()
		spoken[of], byCode[key] = spoken[of].Add(may), byCode[key].Add(may)
	}
}

// holds is what open sessions of the member hold back of the owner's purses that
// its limit for one of them counts.
func (t *till) holds(u *use, of *purse) (held money.Decimal) {
	if len(u.owner.reserved) == 0 {
		return held
	}
	_, own := t.sharing.limits[memberUnit{u.payer.id, of.Unit}]
	for _, purses := range [][]*purse{u.owner.units, u.owner.money} {
		for _, one := range purses {
			if one.Unit == of.Unit && (own || one.Code == of.Code) {
				held = held.Add(u.owner.reserved[heldBy(u.payer.id, one.ID)])
			}
		}
	}
	return held
}

func (t *till) shareKey(u *use, one *purse) shareKey {
	day := calendar.DateOf(u.record.End, t.scene.zone)
	return shareKey{owner: u.owner.id, member: u.payer.id, cycle: u.owner.cycle.Containing(day).From, code: one.Code, unit: one.Unit}
}

// money lists the money of the account's currency that may pay a use, in order.
func (t *till) money(u *use, event *rating.Event) []*purse {
	for _, one := range u.payer.money {
		one.room = nil // another member's
	}
	if u.owner == nil || u.owner.currency != u.payer.currency {
		return u.payer.money
	}
	t.lentMoney = t.lent(u, u.owner.money, event, append(t.lentMoney[:0], u.payer.money...))
	slices.SortStableFunc(t.lentMoney, inOrderOfUse)
	return t.lentMoney
}

// draw lowers a purse that a use takes from: late use takes back what the
// bucket's end took, and use of a member is counted.
func (t *till) draw(u *use, one *purse, amount money.Decimal) {
	one.Value = one.Value.Sub(amount)
	t.drawn(u, one, amount)
}

// drawn is draw for a purse that has been lowered already.
func (t *till) drawn(u *use, one *purse, amount money.Decimal) {
	if one.back.Sign() > 0 && one.Value.Cmp(one.back) < 0 {
		t.takeBack(u.payer, one, one.back.Sub(one.Value))
	}
	if u.owner != nil && one.AccountID == u.owner.id {
		t.sharing.add(t.shareKey(u, one), amount)
	}
}

// takeBack reverses so much of a bucket's expiry.
func (t *till) takeBack(p *payer, one *purse, amount money.Decimal) {
	one.back = one.back.Sub(amount)
	t.expiredBy(one, amount.Neg())
	t.postings = append(t.postings, ledger.Posting{
		Event:     ledger.Event{Kind: ledger.Expiry, ID: one.ID, At: t.now, LegalEntity: p.legalEntity, Branch: p.branch},
		Transfers: []ledger.Transfer{one.BackFromExpiry(amount)},
	})
}

// expiredBy notes that a bucket's end took more or, below zero, less.
func (t *till) expiredBy(one *purse, amount money.Decimal) {
	if t.taken == nil {
		t.taken = map[uuid.UUID]money.Decimal{}
	}
	t.taken[one.ID] = t.taken[one.ID].Sub(amount)
}

// group is whose balances a member may use, and since when.
type group struct {
	owner  uuid.UUID
	joined time.Time
}

// loadGroups reads of which groups accounts are members.
func loadGroups(ctx context.Context, tx tenant.Tx, accounts []pgtype.UUID) (map[uuid.UUID]group, error) {
	groups := map[uuid.UUID]group{}
	rows, err := tx.Query(ctx, `
		select m.account_id, g.owner_id, m.joined_at
		from sharing_member as m join sharing_group as g on g.id = m.group_id
		where m.account_id = any ($1)`, accounts)
	if err == nil {
		var member uuid.UUID
		var of group
		_, err = pgx.ForEachRow(rows, []any{&member, &of.owner, &of.joined}, func() error { groups[member] = of; return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("read groups of members: %w", err)
	}
	return groups, nil
}
