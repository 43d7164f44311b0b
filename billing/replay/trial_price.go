package replay

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// trialAccount is one account of the segment.
type trialAccount struct {
	charging.TrialAccount
	Number, Name, Place, Kind, Branch string

	subscriptions []heldSubscription
}

// heldSubscription is what it has really.
type heldSubscription struct {
	charging.TrialSubscription
	Account    uuid.UUID
	Offering   uuid.UUID
	Terminated *time.Time
	Included   bool // a bundle's price pays its fees
}

// pricing is one worker's share of a portion. Usage is streamed in the order of
// accounts and event time, so that what is kept in memory does not grow with it.
type pricing struct {
	trial     *Trial
	sums      *Sums
	charging  *charging.Trial
	offerings map[uuid.UUID]catalog.Offering

	accounts  map[uuid.UUID]*trialAccount
	exchange  *catalog.Rates // nil: no fee is converted
	discounts map[uuid.UUID][]account.Discount
	services  map[uuid.UUID]bool // subscriptions that are tried
	earlier   map[uuid.UUID]pieces
	corrects  map[uuid.UUID]money.Decimal // net of corrections by charge
	from, to  time.Time                   // the period
}

type pieces struct{ quantity, covered int64 }

// tried is a use with what was billed for it.
type tried struct {
	charging.TrialUse
	Charge  uuid.UUID
	Account uuid.UUID
	Net     money.Decimal
}

func (p *pricing) run(ctx context.Context, tx tenant.Tx, engine *charging.Engine, accounts []trialAccount) (err error) {
	if p.charging, err = engine.NewTrial(ctx, tx, p.trial.Document); err != nil {
		return err
	}
	p.charging.PresentDecks = p.trial.Decks == DecksPresent
	p.from, p.to = p.trial.Days.Instants(p.charging.Zone())
	p.accounts = make(map[uuid.UUID]*trialAccount, len(accounts))
	for i := range accounts {
		accounts[i].Cycle.Policy = p.charging.AnchorPolicy()
		accounts[i].Subscriptions, accounts[i].subscriptions = nil, nil
		p.accounts[accounts[i].ID] = &accounts[i]
	}
	if err := p.loadSubscriptions(ctx, tx, accounts); err != nil {
		return err
	}
	if err := p.prepare(ctx, tx); err != nil {
		return err
	}
	if err := p.loadExchange(ctx, tx); err != nil {
		return err
	}
	if err := p.loadEarlier(ctx, tx, accounts); err != nil {
		return err
	}
	return p.stream(ctx, tx, accounts)
}

// starts is the first day whose use counts for the account's state: that of the
// cycle, or longer validity of an allowance, in which the period begins.
func (p *pricing) starts(a *trialAccount) calendar.Date {
	first := a.Cycle.Containing(p.trial.Days.From).From
	for _, allowance := range p.trial.Document.Allowances {
		validity := calendar.Cycle{Anchor: a.Cycle.Anchor, Months: max(1, allowance.ValidityMonths), Policy: a.Cycle.Policy}
		if from := validity.Containing(p.trial.Days.From).From; from.Before(first) {
			first = from
		}
	}
	return first
}

// usage_record_account finds an account's usage in order, the primary key of
// charge what was billed for it.
const selectTried = `
	select u.producer_id, u.kind, u.started_at, u.ended_at, u.destination, u.quantity, u.unit, u.quality, u.amount, u.service_id, u.session_id,
	       c.account_id, c.subscription_id, c.id, c.net, u.quantity - coalesce((
	           select sum(v.quantity) from usage_void v where v.usage_id = u.id and v.ended_by is null)::bigint, 0)
	from unnest($1::uuid[], $2::timestamptz[]) with ordinality as w (account_id, from_at, no)
	cross join lateral (
	    select r.period, r.id, r.producer_id, r.kind, r.started_at, r.ended_at, r.destination, r.quantity, r.unit, r.quality, r.amount, r.service_id, r.session_id
	    from usage_record r where r.account_id = w.account_id and r.ended_at >= w.from_at and r.ended_at < $3) as u
	join charge as c on c.period = u.period and c.id = u.id
	order by w.no, u.ended_at, u.id`

