package charging

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// subscribed is an active subscription of a locked account.
type subscribed struct {
	ID             uuid.UUID
	AccountID      uuid.UUID
	OfferingID     uuid.UUID
	ActivatedAt    time.Time
	ChargedThrough *calendar.Date
	SetupCharged   bool
	Leaving        bool // a change of its plan, or of that which it is on top of, is due and not carried out yet
	PartOf         *uuid.UUID
	Option         bool       // on top of PartOf, whose use its allowances are for
	PaysFees       bool       // false: PartOf's price pays for it
	ResumedAt      *time.Time // the end of its last pause
}

// holder is the subscription whose use a subscription's allowances are for.
func (s *subscribed) holder() uuid.UUID {
	if s.Option {
		return *s.PartOf
	}
	return s.ID
}

// The accounts are locked, and who changes a subscription locks its account.
const selectSubscribed = `
	select s.id, s.account_id, s.offering_id, s.activated_at, s.charged_through, s.setup_charged,
	       exists (select from plan_change c where c.subscription_id in (s.id, s.part_of) and c.state = 'scheduled' and c.takes_effect <= $2),
	       s.part_of, coalesce(s.part = 'option', false), s.pays_fees, (s.pauses -> -1 ->> 'to')::timestamptz
	from subscription s
	where s.account_id = any($1) and s.state = 'active' and (s.ends_on is null or s.ends_on > $2)
	order by s.account_id, s.id`

func loadSubscribed(ctx context.Context, tx tenant.Tx, accounts []pgtype.UUID, day calendar.Date) ([]subscribed, error) {
	rows, err := tx.Query(ctx, selectSubscribed, accounts, day)
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[subscribed])
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w", err)
	}
	return found, nil
}

// cycleScene is what fees and grants of a set of accounts need.
type cycleScene struct {
	*scene
	day           calendar.Date // today in the operator's zone
	payers        map[uuid.UUID]*payer
	subscriptions []subscribed
	tariffs       map[uuid.UUID]*tariff
	birthdays     map[uuid.UUID]*calendar.Date // of accounts' holders
}

// beginCycle locks the accounts and loads what they have subscribed to.
func (e *Engine) beginCycle(ctx context.Context, tx tenant.Tx, owners []uuid.UUID) (*cycleScene, error) {
	set := make(map[uuid.UUID]bool, len(owners))
	for _, id := range owners {
		set[id] = true
	}
	accounts := keys(set)
	base, err := e.begin(ctx, tx)
	if err != nil {
		return nil, err
	}
	s := &cycleScene{scene: base, day: calendar.DateOf(tx.At, base.zone)}
	if s.payers, err = s.lockAccounts(ctx, tx, accounts, tx.At); err != nil {
		return nil, err
	}
	if rolled, err := balance.Roll(ctx, tx, owners); err != nil {
		return nil, err
	} else if rolled > 0 {
		if s.payers, err = s.lockAccounts(ctx, tx, accounts, tx.At); err != nil {
			return nil, err
		}
	}
	if s.subscriptions, err = loadSubscribed(ctx, tx, accounts, s.day); err != nil {
		return nil, err
	}
	versions := map[uuid.UUID]bool{}
	for i := range s.subscriptions {
		versions[s.subscriptions[i].OfferingID] = true
	}
	if s.tariffs, err = s.tariffsOf(ctx, tx, keys(versions)); err != nil {
		return nil, err
	}
	return s, s.loadBirthdays(ctx, tx)
}

// GrantCycle gives the active subscriptions of postpaid accounts the
// allowances of the cycle that today lies in, and of cycles before it whose
// start was missed, and says how many buckets are new. A repeat grants nothing.
// Prepaid accounts get theirs when they have paid: see Renew.
func (e *Engine) GrantCycle(ctx context.Context, tx tenant.Tx, accounts ...uuid.UUID) (int, error) {
	return e.grantThrough(ctx, tx, tx.At, calendar.Date{}, accounts)
}

