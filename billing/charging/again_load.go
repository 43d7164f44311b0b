package charging

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// load reads the accounts, their usage with its charges and corrections, and
// what the buckets held before it: a number of statements that does not grow
// with the usage.
func (a *again) load(ctx context.Context, tx tenant.Tx) (err error) {
	ids := map[uuid.UUID]bool{}
	for _, id := range a.ask.Accounts {
		ids[id] = true
	}
	if a.groups, err = loadGroups(ctx, tx, keys(ids)); err != nil {
		return err
	}
	owners := map[uuid.UUID]uuid.UUID{}
	for member, of := range a.groups {
		ids[of.owner], owners[member] = true, of.owner
	}
	earliest := a.ask.Days.From.AddMonths(-12).Start(a.scene.zone)
	if a.payers, err = a.scene.lockAccounts(ctx, tx, keys(ids), earliest); err != nil {
		return err
	}
	used, err := a.loadUses(ctx, tx)
	if err != nil {
		return err
	}
	if err := a.loadCorrections(ctx, tx, used); err != nil {
		return err
	}
	if err := a.loadVoids(ctx, tx, used); err != nil {
		return err
	}
	if err := a.loadSessions(ctx, tx, used); err != nil {
		return err
	}
	versions, counting := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	var from calendar.Date
	for _, one := range used {
		c := &one.Was.Charge
		a.scene.begins(one.Record.Start)
		counting[c.SubscriptionID] = true
		if own := one.Was.ownCycle(); from.IsZero() || own.Before(from) {
			from = own
		}
		a.byAccount[c.AccountID] = append(a.byAccount[c.AccountID], one)
	}
	if err := a.loadHolders(ctx, tx, counting); err != nil {
		return err
	}
	var asked []uuid.UUID
	for _, one := range used {
		if version := a.basisOf(one, a.chosen(one)).Offering; version != uuid.Nil && !slices.Contains(asked, version) {
			asked = append(asked, version)
		}
	}
	if a.asked, err = catalog.LoadVersions(ctx, tx, asked); err != nil {
		return err
	}
	for _, one := range used {
		a.scene.wants(versions, a.planOf(one, a.basisOf(one, a.chosen(one))))
	}
	if a.tariffs, err = a.scene.tariffsOf(ctx, tx, keys(versions)); err != nil {
		return err
	}
	if err := a.findNumbers(ctx, tx, used); err != nil {
		return err
	}
	if a.counters, err = loadCounters(ctx, tx, keys(counting), from); err != nil {
		return err
	}
	if a.sharing, err = loadSharing(ctx, tx, owners, a.ask.Days.From.AddMonths(-24)); err != nil {
		return err
	}
	return a.findPurses(ctx, tx, used)
}

// findNumbers finds whose the destinations are, if a price or balance asks.
func (a *again) findNumbers(ctx context.Context, tx tenant.Tx, used []*Used) error {
	asks := false
	for _, t := range a.tariffs {
		asks = asks || t.asksNetwork()
	}
	var destinations []string
	for _, one := range used {
		if asks || a.payers[one.Was.Charge.AccountID].asksNetwork() {
			destinations = append(destinations, one.Record.Destination)
		}
	}
	return a.scene.findDestinations(ctx, tx, destinations)
}

// usage_record_account finds the rows in order, the primary key their charges.
const selectUsed = `
	select u.producer_id, u.kind, u.started_at, u.ended_at, u.destination, u.origin, u.quantity, u.unit, u.quality, u.amount,
	       u.file_id, u.service_id, u.session_id,` + inForceColumns + `
	from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) as w (account_id, from_at, to_at)
	join usage_record as u on u.account_id = w.account_id and u.ended_at >= w.from_at and u.ended_at < w.to_at
	join charge as c on c.period = u.period and c.id = u.id
	order by u.account_id, u.ended_at, u.id
	limit $4`

func (a *again) loadUses(ctx context.Context, tx tenant.Tx) ([]*Used, error) {
	var accounts []uuid.UUID
	var from, to []time.Time
	for _, id := range a.ask.Accounts {
		p := a.payers[id]
		if p == nil || slices.Contains(accounts, id) {
			continue
		}
		first, last := a.window(p)
		accounts, from, to = append(accounts, id), append(from, first), append(to, last)
	}
	rows, err := tx.Query(ctx, selectUsed, planned, accounts, from, to, MostAgain+1)
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	used, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Used, error) {
		var u Used
		var file, session *uuid.UUID
		r := &u.Record
		scan := chargeScan{}
		err := row.Scan(append([]any{&r.Key, &r.Kind, &r.Start, &r.End, &r.Destination, &r.Origin, &r.Quantity, &r.Unit, &r.Quality, &r.Amount,
			&file, &u.Service, &session}, scan.into()...)...)
		if err != nil {
			return nil, err
		}
		r.Start, r.End = r.Start.UTC(), r.End.UTC()
		u.File, u.Session = orNil(file), orNil(session)
		u.Was, err = inForce(scan.charge())
		return &u, err
	})
	if err != nil {
		return nil, fmt.Errorf("read usage: %w", err)
	}
	if len(used) > MostAgain {
		return nil, fmt.Errorf("%w: over %d uses", ErrTooMuchUsage, MostAgain)
	}
	return used, nil
}

