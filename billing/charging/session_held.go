package charging

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/charging/session"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// reservations are what open sessions hold back: of a bucket, and of a payer's
// credit under its id, in all; and what sessions of one account hold of a bucket
// under heldBy of both, since a member's limit is used up by its own only.
type reservations map[uuid.UUID]money.Decimal

// heldBy mixes the ids of an account and of a bucket that its sessions hold.
func heldBy(account, bucket uuid.UUID) (mixed uuid.UUID) {
	for i := range mixed {
		mixed[i] = account[i] ^ bucket[i]
	}
	return mixed
}

func (r reservations) add(account, bucket uuid.UUID, amount money.Decimal) {
	mixed := heldBy(account, bucket)
	r[bucket], r[mixed] = r[bucket].Add(amount), r[mixed].Add(amount)
}

// addAll adds what a session's services hold at an instant.
func (r reservations) addAll(s *session.Session, at time.Time) {
	for _, h := range s.Held(at) {
		r.add(s.Account, h.Bucket, h.Amount)
	}
}

// The accounts and their buckets are locked, so nobody can reserve meanwhile:
// whoever holds back of a bucket locks it first. charging_session_open and
// charging_session_lender answer it.
const selectHeld = `
	select s.account_id, s.bucket_ids, s.amounts
	from charging_session as s
	where s.account_id = any($1) and s.state = 'open' and s.reserved_until > $2 and s.id <> all($3)
	union all
	select s.account_id, s.bucket_ids, s.amounts
	from charging_session as s
	where s.lender_ids && $1 and s.lender_ids <> '{}' and s.account_id <> all($1)
	  and s.state = 'open' and s.reserved_until > $2 and s.id <> all($3)`

// loadHeld reads what sessions hold back of the buckets of locked accounts at an
// instant, those of the sessions that are named left out. A reservation whose
// time is over does not count, whether or not its session was looked at since.
func loadHeld(ctx context.Context, tx tenant.Tx, accounts []pgtype.UUID, at time.Time, but []uuid.UUID) (reservations, error) {
	if but == nil {
		but = []uuid.UUID{}
	}
	held := reservations{}
	rows, err := tx.Query(ctx, selectHeld, planned, accounts, at, but)
	if err != nil {
		return nil, fmt.Errorf("read reservations: %w", err)
	}
	var account uuid.UUID
	var buckets []uuid.UUID
	var amounts []money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&account, &buckets, &amounts}, func() error {
		for i, bucket := range buckets {
			held.add(account, bucket, amounts[i])
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read reservations: %w", err)
	}
	return held, nil
}

// queueHeld does what loadHeld does, as of a flow's instant and with its next trip.
func queueHeld(f *tenant.Flow, accounts []pgtype.UUID, but ...uuid.UUID) reservations {
	if but == nil {
		but = []uuid.UUID{}
	}
	held := reservations{}
	f.Query(selectHeld, []any{accounts, f.At, but}, func(row pgx.CollectableRow) error {
		var account uuid.UUID
		var buckets []uuid.UUID
		var amounts []money.Decimal
		if err := row.Scan(&account, &buckets, &amounts); err != nil {
			return fmt.Errorf("read reservations: %w", err)
		}
		for i, bucket := range buckets {
			held.add(account, bucket, amounts[i])
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
func (p *payer) respect(held reservations) {
	for _, one := range p.units {
		one.held = held[one.ID]
	}
	for _, one := range p.money {
		one.held = held[one.ID]
	}
	for _, one := range p.foreign {
		one.held = held[one.ID]
	}
	p.held, p.reserved = held[p.id], held
}

// holds says whether sessions hold back anything of the payer's balances.
func (p *payer) holds() bool {
	for _, purses := range [][]*purse{p.units, p.money, p.foreign} {
		for _, one := range purses {
			if one.held.Sign() > 0 {
				return true
			}
		}
	}
	return false
}
