package charging

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// paidThrough is the day up to which a renewal on a day pays: the end of the
// account's cycle or, where that comes first, of a period counted in days.
func paidThrough(p *payer, t *tariff, day calendar.Date) calendar.Date {
	through := p.cycle.Containing(day).To
	for _, price := range t.offering.Prices.Recurring {
		if !price.Period().Daily() {
			continue
		}
		if end := price.Cycle(p.cycle).Containing(day).To; end.Before(through) {
			through = end
		}
	}
	return through
}

// waitsWithBundle says whether a bundle's price pays for the subscription and
// has not been paid. Bundles are older than their components, so they come first.
func (r *renewal) waitsWithBundle(sub *subscribed) bool {
	if sub.PaysFees || sub.PartOf == nil {
		return false
	}
	if slices.Contains(r.done.Renewed, *sub.PartOf) {
		return false
	}
	for i := range r.subscriptions {
		if bundle := &r.subscriptions[i]; bundle.ID == *sub.PartOf {
			return bundle.ChargedThrough == nil || !bundle.ChargedThrough.After(r.day)
		}
	}
	return true // the bundle is not active
}

// begunThrough is, for each prepaid account, the day before which nothing is to
// be renewed.
func (r *renewal) begunThrough() map[uuid.UUID]calendar.Date {
	begun := map[uuid.UUID]calendar.Date{}
	for id, p := range r.payers {
		if p.prepaid {
			begun[id] = p.cycle.Containing(r.day).To
		}
	}
	for i := range r.subscriptions {
		sub := &r.subscriptions[i]
		through, prepaid := begun[sub.AccountID]
		t := r.tariffs[sub.OfferingID]
		if !prepaid || t == nil {
			continue
		}
		if own := paidThrough(r.payers[sub.AccountID], t, r.day); own.Before(through) {
			begun[sub.AccountID] = own
		}
	}
	return begun
}

// scheduleNext puts the days on which something is to be renewed within a cycle
// on the agenda; those of cycles' ends are there already.
func (r *renewal) scheduleNext(ctx context.Context, tx tenant.Tx) error {
	added := map[calendar.Date]bool{}
	for i, id := range r.done.Renewed {
		at := slices.IndexFunc(r.subscriptions, func(s subscribed) bool { return s.ID == id })
		day := r.through[i]
		if added[day] || day == r.payers[r.subscriptions[at].AccountID].cycle.Containing(r.day).To {
			continue
		}
		added[day] = true
		item := agenda.Item{Kind: agenda.Renewal, DueAt: day.Start(r.zone).UTC(), Detail: RenewalDay{Day: day}}
		if err := agenda.Add(ctx, tx, item); err != nil {
			return err
		}
	}
	return nil
}

// RenewalDay is the detail of an agenda item: prepaid accounts up to After have
// been renewed.
type RenewalDay struct {
	Day   calendar.Date `json:"day"`
	After uuid.UUID     `json:"after"`
}

// respect marks what sessions hold back of the accounts' balances.
func (s *cycleScene) respect(ctx context.Context, tx tenant.Tx) error {
	accounts := make(map[uuid.UUID]bool, len(s.payers))
	for id, p := range s.payers {
		if p.prepaid {
			accounts[id] = true
		}
	}
	held, err := loadHeld(ctx, tx, keys(accounts), tx.At, nil)
	if err != nil {
		return err
	}
	for _, p := range s.payers {
		p.respect(held)
	}
	return nil
}

// Both indexes of selectHeld serve it.
const selectFree = `
	select w.id, coalesce((
	    select max(s.reserved_until) from charging_session as s
	    where s.state = 'open' and s.reserved_until > $2
	      and (s.account_id = w.id or s.lender_ids && array[w.id] and s.lender_ids <> '{}')), $2)
	from unnest($1::uuid[]) as w (id)`

// tryAgain puts the renewal of accounts on the agenda for when their sessions
// hold nothing back any more, as it looks now.
func (r *renewal) tryAgain(ctx context.Context, tx tenant.Tx) error {
	if len(r.held) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, selectFree, r.held, tx.At)
	if err != nil {
		return fmt.Errorf("ask when balances are free: %w", err)
	}
	type free struct {
		Account uuid.UUID
		At      time.Time
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[free])
	if err != nil {
		return fmt.Errorf("ask when balances are free: %w", err)
	}
	for _, one := range all {
		if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.Renewal, Ref: one.Account, DueAt: one.At}); err != nil {
			return err
		}
	}
	return nil
}

// tierFees are what tiers ask of a cycle at zero usage: once for each cycle that
// a subscription pays for, whoever pays its other fees.
func (r *renewal) tierFees(sub *subscribed, p *payer, t *tariff) (due []fee, err error) {
	cycle := p.cycle.Containing(r.day)
	if sub.ChargedThrough != nil && sub.ChargedThrough.After(cycle.From) {
		return nil, nil // with the cycle's first renewal
	}
	for _, asked := range t.offering.PeriodFees() {
		price, err := asked.In(p.currency, t.rates, r.day)
		if err != nil {
			return nil, err
		}
		one, err := r.feeOf(RecurringCharge, asked.Code, asked.TaxCategory, price, p, t)
		if err != nil {
			return nil, err
		}
		one.cycle, one.tier = cycle, true
		due = append(due, one)
	}
	return due, nil
}