func (a *again) loadCorrections(ctx context.Context, tx tenant.Tx, used []*Used) error {
	ids, byID := make([]uuid.UUID, len(used)), make(map[uuid.UUID]*Used, len(used))
	for i, one := range used {
		ids[i] = one.Was.Charge.ID
		byID[ids[i]] = one
	}
	later, err := queryCharges(ctx, tx, selectCorrections, ids)
	for i := range later {
		if err := byID[later[i].Corrects].Was.correct(&later[i]); err != nil {
			return err
		}
	}
	return err
}

// usage_void_account finds what was taken back of an account's usage.
func (a *again) loadVoids(ctx context.Context, tx tenant.Tx, used []*Used) error {
	byID := make(map[uuid.UUID]*Used, len(used))
	for _, one := range used {
		byID[one.Was.Charge.UsageID] = one
	}
	rows, err := tx.Query(ctx, `select usage_id, quantity from usage_void where account_id = any($1) and ended_by is null`, a.ask.Accounts)
	if err != nil {
		return fmt.Errorf("read usage taken back: %w", err)
	}
	var id uuid.UUID
	var quantity int64
	_, err = pgx.ForEachRow(rows, []any{&id, &quantity}, func() error {
		if one := byID[id]; one != nil {
			one.Voided += quantity
		}
		return nil
	})
	return err
}

// earlier is what pieces of a session before the window came to.
type earlier struct{ quantity, covered int64 }

const selectEarlier = `
	select u.session_id, sum(u.quantity)::bigint, sum(coalesce(c.allowance, 0))::bigint
	from unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) as w (account_id, session_id, before)
	join usage_record as u on u.account_id = w.account_id and u.ended_at < w.before and u.session_id = w.session_id
	left join charge as c on c.period = u.period and c.id = u.id
	group by u.session_id`

// loadSessions reads how far sessions were that had begun before the window.
func (a *again) loadSessions(ctx context.Context, tx tenant.Tx, used []*Used) error {
	a.sessions = map[uuid.UUID]earlier{}
	var accounts, sessions []uuid.UUID
	var before []time.Time
	for _, one := range used {
		from, _ := a.window(a.payers[one.Was.Charge.AccountID])
		if _, seen := a.sessions[one.Session]; seen || one.Session == uuid.Nil || !one.Record.Start.Before(from) {
			continue
		}
		a.sessions[one.Session] = earlier{}
		accounts, sessions, before = append(accounts, one.Was.Charge.AccountID), append(sessions, one.Session), append(before, from)
	}
	if len(sessions) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, selectEarlier, planned, accounts, sessions, before)
	if err != nil {
		return fmt.Errorf("read earlier pieces of sessions: %w", err)
	}
	var id uuid.UUID
	var e earlier
	_, err = pgx.ForEachRow(rows, []any{&id, &e.quantity, &e.covered}, func() error {
		a.sessions[id] = e
		return nil
	})
	return err
}

// findPurses reads the allowances that these uses took from and that hold
// nothing any more.
func (a *again) findPurses(ctx context.Context, tx tenant.Tx, used []*Used) error {
	for _, p := range a.payers {
		for _, one := range append(slices.Clone(p.units), p.money...) {
			a.purses[one.ID] = one
		}
	}
	missing, whose := map[uuid.UUID]bool{}, map[uuid.UUID]*payer{}
	for _, one := range used {
		for bucket := range one.Was.Units {
			if a.purses[bucket] == nil {
				missing[bucket], whose[bucket] = true, a.payers[one.Was.Charge.AccountID]
			}
		}
	}
	buckets, err := balance.LockByID(ctx, tx, keys(missing))
	if err != nil {
		return err
	}
	for i := range buckets {
		filter, err := a.scene.filter(buckets[i].Filter)
		if err != nil {
			return fmt.Errorf("filter of balance %s: %w", buckets[i].ID, err)
		}
		terms, err := a.scene.termsOf(buckets[i].Terms)
		if err != nil {
			return fmt.Errorf("terms of balance %s: %w", buckets[i].ID, err)
		}
		one := newPurse(&buckets[i], filter, terms)
		a.purses[one.ID] = one
		if owner := a.payers[one.AccountID]; owner != nil {
			owner.add(one)
		} else { // of a group that the account has left
			whose[one.ID].add(one)
		}
	}
	for _, p := range a.payers {
		slices.SortFunc(p.money, inOrderOfUse)
	}
	return nil
}

