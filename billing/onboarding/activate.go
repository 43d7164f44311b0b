package onboarding

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// Activate turns orders into active subscriptions, with party and account
// where they are new, services, identities and balances: all of them or, with
// an error, none. An order that is completed already stays as it is and is
// returned the same. It is set-based: a thousand orders take little more than
// a dozen statements.
//
// Refusals are *IncompleteError, *NotSoldError, ErrOrderEnded for a cancelled
// order, *account.IdentityInUseError when two take an identity at once, and
// account.ErrSuspended while the operator may not sell.
func (d *Desk) Activate(ctx context.Context, tx tenant.Tx, ids ...uuid.UUID) ([]Order, error) {
	return d.activate(ctx, tx, "", ids)
}

// ActivateGiven is Activate for an option that costs nothing: no recurring fee
// is asked until it ends. words are what bills print for what is taken off.
func (d *Desk) ActivateGiven(ctx context.Context, tx tenant.Tx, words string, id uuid.UUID) ([]Order, error) {
	return d.activate(ctx, tx, words, []uuid.UUID{id})
}

func (d *Desk) activate(ctx context.Context, tx tenant.Tx, given string, ids []uuid.UUID) ([]Order, error) {
	orders, err := lockOrders(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	through, g, err := d.pass(ctx, tx, orders)
	if err != nil {
		return nil, err
	}
	if len(through) > 0 {
		done, err := d.connect(ctx, tx, g, through, given)
		if err != nil {
			return nil, err
		}
		for i := range orders {
			if o, fresh := done[orders[i].ID]; fresh {
				orders[i] = o
			}
		}
	}
	for i := range orders {
		orders[i] = orders[i].hidden()
	}
	return orders, nil
}

// pass is the gate: it returns the orders to be connected, without those that
// were before, or the reason of the first that may not pass.
func (d *Desk) pass(ctx context.Context, tx tenant.Tx, orders []Order) ([]ready, *gate, error) {
	g, err := d.newGate(ctx, tx)
	if err != nil {
		return nil, nil, err
	}
	var through []ready
	for _, o := range orders {
		if o.State == Completed || slices.ContainsFunc(through, func(r ready) bool { return r.ID == o.ID }) {
			continue
		}
		if !slices.Contains(orderMoves[o.State], Completed) {
			return nil, nil, fmt.Errorf("order %s: %w", o.ID, ErrOrderEnded)
		}
		// No wall time is needed: a sale waits for good standing, whatever the hour.
		if err := g.profile.Standing.Refuses(account.Manage, time.Time{}); err != nil {
			return nil, nil, err
		}
		r, err := g.judge(ctx, tx, o)
		if err != nil {
			return nil, nil, err
		}
		through = append(through, r)
	}
	taken, err := takenBy(ctx, tx, through)
	if err != nil {
		return nil, nil, err
	}
	for _, r := range through {
		if findings := taken[r.ID]; len(findings) > 0 {
			return nil, nil, &IncompleteError{r.ID.String(), findings}
		}
	}
	return through, g, nil
}

// connect makes everything that follows from orders that passed the gate.
func (d *Desk) connect(ctx context.Context, tx tenant.Tx, g *gate, orders []ready, given string) (map[uuid.UUID]Order, error) {
	if err := openAccounts(ctx, tx, orders); err != nil {
		return nil, err
	}
	if err := d.secure(ctx, tx, orders); err != nil {
		return nil, err
	}
	wanted := make([]account.NewSubscription, 0, len(orders))
	first := make([]int, len(orders)) // where each order's own subscription stands
	for i, o := range orders {
		first[i] = len(wanted)
		wanted = append(wanted, g.wants(o)...)
	}
	subscriptions, err := account.Subscribe(ctx, tx, wanted)
	if err != nil {
		return nil, err
	}
	ids, own := make([]uuid.UUID, len(subscriptions)), make([]uuid.UUID, len(orders))
	for i, s := range subscriptions {
		ids[i] = s.ID
	}
	var discounts []account.Discount
	for i, o := range orders {
		own[i] = ids[first[i]]
		less, err := bundleDiscounts(o, subscriptions[first[i]+min(1, len(o.parts)):])
		if err != nil {
			return nil, err
		}
		discounts = append(discounts, less...)
		if given != "" {
			discounts = append(discounts, g.gift(o, own[i], given))
		}
		if end := wanted[first[i]].EndsOn; end != nil {
			if err := partsDue(ctx, tx, g.profile, *end); err != nil {
				return nil, err
			}
		}
	}
	if err := account.Activate(ctx, tx, ids...); err != nil {
		return nil, err
	}
	if len(discounts) > 0 {
		if _, err := account.GiveDiscounts(ctx, tx, discounts); err != nil {
			return nil, err
		}
	}
	done, err := complete(ctx, tx, orders, own)
	if err != nil {
		return nil, err
	}
	if err := d.hooks.Grant(ctx, tx, ids); err != nil {
		return nil, fmt.Errorf("grant what comes with the offering: %w", err)
	}
	return done, d.hooks.Schedule(ctx, tx, g.profile.Zone, cycleEnds(orders)...)
}

// openAccounts opens accounts for those orders that are not for an existing
// one, and gives the prepaid ones their main balance.
func openAccounts(ctx context.Context, tx tenant.Tx, orders []ready) error {
	var fresh []*ready
	var parties []account.Party
	for i := range orders {
		if orders[i].account == nil {
			fresh = append(fresh, &orders[i])
			parties = append(parties, partyOf(orders[i].Facts))
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	parties, err := account.AddParties(ctx, tx, parties)
	if err != nil {
		return err
	}
	wanted := make([]account.NewAccount, len(fresh))
	for i, o := range fresh {
		wanted[i] = newAccountOf(o, parties[i].ID)
	}
	opened, err := account.Open(ctx, tx, wanted)
	if err != nil {
		return err
	}
	var prepaid []uuid.UUID
	for i, o := range fresh {
		o.account = &opened[i]
		if opened[i].Kind == account.Prepaid {
			prepaid = append(prepaid, opened[i].ID)
		}
	}
	if len(prepaid) == 0 {
		return nil
	}
	return balance.CreateMain(ctx, tx, prepaid...)
}

// complete writes on the orders what came of them.
func complete(ctx context.Context, tx tenant.Tx, orders []ready, subscriptions []uuid.UUID) (map[uuid.UUID]Order, error) {
	ids, accounts := make([]uuid.UUID, len(orders)), make([]uuid.UUID, len(orders))
	done := make(map[uuid.UUID]Order, len(orders))
	for i, r := range orders {
		ids[i], accounts[i] = r.ID, r.account.ID
		o, at := r.Order, tx.At
		o.State, o.AccountID, o.SubscriptionID, o.CompletedAt = Completed, &accounts[i], &subscriptions[i], &at
		done[o.ID] = o
	}
	result, err := tx.Exec(ctx, `
		update product_order o
		   set state = 'completed', starts_on = null, waiting_for = '', account_id = n.account_id, subscription_id = n.subscription_id, completed_at = $4
		  from unnest($1::uuid[], $2::uuid[], $3::uuid[]) as n (id, account_id, subscription_id)
		 where o.id = n.id and o.state = 'acknowledged'`, ids, accounts, subscriptions, tx.At)
	if err != nil {
		return nil, fmt.Errorf("complete orders: %w", err)
	}
	if int(result.RowsAffected()) != len(orders) {
		return nil, fmt.Errorf("complete orders: %d of %d were open", result.RowsAffected(), len(orders))
	}
	return done, nil
}

func cycleEnds(orders []ready) []calendar.Date {
	var ends []calendar.Date
	for _, o := range orders {
		ends = append(ends, o.account.Cycle.To)
	}
	slices.SortFunc(ends, calendar.Date.Compare)
	return slices.Compact(ends)
}