// stream prices account after account as their usage comes in.
func (p *pricing) stream(ctx context.Context, tx tenant.Tx, accounts []trialAccount) error {
	ids, starts := make([]uuid.UUID, len(accounts)), make([]time.Time, len(accounts))
	for i := range accounts {
		ids[i], starts[i] = accounts[i].ID, p.starts(&accounts[i]).Start(p.charging.Zone())
	}
	rows, err := tx.Query(ctx, selectTried, pgx.QueryExecModeCacheDescribe, ids, starts, p.to)
	if err != nil {
		return fmt.Errorf("read usage: %w", err)
	}
	var uses []tried
	next := 0 // of accounts
	upTo := func(account uuid.UUID) error {
		for next < len(accounts) && accounts[next].ID != account {
			mine := uses
			if len(mine) > 0 && mine[0].Account != accounts[next].ID {
				mine = nil
			}
			if err := p.account(&accounts[next], mine); err != nil {
				return err
			}
			if mine != nil {
				uses = uses[:0]
			}
			next++
		}
		return nil
	}
	var one tried
	r := &one.Record
	var session *[16]byte
	var left int64
	_, err = pgx.ForEachRow(rows, []any{&r.Key, &r.Kind, &r.Start, &r.End, &r.Destination, &r.Quantity, &r.Unit, &r.Quality, &r.Amount,
		(*[16]byte)(&one.Service), &session, (*[16]byte)(&one.Account), (*[16]byte)(&one.Subscription), (*[16]byte)(&one.Charge), &one.Net, &left}, func() error {
		if len(uses) > 0 && uses[0].Account != one.Account {
			if err := upTo(one.Account); err != nil {
				return err
			}
		}
		if !p.services[one.Subscription] || left <= 0 {
			return nil
		}
		use := one
		use.Record.Quantity = left
		use.Record.Amount = r.Amount
		if session != nil {
			use.Session = *session
			use.Before, use.BeforeCovered = p.earlier[use.Session].quantity, p.earlier[use.Session].covered
		}
		r.Amount = nil
		uses = append(uses, use)
		if len(uses) > charging.MostAgain {
			return fmt.Errorf("account %s: %w", one.Account, charging.ErrTooMuchUsage)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("price usage on trial: %w", err)
	}
	return upTo(uuid.Nil)
}

// account prices one account's usage and fees and adds them to the sums.
func (p *pricing) account(a *trialAccount, uses []tried) error {
	if a.Currency != p.trial.Document.Currency {
		p.sums.unpriced("other_currency", a.Currency.Code(), Unpriced{Uses: int64(len(uses)), Billed: p.billed(uses)})
		return nil
	}
	p.sums.Currency = a.Currency.Code()
	change := AccountChange{Account: a.ID, Number: a.Number, Name: a.Name, Cell: Cell{Accounts: 1}}
	var lost Sums
	on := make([]charging.TrialUse, len(uses))
	for i := range uses {
		on[i] = uses[i].TrialUse
	}
	err := p.charging.Price(&a.TrialAccount, p.starts(a), on, func(i int, priced charging.Tried) {
		one := &uses[i]
		if one.Record.End.Before(p.from) {
			return // it moved counters and allowances on, and was billed before the period
		}
		net := one.Net.Add(p.corrects[one.Charge])
		if priced.Problem != nil {
			lost.unpriced(string(priced.Problem.Code), priced.Problem.Reason, Unpriced{Uses: 1, Billed: net})
			return
		}
		change.Records++
		change.Old, change.New = change.Old.Add(net), change.New.Add(priced.Net)
		if priced.Net.IsZero() && priced.Covered.Sign() > 0 {
			lost.Allowed++
		}
	})
	if err != nil {
		return err
	}
	fees, err := p.fees(a)
	if err != nil {
		return err
	}
	change.Old, change.New = change.Old.Add(fees.Old), change.New.Add(fees.New)
	if !p.trial.Segment.Spent.IsZero() && !p.trial.Segment.Spent.Contains(change.Old) {
		return nil // not of the segment
	}
	p.sums.merge(lost)
	p.sums.Fees.add(fees)
	p.sums.add(change, map[Dimension]string{ByPlan: p.plan(a), ByBranch: a.Branch, ByKind: a.Kind, ByPlace: a.Place, BySpent: spentBand(change.Old)})
	return nil
}

func (p *pricing) billed(uses []tried) (sum money.Decimal) {
	for i := range uses {
		sum = sum.Add(uses[i].Net)
	}
	return sum
}

// plan names what the account has; several are one key.
func (p *pricing) plan(a *trialAccount) string {
	var codes string
	for _, s := range a.subscriptions {
		code := p.offerings[s.Offering].Code
		switch {
		case codes == "":
			codes = code
		case codes != code:
			return codes + " + " + Other
		}
	}
	return codes
}

// Options are tried with the subscriptions that they are on top of.
const selectHeld = `
	select s.id, s.activated_at, s.account_id, s.offering_id, s.terminated_at, not s.pays_fees
	from subscription s
	join offering_version v on v.id = s.offering_id
	where s.account_id = any($1) and s.activated_at < $3 and (s.terminated_at is null or s.terminated_at > $2) and coalesce(s.part, '') <> 'option'
	  and ($4 = '' or v.code = $4 or exists (
	      select from subscription o join offering_version ov on ov.id = o.offering_id
	      where o.part_of = s.id and o.part = 'option' and ov.code = $4 and o.activated_at < $3 and (o.terminated_at is null or o.terminated_at > $2)))
	order by s.account_id, s.id`

func (p *pricing) loadSubscriptions(ctx context.Context, tx tenant.Tx, accounts []trialAccount) error {
	ids := make([]uuid.UUID, len(accounts))
	for i := range accounts {
		ids[i] = accounts[i].ID
	}
	rows, err := tx.Query(ctx, selectHeld, ids, p.from, p.to, p.trial.Segment.Offering)
	if err != nil {
		return fmt.Errorf("read subscriptions: %w", err)
	}
	p.services, p.offerings = map[uuid.UUID]bool{}, map[uuid.UUID]catalog.Offering{}
	var s heldSubscription
	_, err = pgx.ForEachRow(rows, []any{&s.ID, &s.ActivatedAt, &s.Account, &s.Offering, &s.Terminated, &s.Included}, func() error {
		a := p.accounts[s.Account]
		a.subscriptions = append(a.subscriptions, s)
		a.Subscriptions = append(a.Subscriptions, s.TrialSubscription)
		p.services[s.ID], p.offerings[s.Offering] = true, catalog.Offering{}
		s.Terminated = nil
		return nil
	})
	if err != nil {
		return fmt.Errorf("read subscriptions: %w", err)
	}
	for id := range p.offerings {
		if p.offerings[id], err = catalog.LoadVersion(ctx, tx, id); err != nil {
			return err
		}
	}
	p.leaveOut()
	return nil
}

// loadEarlier reads how far sessions were that had begun before, and what
// corrections have made of the charges.
func (p *pricing) loadEarlier(ctx context.Context, tx tenant.Tx, accounts []trialAccount) error {
	ids, starts := make([]uuid.UUID, len(accounts)), make([]time.Time, len(accounts))
	for i := range accounts {
		ids[i], starts[i] = accounts[i].ID, p.starts(&accounts[i]).Start(p.charging.Zone())
	}
	if err := p.charging.FindNumbers(ctx, tx, ids, starts, p.to); err != nil {
		return err
	}
	p.earlier, p.corrects = map[uuid.UUID]pieces{}, map[uuid.UUID]money.Decimal{}
	rows, err := tx.Query(ctx, `
		select e.session_id, sum(e.quantity)::bigint, sum(coalesce(c.allowance, 0))::bigint
		from unnest($1::uuid[], $2::timestamptz[]) as w (account_id, from_at)
		join usage_session n on n.last_at >= w.from_at and n.started_at < w.from_at
		join usage_record e on e.account_id = w.account_id and e.session_id = n.id and e.ended_at >= n.started_at and e.ended_at < w.from_at
		left join charge c on c.period = e.period and c.id = e.id
		group by e.session_id`, ids, starts)
	if err != nil {
		return fmt.Errorf("read earlier pieces of sessions: %w", err)
	}
	var id uuid.UUID
	var one pieces
	if _, err = pgx.ForEachRow(rows, []any{&id, &one.quantity, &one.covered}, func() error {
		p.earlier[id] = one
		return nil
	}); err != nil {
		return fmt.Errorf("read earlier pieces of sessions: %w", err)
	}
	rows, err = tx.Query(ctx, `
		select c.corrects_id, sum(c.net) from charge c
		where c.account_id = any($1) and c.corrects_id is not null and c.at >= $2 and c.at < $3
		group by c.corrects_id`, ids, p.from, p.to)
	if err != nil {
		return fmt.Errorf("read corrections: %w", err)
	}
	var net money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&id, &net}, func() error {
		p.corrects[id] = net
		return nil
	})
	return err
}