// fill gives allowances back what an account's uses took from them, and says how
// to undo that: each account is priced against what stands, as if alone.
func (a *again) fill(used []*Used) (undo func()) {
	before := make(map[*purse]money.Decimal, len(a.purses))
	for _, p := range a.purses {
		before[p] = p.Value
	}
	for _, one := range used {
		for bucket, units := range one.Was.Units {
			if p := a.purses[bucket]; p != nil {
				p.Value = p.Value.Add(units)
			}
		}
	}
	return func() {
		for p, value := range before {
			p.Value = value
		}
	}
}

// sharingBefore is what members have used of their owners' balances, less what
// these uses of one of them did.
func (a *again) sharingBefore(t *till, used []*Used, uses []*use) *sharing {
	s := &sharing{used: maps.Clone(a.sharing.used), limits: a.sharing.limits, changed: map[shareKey]money.Decimal{}}
	for i, one := range used {
		if uses[i].owner == nil {
			continue
		}
		for bucket, units := range one.Was.Units {
			if p := a.purses[bucket]; p != nil && p.AccountID == uses[i].owner.id {
				key := t.shareKey(uses[i], p)
				s.used[key] = s.used[key].Sub(units)
			}
		}
	}
	return s
}

// countersBefore are the stored counters less what these uses moved them by.
func (a *again) countersBefore(used []*Used) *counters {
	c := &counters{values: map[counterKey]map[string]int64{}, changed: map[counterKey]map[string]bool{}}
	for _, one := range used {
		key := counterKey{one.Was.Charge.SubscriptionID, one.Was.ownCycle()}
		if c.values[key] == nil {
			for code, n := range a.counters.of(key) {
				c.of(key)[code] = n
			}
		}
		for code, n := range one.Was.Counted {
			c.values[key][code] = max(0, c.values[key][code]-n)
		}
	}
	return c
}

// moved is how the counters differ from the stored ones.
func (a *again) moved(now *counters) []CounterMove {
	var moves []CounterMove
	for key, values := range now.values {
		stored := a.counters.of(key)
		for code, n := range values {
			if by := n - stored[code]; by != 0 {
				moves = append(moves, CounterMove{key.subscription, key.cycleStart, code, by})
			}
		}
	}
	slices.SortFunc(moves, func(x, y CounterMove) int {
		return cmp.Or(slices.Compare(x.Subscription[:], y.Subscription[:]), x.Cycle.Compare(y.Cycle), strings.Compare(x.Code, y.Code))
	})
	return moves
}

// facts hashes what the prices of an account's uses are made from.
func (a *again) facts(p *payer, used []*Used) [32]byte {
	hash := sha256.New()
	write := json.NewEncoder(hash)
	for _, one := range used {
		w := one.Was
		_ = write.Encode([]any{w.Charge.ID, w.Price, w.Net, w.Tax, w.Given, w.Units, one.Voided, len(w.Corrections)})
		if holder := a.basisOf(one, a.chosen(one)).Holder; holder != uuid.Nil {
			_ = write.Encode(holder)
		}
	}
	for _, one := range append(slices.Clone(p.units), p.money...) {
		if p.prepaid && one.Unit.IsCurrency() {
			continue // who pays does not change what it costs
		}
		_ = write.Encode([]any{one.ID, one.Value})
	}
	if of, is := a.groups[p.id]; is { // what others of the group take changes what is left to it
		owner := a.payers[of.owner]
		for _, one := range append(slices.Clone(owner.units), owner.money...) {
			if one.Shared {
				_ = write.Encode([]any{one.ID, one.before})
			}
		}
	}
	return [32]byte(hash.Sum(nil))
}

const moveCounters = `
	insert into usage_counter (subscription_id, code, cycle_start, quantity)
	select n.subscription_id, n.code, n.cycle_start, n.quantity
	from unnest($1::uuid[], $2::text[], $3::date[], $4::numeric[]) as n (subscription_id, code, cycle_start, quantity)
	on conflict (subscription_id, code, cycle_start) do update set quantity = greatest(0, usage_counter.quantity + excluded.quantity)`

// MoveCounters moves tier counters of locked accounts.
func MoveCounters(ctx context.Context, tx tenant.Tx, moves []CounterMove) error {
	var subscriptions []uuid.UUID
	var codes []string
	var starts []time.Time
	var by []money.Decimal
	for _, m := range moves {
		subscriptions, codes = append(subscriptions, m.Subscription), append(codes, m.Code)
		starts, by = append(starts, m.Cycle.Start(time.UTC)), append(by, money.NewDecimal(m.By))
	}
	if len(codes) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, moveCounters, subscriptions, codes, starts, by); err != nil {
		return fmt.Errorf("move usage counters: %w", err)
	}
	return nil
}
