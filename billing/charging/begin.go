package charging

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// BeginCycle gives accounts what a cycle begins with: the subscriptions of
// postpaid ones their allowances (GrantCycle); prepaid ones pay their fees and
// get theirs, as far as their money reaches (Renew). It is run at activation
// and at each cycle's start, by the agenda or by the first usage of the cycle,
// whichever comes first. A repeat changes nothing.
func (e *Engine) BeginCycle(ctx context.Context, tx tenant.Tx, accounts ...uuid.UUID) error {
	if _, err := e.GrantCycle(ctx, tx, accounts...); err != nil {
		return err
	}
	_, err := e.Renew(ctx, tx, accounts...)
	return err
}

// beginCycles begins the cycles that uses lie in where that has not been done:
// usage arrives while bill runs and cycle starts are still at work, and must
// not be priced as if it were beyond an allowance that is only late. It says
// whether accounts have changed.
func (e *Engine) beginCycles(ctx context.Context, tx tenant.Tx, uses []*use, payers map[uuid.UUID]*payer) (changed bool, err error) {
	postpaid, prepaid := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	latest := tx.At
	for _, u := range uses {
		takesFrom := []*payer{payers[u.holder.account]}
		if u.shares() {
			takesFrom = append(takesFrom, payers[u.holder.owner])
		}
		for _, p := range takesFrom {
			switch at := u.record.End; {
			case p.hasBegun(at, tx.At):
			case p.prepaid:
				prepaid[p.id] = true
			default:
				postpaid[p.id] = true
				if at.After(latest) {
					latest = at
				}
			}
		}
	}
	if len(postpaid) > 0 {
		if err := e.beforeCycle(ctx, tx, members(postpaid)); err != nil {
			return false, err
		}
		if _, err := e.grantThrough(ctx, tx, latest, calendar.Date{}, members(postpaid)); err != nil {
			return false, err
		}
	}
	if len(prepaid) > 0 {
		if _, err := e.Renew(ctx, tx, members(prepaid)...); err != nil {
			return false, err
		}
	}
	return len(postpaid)+len(prepaid) > 0, nil
}

// hasBegun says whether the cycle of an instant has begun, or is not to begin
// now: nobody pays for a cycle that is still to come.
func (p *payer) hasBegun(at, now time.Time) bool {
	return at.Before(p.begunTo) || p.prepaid && now.Before(p.begunTo)
}

// cyclesToBegin says whether beginCycles has something to do.
func cyclesToBegin(now time.Time, uses []*use, payers map[uuid.UUID]*payer) bool {
	return slices.ContainsFunc(uses, func(u *use) bool {
		return !payers[u.holder.account].hasBegun(u.record.End, now) || u.shares() && !payers[u.holder.owner].hasBegun(u.record.End, now)
	})
}

func members(set map[uuid.UUID]bool) []uuid.UUID {
	ids := make([]uuid.UUID, 0, len(set))
	for id := range set {
		ids = append(ids, id)
	}
	return ids
}

// markBegun notes up to which day the cycles of locked accounts have begun.
func markBegun(ctx context.Context, tx tenant.Tx, through map[uuid.UUID]calendar.Date) error {
	ids, days := make([]uuid.UUID, 0, len(through)), make([]time.Time, 0, len(through))
	for id, day := range through {
		ids, days = append(ids, id), append(days, day.Start(time.UTC))
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		update billing_account as a set begun_through = n.through
		from unnest($1::uuid[], $2::date[]) as n (id, through)
		where a.id = n.id and (a.begun_through is null or a.begun_through < n.through)`, ids, days)
	if err != nil {
		return fmt.Errorf("mark cycles as begun: %w", err)
	}
	return nil
}
