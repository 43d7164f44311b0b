package charging

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// errLocks means that requests can't be charged from memory: they have to be
// charged under locks. Nothing was written.
var errLocks = errors.New("locks are needed")

// swift charges debits from memory in one round trip: what they cost is reckoned
// from the balances as the last transaction left them, and the statements that
// write it demand that every account and every balance is still of the version
// that was reckoned with. Otherwise nothing is written. Accounts that are not
// remembered are read in a trip before, without locks.
//
// It gives the requests that have to be charged under locks all the same: a
// refusal may not go by memory, and a key that was taken before has its answer
// in the database. On an error that is all of them: whatever it was, the way
// with locks finds out.
func (o *Online) swift(ref tenant.Ref, requests []*request) (again []*request, err error) {
	known := o.scenes.recall(ref.ID, requests)
	if known == nil || len(known.missing) > 0 {
		return nil, errLocks
	}
	var b *swiftBatch
	err = o.config.DB.Flow(context.Background(), ref, func(_ context.Context, f *tenant.Flow) error {
		return safely(func() error {
			b = &swiftBatch{batch: newBatch(known, f, requests), memory: &o.memory, recent: &o.recent, shy: nil}
			return b.run(ref.ID)
		})
	})
	if b != nil && len(b.shy) > 0 {
		o.memory.avoid(ref.ID, b.shy)
	}
	if errors.Is(err, tenant.ErrRows) {
		o.memory.rest(ref.ID)
	}
	if err != nil {
		return nil, err
	}
	b.learn()
	o.memory.keep(ref.ID, b.scene.found, b.payers)
	o.recent.Keep(b.claims)
	for r, original := range b.same {
		r.answer = r.kind.again(original.answer)
	}
	return b.again, nil
}

// swiftBatch is a batch that goes by memory.
type swiftBatch struct {
	*batch
	memory *memory
	recent *usage.Recent
	shy    []uuid.UUID // accounts that should not be tried so soon
	again  []*request  // to be charged under locks
	xid    uint32
	moved  map[uuid.UUID]money.Decimal // buckets that were written
}

func (b *swiftBatch) run(id tenant.ID) error {
	if err := b.gather(id); err != nil {
		return err
	}
	if err := b.reckon(); err != nil {
		return err
	}
	if len(b.settled) == 0 {
		return nil
	}
	return b.write()
}

// gather finds the payers, in memory or with a trip.
func (b *swiftBatch) gather(id tenant.ID) error {
	b.scene.today = calendar.DateOf(b.flow.At, b.scene.zone)
	var uses []*use
	accounts := map[uuid.UUID]bool{}
	for _, r := range b.requests {
		for _, u := range r.uses {
			if u.holder == nil || u.tariff == nil || u.tariff.counts || u.shares() || u.asksNetwork() {
				return errLocks
			}
			accounts[u.holder.account] = true
			uses = append(uses, u)
		}
	}
	b.accounts = keys(accounts)
	var missing []pgtype.UUID
	if b.payers, missing = b.memory.take(id, b.scene.found, b.accounts, b.earliest); len(missing) > 0 {
		if err := b.read(missing); err != nil {
			return err
		}
	}
	if cyclesToBegin(b.flow.At, uses, b.payers) {
		return errLocks
	}
	for _, r := range b.requests {
		for _, u := range r.uses {
			u.payer = b.payers[u.holder.account]
			r.payer = u.payer
		}
	}
	return nil
}

const selectKnownPayers = `
	select ` + payerColumns + `, a.xmin
	from unnest($1::uuid[]) as w (id)
	join billing_account as a on a.id = w.id`

