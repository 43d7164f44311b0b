package demo

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

// connect takes and activates the orders of those who joined since the tick
// before. Who is connected already is found by email address.
func (o *operator) connect(ctx context.Context, t tick) error {
	known, err := o.connected(ctx)
	if err != nil {
		return err
	}
	var orders []onboarding.NewOrder
	for _, s := range o.people {
		if !s.known() || s.joins > t.day || known[s.who.Email] != uuid.Nil {
			continue
		}
		facts := o.facts(s)
		if s.index%7 != 0 { // most have their cycle by the calendar month, some from their day on
			facts["account.anchor"] = t.at.Format("2006-01") + "-01"
		}
		orders = append(orders, onboarding.NewOrder{OfferingID: o.versions[s.offering], Facts: facts, CreatedBy: o.clerk})
	}
	if len(orders) == 0 {
		return nil
	}
	return o.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		desk := o.stack.Desk()
		placed, err := desk.Place(ctx, tx, orders)
		if err != nil {
			return fmt.Errorf("take orders: %w", err)
		}
		ids := make([]uuid.UUID, len(placed))
		for i, order := range placed {
			ids[i] = order.ID
		}
		_, err = desk.Activate(ctx, tx, ids...)
		return err
	})
}

// connected maps email addresses to accounts.
func (o *operator) connected(ctx context.Context) (map[string]uuid.UUID, error) {
	byEmail := map[string]uuid.UUID{}
	err := o.eachAccount(ctx, func(a account.Found) { byEmail[a.Email] = a.ID })
	return byEmail, err
}

func (o *operator) eachAccount(ctx context.Context, fn func(account.Found)) error {
	query := account.Query{Limit: account.MaxPage}
	for {
		var page account.Page
		err := o.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
			page, err = account.List(ctx, tx, query)
			return err
		})
		if err != nil {
			return err
		}
		for _, a := range page.Accounts {
			fn(a)
		}
		if page.Next == uuid.Nil {
			return nil
		}
		query.After = page.Next
	}
}

func (o *operator) accountOf(ctx context.Context, s subscriber) (uuid.UUID, error) {
	known, err := o.connected(ctx)
	return known[s.who.Email], err
}
