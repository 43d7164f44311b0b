package charging

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/alert"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/points"
	"tollhouse/billing/tenant"
)

// watched is what follows by itself from what is charged, as the operator has
// laid it down. It is kept as long as the catalog's epoch stays, which whoever
// changes it raises.
type watched struct {
	epoch  int64
	alerts *alert.Rules
	earns  bool // points, by use
}

// watchedBy gives the rules of a transaction's tenant: from memory, or with two
// queries after a change.
func (e *Engine) watchedBy(ctx context.Context, tx tenant.Tx, catalogEpoch int64) (watched, error) {
	e.mu.Lock()
	known := e.watched[tx.Tenant]
	e.mu.Unlock()
	if known != nil && known.epoch == catalogEpoch {
		return *known, nil
	}
	rules, err := alert.Load(ctx, tx)
	if err != nil {
		return watched{}, err
	}
	programme, err := points.Get(ctx, tx)
	if err != nil {
		return watched{}, err
	}
	fresh := watched{catalogEpoch, rules, programme.ByUse()}
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.watched) >= maxWatched {
		clear(e.watched)
	}
	e.watched[tx.Tenant] = &fresh
	return fresh, nil
}

// maxWatched bounds the tenants whose rules are remembered.
const maxWatched = 1_000

// watch looks at what a transaction has moved and charged, before it commits:
// crossed thresholds, balances to be topped up, points to be reckoned. All of
// it becomes rows; nothing is called. Where nothing is laid down it costs no
// query. The accounts are locked.
func (s *scene) watch(ctx context.Context, tx tenant.Tx, payers []*payer, shared *sharing, charges []Charge) error {
	w, err := s.engine.watchedBy(ctx, tx, s.catalogEpoch)
	if err != nil {
		return err
	}
	if err := agenda.AddFor(ctx, tx, agenda.AutoTopUp, tx.At, sunken(payers)); err != nil {
		return err
	}
	if err := agenda.AddFor(ctx, tx, agenda.AccessTurn, tx.At, turned(payers, tx.At)); err != nil {
		return err
	}
	if err := balance.LentTurned(ctx, tx, lenders(payers, tx.At)...); err != nil {
		return err
	}
	if err := balance.Turned(ctx, tx, shared.reached(payers)...); err != nil {
		return err
	}
	if w.earns {
		day := calendar.DateOf(tx.At, s.zone).AddDays(1)
		if err := agenda.AddFor(ctx, tx, agenda.PointsEarned, day.Start(s.zone).UTC(), usersOf(charges)); err != nil {
			return err
		}
	}
	if w.alerts.None() {
		return nil
	}
	return w.alerts.Watch(ctx, tx, movedBy(payers), chargedIn(charges), calendar.DateOf(tx.At, s.zone))
}

// nothingToWatch says, from memory alone, that nothing would follow from what
// was moved and charged; false where that is not known.
func (s *scene) nothingToWatch(payers []*payer, shared *sharing, charges []Charge, at time.Time, day calendar.Date) bool {
	s.engine.mu.Lock()
	w := s.engine.watched[s.tenant]
	s.engine.mu.Unlock()
	switch {
	case w == nil || w.epoch != s.catalogEpoch, len(sunken(payers)) > 0, len(turned(payers, at)) > 0, len(lenders(payers, at)) > 0, len(shared.reached(payers)) > 0, w.earns && len(usersOf(charges)) > 0:
		return false
	case w.alerts.None():
		return true
	}
	return len(w.alerts.Find(movedBy(payers), chargedIn(charges), day)) == 0
}

// watch is scene.watch for a batch: it leaves the batch's round trips only
// where something follows.
func (b *batch) watch(ctx context.Context) error {
	payers := slices.Collect(maps.Values(b.payers))
	if b.scene.nothingToWatch(payers, b.till.sharing, b.till.charges, b.flow.At, calendar.DateOf(b.flow.At, b.scene.zone)) {
		return nil
	}
	tx, err := b.flow.Tx()
	if err != nil {
		return err
	}
	return b.scene.watch(ctx, tx, payers, b.till.sharing, b.till.charges)
}