// GrantSince is GrantCycle that gives subscriptions which begin on a day that has
// passed, or later, the allowances of the cycles from then on as well: usage of
// those cycles that is priced anew finds them.
func (e *Engine) GrantSince(ctx context.Context, tx tenant.Tx, day calendar.Date, accounts ...uuid.UUID) (int, error) {
	return e.grantThrough(ctx, tx, tx.At, day, accounts)
}

// grantThrough is GrantCycle up to the cycle in which an instant lies, and from
// that of a day on for what has begun since; zero: as GrantCycle.
func (e *Engine) grantThrough(ctx context.Context, tx tenant.Tx, latest time.Time, since calendar.Date, accounts []uuid.UUID) (int, error) {
	s, err := e.beginCycle(ctx, tx, accounts)
	if err != nil {
		return 0, err
	}
	spans := map[uuid.UUID]calendar.Period{}
	begun := map[uuid.UUID]calendar.Date{}
	for id, p := range s.payers {
		if !p.prepaid {
			spans[id] = p.toBegin(s.day, calendar.DateOf(latest, s.zone))
			begun[id] = spans[id].To
		}
	}
	var wanted []balance.NewBucket
	for i := range s.subscriptions {
		sub := &s.subscriptions[i]
		if span, postpaid := spans[sub.AccountID]; postpaid {
			given, err := s.allowances(sub, span, nil)
			if err != nil {
				return 0, err
			}
			if !since.IsZero() && !sub.ActivatedAt.Before(since.Start(s.zone)) {
				if given, err = s.since(sub, calendar.Period{From: since, To: span.From}, tx.At, given); err != nil {
					return 0, err
				}
			}
			wanted = append(wanted, given...)
		}
	}
	if err := markBegun(ctx, tx, begun); err != nil {
		return 0, err
	}
	return balance.Grant(ctx, tx, wanted)
}

// since adds to what a subscription is given the allowances of cycles before that
// it has not seen begin, as it was put there afterwards. Of those that have ended
// only usage of their time takes: nothing rolls over. None is for use from before
// the subscription, which another one had then.
func (s *cycleScene) since(sub *subscribed, days calendar.Period, now time.Time, given []balance.NewBucket) ([]balance.NewBucket, error) {
	days.From = s.payers[sub.AccountID].cycle.Containing(days.From).From
	if days.From.Before(days.To) {
		past, err := s.allowances(sub, days, nil)
		if err != nil {
			return nil, err
		}
		for _, bucket := range past {
			if slices.ContainsFunc(given, func(b balance.NewBucket) bool { return b.ID == bucket.ID }) {
				continue // it reaches into the cycles from then on
			}
			if !bucket.ExpiresAt.After(now) {
				bucket.Rollover = nil
			}
			given = append(given, bucket)
		}
	}
	for i := range given {
		if given[i].ValidFrom.Before(sub.ActivatedAt) {
			given[i].ValidFrom = sub.ActivatedAt
		}
	}
	return given, nil
}

// toBegin spans the cycles whose allowances an account has to have: from the
// first that has not begun, or today's for what was subscribed since, to the
// latest that is asked for or has begun.
func (p *payer) toBegin(today, latest calendar.Date) calendar.Period {
	span := p.cycle.Containing(today)
	next := p.open.From
	if p.begun != nil {
		next = *p.begun
	}
	if next.Before(span.From) {
		span.From = next
	}
	if to := p.cycle.Containing(latest).To; span.To.Before(to) {
		span.To = to
	}
	if span.To.Before(next) {
		span.To = next
	}
	return span
}

// derivedID is the one id that something can have: a UUIDv7 whose time is the
// instant it begins, and whose other bits follow from what it is. So making it
// twice is seen by its primary key.
func derivedID(at time.Time, owner uuid.UUID, code string) uuid.UUID {
	sum := sha256.Sum256(append(owner[:], code...))
	id := uuid.UUID(sum[:16])
	binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16|uint64(binary.BigEndian.Uint16(sum[6:8])))
	id[6] = id[6]&0x0f | 0x70 // version 7
	id[8] = id[8]&0x3f | 0x80 // RFC 9562 variant
	return id
}
