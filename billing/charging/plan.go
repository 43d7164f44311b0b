package charging

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/tenant"
)

// plan is what prices a subscription's usage at a time: its offering version,
// under the versions of the options that it has, in their order.
type plan struct {
	offering uuid.UUID
	options  []uuid.UUID
}

// id is the offering's version itself where there are no options, else one that
// follows from what the plan is made of.
func (p plan) id() uuid.UUID {
	if len(p.options) == 0 {
		return p.offering
	}
	sum := sha256.New()
	_, _ = sum.Write(p.offering[:])
	for i := range p.options {
		_, _ = sum.Write(p.options[i][:])
	}
	id := uuid.UUID(sum.Sum(nil)[:16])
	id[6] = id[6]&0x0f | 0x80 // version 8: no version of an offering has it
	id[8] = id[8]&0x3f | 0x80
	return id
}

// wants puts a plan among those whose tariffs are needed.
func (s *scene) wants(plans map[uuid.UUID]bool, p plan) {
	id := p.id()
	plans[id] = true
	if len(p.options) > 0 {
		if s.plans == nil {
			s.plans = map[uuid.UUID]plan{}
		}
		s.plans[id] = p
	}
}

// option is a span in which a subscription has an option with prices of its own
// for usage.
type option struct {
	Subscription uuid.UUID  `json:"subscription"` // the option's own
	Offering     uuid.UUID  `json:"offering"`
	Code         string     `json:"code"`
	Priority     int        `json:"priority"`
	From         time.Time  `json:"from"`
	To           *time.Time `json:"to"`

	tried bool // on trial: as if it had been bought last, and always been there
}

func (o *option) covers(at time.Time) bool {
	return o.tried || !at.Before(o.From) && (o.To == nil || at.Before(*o.To))
}

// optionsAt are the versions of the options of an instant in the order in which
// their prices are asked: by priority, then the one that was bought last.
func optionsAt(options []option, at time.Time) (versions []uuid.UUID) {
	var there []*option
	for i := range options {
		if options[i].covers(at) {
			there = append(there, &options[i])
		}
	}
	slices.SortFunc(there, func(a, b *option) int {
		if a.Priority == b.Priority && a.tried != b.tried {
			return map[bool]int{true: -1, false: 1}[a.tried]
		}
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), b.From.Compare(a.From), slices.Compare(a.Subscription[:], b.Subscription[:]))
	})
	for _, o := range there {
		if !slices.Contains(versions, o.Offering) {
			versions = append(versions, o.Offering)
		}
	}
	return versions
}

// split cuts a holding where an option begins or ends, so that each piece has
// one plan.
func (h holding) split(options []option, to holdings) holdings {
	var cuts []time.Time
	cut := func(at time.Time) {
		if at.After(h.heldFrom) && covers(h.heldFrom, h.heldTo, at) {
			cuts = append(cuts, at)
		}
	}
	for i := range options {
		cut(options[i].From)
		if options[i].To != nil {
			cut(*options[i].To)
		}
	}
	slices.SortFunc(cuts, time.Time.Compare)
	cuts = slices.CompactFunc(cuts, time.Time.Equal)
	end := h.heldTo
	for _, at := range append(cuts, end) {
		piece := h
		piece.heldTo = at
		piece.options = optionsAt(options, h.heldFrom)
		to = append(to, piece)
		h.heldFrom = at
	}
	return to
}

// selectOptions gives the options of subscription s, as JSON, or null. Those of
// a bundle are its components' as well, and one that goes on with the plan that
// took another's place was the other's before. subscription_option says whether
// there are any, subscription_part_of and plan_change_subscription find them.
const selectOptions = optionsFrom + ` and ov.document ? 'usage') end`

const optionsFrom = `
	case when exists (select from subscription x where x.account_id = s.account_id and x.part = 'option') then (
	    with recursive line (id) as (
	        (select s.id union all select s.part_of where s.part = 'component')
	        union
	        select c.new_subscription_id from line join plan_change as c on c.subscription_id = line.id and c.state = 'done')
	    select jsonb_agg(jsonb_build_object('subscription', o.id, 'offering', o.offering_id, 'code', ov.code,
	               'priority', coalesce((ov.document -> 'option' ->> 'priority')::int, 100), 'from', o.activated_at, 'to', o.terminated_at))
	      from line
	      join subscription as o on o.part_of = line.id and o.part = 'option' and o.activated_at is not null
	      join offering_version as ov on ov.id = o.offering_id`

// selectHeirs gives the subscriptions that have taken the place of s, or null.
const selectHeirs = `
	case when s.state = 'terminated' then (
	    with recursive heir (id) as (
	        select c.new_subscription_id from plan_change as c where c.subscription_id = s.id and c.state = 'done'
	        union
	        select c.new_subscription_id from heir join plan_change as c on c.subscription_id = heir.id and c.state = 'done')
	    select array_agg(id) from heir) end`

// plans are what a subscription's usage is priced by.
type plans struct {
	offering uuid.UUID
	options  []option
	heirs    []uuid.UUID
}

func (p *plans) at(instant time.Time) plan { return plan{p.offering, optionsAt(p.options, instant)} }

// loadPlans reads what subscriptions' usage is priced by.
func loadPlans(ctx context.Context, tx tenant.Tx, subscriptions []pgtype.UUID) (map[uuid.UUID]*plans, error) {
	return queryPlans(ctx, tx, selectOptions, subscriptions)
}

func queryPlans(ctx context.Context, tx tenant.Tx, options string, subscriptions []pgtype.UUID) (map[uuid.UUID]*plans, error) {
	found := make(map[uuid.UUID]*plans, len(subscriptions))
	rows, err := tx.Query(ctx, `select s.id, s.offering_id, `+options+`, `+selectHeirs+` from subscription s where s.id = any($1)`, subscriptions)
	if err != nil {
		return nil, fmt.Errorf("read options: %w", err)
	}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var id uuid.UUID
		p := &plans{}
		err := row.Scan(&id, &p.offering, &p.options, &p.heirs)
		found[id] = p
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read options: %w", err)
	}
	return found, nil
}