// sunken are the accounts whose balance has just fallen below the value that
// somebody wants to know of.
func sunken(payers []*payer) []uuid.UUID {
	var ids []uuid.UUID
	for _, p := range payers {
		if m := p.main; m != nil && m.AlertBelow != nil && m.before.Cmp(*m.AlertBelow) >= 0 && m.Value.Cmp(*m.AlertBelow) < 0 {
			ids = append(ids, p.id)
		}
	}
	return ids
}

// turned are the prepaid accounts that have just used the last of what all their
// services may use, or have got something again: what those may do on the
// network is looked at anew, behind this transaction.
func turned(payers []*payer, at time.Time) []uuid.UUID {
	var ids []uuid.UUID
	for _, p := range payers {
		if !p.prepaid {
			continue
		}
		var before, after, down, up bool
		for _, list := range [][]*purse{p.units, p.money, p.foreign} {
			for _, one := range list {
				if one.ExpiresAt != nil && !one.ExpiresAt.After(at) {
					continue
				}
				var floor money.Decimal
				if one.Origin == balance.Main && p.debtLimit != nil {
					floor = p.debtLimit.Neg()
				}
				had, has := one.before.Cmp(floor) > 0, one.Value.Cmp(floor) > 0
				down, up = down || had && !has, up || has && !had
				if one.SubscriptionID == nil {
					before, after = before || had, after || has
				}
			}
		}
		if down && !after || up && !before {
			ids = append(ids, p.id)
		}
	}
	return ids
}

// lenders are the accounts of which a shared balance has just been used up, or
// holds something again: the members of their groups may stop, or go on.
func lenders(payers []*payer, at time.Time) []uuid.UUID {
	var ids []uuid.UUID
	for _, p := range payers {
		crossed := func(one *purse) bool {
			return one.Shared && (one.ExpiresAt == nil || one.ExpiresAt.After(at)) && (one.before.Sign() > 0) != (one.Value.Sign() > 0)
		}
		if slices.ContainsFunc(p.units, crossed) || slices.ContainsFunc(p.money, crossed) {
			ids = append(ids, p.id)
		}
	}
	return ids
}

// usersOf are the accounts that were charged for use, each once.
func usersOf(charges []Charge) []uuid.UUID {
	seen := make(map[uuid.UUID]bool, len(charges))
	var ids []uuid.UUID
	for i := range charges {
		if c := &charges[i]; c.Kind == UsageCharge && !c.Price.IsZero() && !seen[c.AccountID] {
			seen[c.AccountID] = true
			ids = append(ids, c.AccountID)
		}
	}
	return ids
}

func movedBy(payers []*payer) []alert.Moved {
	var moved []alert.Moved
	for _, p := range payers {
		for _, list := range [][]*purse{p.units, p.money} {
			for _, one := range list {
				if one.Value.Equal(one.before) {
					continue
				}
				m := alert.Moved{AccountID: one.AccountID, BucketID: one.ID, Code: one.Code, Unit: one.Unit, Main: one.Origin == balance.Main,
					Allowance: one.Origin == balance.Allowance || one.Origin == balance.Bought, Initial: one.Initial, Before: one.before, After: one.Value}
				if one.SubscriptionID != nil {
					m.SubscriptionID = *one.SubscriptionID
				}
				moved = append(moved, m)
			}
		}
	}
	return moved
}

func chargedIn(charges []Charge) []alert.Charged {
	out := make([]alert.Charged, 0, len(charges))
	for i := range charges {
		c := &charges[i]
		if c.Kind != UsageCharge {
			continue
		}
		out = append(out, alert.Charged{AccountID: c.AccountID, SubscriptionID: c.SubscriptionID, Offering: c.OfferingID, Line: c.LineCode,
			Cycle: c.CycleStart, Amount: c.Net.Add(c.Tax), Currency: c.Currency})
	}
	return out
}

// payersOf are the payers of uses and those whose balances they share, each once.
func payersOf(uses []*use) []*payer {
	seen := make(map[*payer]bool, len(uses))
	var list []*payer
	for _, u := range uses {
		for _, p := range []*payer{u.payer, u.owner} {
			if p != nil && !seen[p] {
				seen[p] = true
				list = append(list, p)
			}
		}
	}
	return list
}
