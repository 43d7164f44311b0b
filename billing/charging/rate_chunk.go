package charging

import (
	"context"

	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// segment is how many uses are rated before they are handed to PostgreSQL.
const segment = 1_000

// rate prices all uses in order and stores those that have a price. While
// PostgreSQL stores one segment the next is rated: rating needs no
// transaction. Whatever happens, nobody uses the transaction any more when it
// returns.
func (r *run) rate(ctx context.Context, tx tenant.Tx, t *till) (err error) {
	ids := ledger.NewSequence()
	storing := make(chan error, 1)
	storing <- nil
	defer func() {
		if last := <-storing; err == nil {
			err = last
		}
	}()
	for from := 0; from < len(r.uses); from += segment {
		stored, err := r.rateSegment(t, r.uses[from:min(from+segment, len(r.uses))], ids)
		if err != nil {
			return err
		}
		before := <-storing
		if before != nil {
			storing <- nil
			return before
		}
		go func() {
			storing <- safely(func() error { return usage.Store(ctx, tx, stored) })
		}()
	}
	return nil
}

func (r *run) rateSegment(t *till, uses []*use, ids *ledger.Sequence) ([]usage.Stored, error) {
	stored := make([]usage.Stored, 0, len(uses))
	for _, u := range uses {
		u.id = ids.Next()
		charges := len(t.charges)
		if u.fault == nil {
			if err := t.charge(u); err != nil {
				return nil, err
			}
		}
		if u.fault != nil {
			r.hold(held{u.item, u.fault, u.record, true})
			continue
		}
		outcome := Outcome{Status: Accepted, UsageID: u.id}
		if len(t.charges) > charges {
			outcome.Price = t.charges[charges].Price
		}
		r.outcomes[u.item] = outcome
		stored = append(stored, usage.Stored{
			ID: u.id, Period: t.months.of(u.record.End, r.scene.zone), Source: r.batch.Source, File: r.batch.File,
			Service: u.holder.service, Account: u.holder.account, Session: u.session, Record: u.record,
		})
	}
	return stored, nil
}