// read finds payers whose balances are all of the plain kind.
func (b *swiftBatch) read(ids []pgtype.UUID) error {
	fresh, now := make(map[uuid.UUID]*payer, len(ids)), time.Now()
	b.flow.Query(selectKnownPayers, []any{ids}, func(row pgx.CollectableRow) error {
		p, version := b.scene.newPayer(), uint32(0)
		if err := row.Scan(append(p.fields(), &version)...); err != nil {
			return fmt.Errorf("read accounts: %w", err)
		}
		p.settle(b.scene.zone)
		p.version, p.readAt, p.endingAfter = version, now, b.earliest
		fresh[p.id] = p
		return nil
	})
	balance.QueueKnown(b.flow, ids, b.earliest, func(one *balance.Bucket, version uint32) error {
		return b.scene.addPurse(fresh, one, version)
	})
	held := queueHeld(b.flow, ids)
	if err := b.flow.Trip(); err != nil {
		return err
	}
	sortPurses(fresh)
	for id, p := range fresh {
		if p.respect(held); !p.plain() {
			b.shy = append(b.shy, id)
		}
	}
	if len(b.shy) > 0 || len(fresh) < len(ids) {
		return errLocks
	}
	maps.Copy(b.payers, fresh)
	return nil
}

// plain says whether all that a payer's charges depend on are its account and
// its balances, and nothing of them is held back.
func (p *payer) plain() bool {
	if p.prepaid && p.main == nil || len(p.foreign) > 0 || p.networks || !p.held.IsZero() {
		return false
	}
	odd := func(one *purse) bool { return one.Expired.Sign() != 0 || one.Shared || !one.held.IsZero() }
	return !slices.ContainsFunc(p.units, odd) && !slices.ContainsFunc(p.money, odd)
}

// reckon decides the requests by what memory says.
func (b *swiftBatch) reckon() (err error) {
	b.till = newTill(b.scene, b.flow.At, len(b.requests))
	b.till.covered, b.till.counters = newCovering(nil), queueCounters(b.flow, nil, calendar.Date{})
	if b.claims, err = b.scene.gate.Claims(len(b.requests)); err != nil {
		return err
	}
	for _, r := range b.requests {
		r.claim = b.claims.Add(r.source, &r.records[0])
		b.byClaim = append(b.byClaim, r)
		if b.recent.Has(b.claims, r.claim) {
			b.again = append(b.again, r)
			continue
		}
		if err := b.settle(r); err != nil {
			return err
		}
		if r.err != nil {
			r.err = nil
			b.again = append(b.again, r)
		}
	}
	t := b.till
	if len(t.taken) > 0 || len(t.counters.changed) > 0 || b.scene.shares(t.charges) ||
		!b.scene.nothingToWatch(slices.Collect(maps.Values(b.payers)), t.sharing, t.charges, b.flow.At, b.scene.today) {
		return errLocks
	}
	return nil
}

const findScene = `
	select 1
	from catalog_epoch as c, account_epoch as a, operator as o
	where c.id = 1 and a.id = 1 and o.id = 1
	  and c.epoch = $1 and a.epoch = $2 and o.zone = $3 and o.anchor_policy = $4 and o.correction_days = $5`

// write queues all that is demanded and all that is written. Accounts come
// first, as everywhere.
func (b *swiftBatch) write() (err error) {
	f, s := b.flow, &b.scene.found
	f.Require(1, findScene, s.catalogEpoch, s.accountEpoch, s.zone, string(s.anchorPolicy), s.correctable)
	accounts, buckets := make(ledger.Versions, len(b.payers)), make(ledger.Versions, len(b.payers))
	for id, p := range b.payers {
		accounts[id] = p.version
		for _, one := range p.units {
			buckets[one.ID] = one.version
		}
		for _, one := range p.money {
			buckets[one.ID] = one.version
		}
	}
	if b.moved, err = ledger.QueueKnown(f, b.scene.zone, b.till.postings, accounts, buckets, &b.xid); err != nil {
		return err
	}
	b.claims.QueueStore(f)
	usage.QueueStore(f, b.stored)
	f.Copy(chargeRows(b.till.charges))
	return nil
}

// learn gives what was written its new version.
func (b *swiftBatch) learn() {
	if len(b.settled) == 0 {
		return
	}
	for _, p := range b.payers {
		p.version = b.xid
		for _, list := range [][]*purse{p.units, p.money} {
			for _, one := range list {
				if _, written := b.moved[one.ID]; written {
					one.version = b.xid
				}
				one.before = one.Value
			}
		}
	}
}
