package charging

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// The accounts and their buckets are locked, so nobody can reserve meanwhile:
// whoever holds back of a bucket locks it first. charging_session_open and
// charging_session_lender answer it.
const selectHeld = `
	select s.bucket_ids, s.amounts
	from charging_session as s
	where s.account_id = any($1) and s.state = 'open' and s.reserved_until > $2 and s.id <> all($3)
	union all
	select s.bucket_ids, s.amounts
	from charging_session as s
	where s.lender_ids && $1 and s.lender_ids <> '{}' and s.account_id <> all($1)
	  and s.state = 'open' and s.reserved_until > $2 and s.id <> all($3)`

// loadHeld reads what sessions hold back of the buckets of locked accounts at an
// instant, those of the sessions that are named left out. A reservation whose
// time is over does not count, whether or not its session was looked at since.
func loadHeld(ctx context.Context, tx tenant.Tx, accounts []pgtype.UUID, at time.Time, but []uuid.UUID) (map[uuid.UUID]money.Decimal, error) {
	if but == nil {
		but = []uuid.UUID{}
	}
	held := map[uuid.UUID]money.Decimal{}
	rows, err := tx.Query(ctx, selectHeld, planned, accounts, at, but)
	if err != nil {
		return nil, fmt.Errorf("read reservations: %w", err)
	}
	var buckets []uuid.UUID
	var amounts []money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&buckets, &amounts}, func() error {
		for i, bucket := range buckets {
			held[bucket] = held[bucket].Add(amounts[i])
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read reservations: %w", err)
	}
	return held, nil
}

// queueHeld does what loadHeld does with a flow's next trip, for now.
func queueHeld(f *tenant.Flow, accounts []pgtype.UUID, but ...uuid.UUID) map[uuid.UUID]money.Decimal {
	if but == nil {
		but = []uuid.UUID{}
	}
	held := map[uuid.UUID]money.Decimal{}
	f.Query(selectHeld, []any{accounts, f.At, but}, func(row pgx.CollectableRow) error {
		var buckets []uuid.UUID
		var amounts []money.Decimal
		if err := row.Scan(&buckets, &amounts); err != nil {
			return fmt.Errorf("read reservations: %w", err)
		}
		for i, bucket := range buckets {
			held[bucket] = held[bucket].Add(amounts[i])
		}
		return nil
	})
	return held
}

// free is what the purse holds and no session has reserved; of another's purse
// no more than the member at hand may take.
func (p *purse) free() money.Decimal {
	free := p.Value.Sub(p.held)
	if p.room != nil && p.room.Cmp(free) < 0 {
		return *p.room
	}
	return free
}

// respect marks what sessions hold back in the purses of a payer.
func (p *payer) respect(held map[uuid.UUID]money.Decimal) {
	for _, one := range p.units {
		one.held = held[one.ID]
	}
	for _, one := range p.money {
		one.held = held[one.ID]
	}
	for _, one := range p.foreign {
		one.held = held[one.ID]
	}
	p.held = held[p.id]
}
