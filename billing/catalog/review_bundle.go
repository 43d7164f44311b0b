package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// bundled looks at the offerings that a bundle or an option names, as they are
// sold on the first day.
func (r *reviewer) bundled(ctx context.Context, tx tenant.Tx) error {
	if b := r.offering.Bundle; b != nil {
		if err := r.components(ctx, tx, *b); err != nil {
			return err
		}
	}
	o := r.offering.Option
	if o == nil {
		return nil
	}
	sold, err := soldAt(ctx, tx, r.from)
	if err != nil {
		return err
	}
	for i, code := range o.For {
		path := fmt.Sprintf("option.for[%d]", i)
		base, known := sold[code]
		switch {
		case !known:
			r.fault(path, "the code of an offering on sale", "no offering on sale has the code %q", code)
		case base.Billing != r.offering.Billing:
			r.fault(path, "a "+string(r.offering.Billing)+" offering", "%q is %s, this is %s", code, base.Billing, r.offering.Billing)
		default:
			if err := r.under(ctx, tx, path, base.ID); err != nil {
				return err
			}
		}
	}
	for i, code := range o.Requires {
		if _, known := sold[code]; !known {
			r.fault(fmt.Sprintf("option.requires[%d]", i), "the code of an option on sale", "no option on sale has the code %q, so nobody could have this one", code)
		}
	}
	for i, code := range o.Excludes {
		if _, known := sold[code]; !known {
			r.warn(fmt.Sprintf("option.excludes[%d]", i), "the code of an option on sale", "no option on sale has the code %q", code)
		}
	}
	return nil
}

// under wants a plan of an option to state its prices as the option does: the
// prices of both meet in one charge.
func (r *reviewer) under(ctx context.Context, tx tenant.Tx, path string, plan uuid.UUID) error {
	base, err := LoadVersion(ctx, tx, plan)
	if err != nil {
		return err
	}
	switch {
	case base.Currency != r.offering.Currency:
		r.fault(path, "a plan in "+r.offering.Currency.Code(), "%q is priced in %s", base.Code, base.Currency)
	case len(r.offering.Usage) > 0 && base.Tax.Included != r.offering.Tax.Included:
		r.fault(path, "a plan whose prices hold tax as the option's do", "one of %q and this option states its prices with tax, the other without", base.Code)
	}
	return nil
}

func soldAt(ctx context.Context, tx tenant.Tx, at time.Time) (map[string]Version, error) {
	list, err := OnSale(ctx, tx, at)
	if err != nil {
		return nil, err
	}
	sold := make(map[string]Version, len(list))
	for _, v := range list {
		sold[v.Code] = v
	}
	return sold, nil
}

// components wants each to be sold, in the bundle's own terms, and no two of
// them to carry the same service: an order has one set of facts for each.
func (r *reviewer) components(ctx context.Context, tx tenant.Tx, b Bundle) error {
	sold, err := soldAt(ctx, tx, r.from)
	if err != nil {
		return err
	}
	carried := map[ServiceKind]string{}
	var cost, price money.Decimal
	for i, one := range b.Components {
		path := fmt.Sprintf("bundle.components[%d].offering", i)
		v, known := sold[one.Offering]
		if !known {
			r.fault(path, "the code of an offering on sale", "no offering on sale has the code %q", one.Offering)
			continue
		}
		part, err := LoadVersion(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		switch {
		case part.Billing != r.offering.Billing:
			r.fault(path, "a "+string(r.offering.Billing)+" offering", "%q is %s, the bundle is %s", one.Offering, part.Billing, r.offering.Billing)
		case part.Currency != r.offering.Currency:
			r.fault(path, "an offering in "+r.offering.Currency.Code(), "%q is priced in %s", one.Offering, part.Currency)
		case part.Sort() == BundleKind || part.OnTop():
			r.fault(path, "a plan or a third party's service", "%q is a %s", one.Offering, part.Sort())
		}
		for _, kind := range part.Services {
			if other, twice := carried[kind]; twice {
				r.fault(path, "components with different services", "carries the service %s as %q does", kind, other)
			}
			carried[kind] = one.Offering
		}
		if one.Optional {
			continue
		}
		if err := r.weigh(part, &price, &cost); err != nil {
			return err
		}
	}
	return r.bundleCost(b, price, cost)
}

// weigh adds what a component's recurring prices, and their costs, come to in a
// month.
func (r *reviewer) weigh(part Offering, price, cost *money.Decimal) error {
	for _, p := range part.Prices.Recurring {
		month, err := p.AMonth(money.Scale)
		if err != nil {
			return err
		}
		*price = price.Add(month)
		if p.Cost != nil {
			p.Amount = *p.Cost
			if month, err = p.AMonth(money.Scale); err != nil {
				return err
			}
			*cost = cost.Add(month)
		}
	}
	return nil
}

// bundleCost warns of a bundle that asks for less than its parts cost.
func (r *reviewer) bundleCost(b Bundle, price, cost money.Decimal) error {
	path := "bundle.discount"
	switch {
	case b.Pricing == AsOne:
		path, price = "prices.recurring", money.Decimal{}
		for _, p := range r.offering.Prices.Recurring {
			month, err := p.AMonth(money.Scale)
			if err != nil {
				return err
			}
			price = price.Add(month)
		}
	case b.Discount == nil:
		return nil
	case b.Discount.Amount != nil:
		price = price.Sub(*b.Discount.Amount)
	case b.Discount.Percent != nil:
		off, err := price.MulDiv(*b.Discount.Percent, wholePercent, money.Scale, money.HalfAwayFromZero)
		if err != nil {
			return err
		}
		price = price.Sub(off)
	}
	if price.Cmp(cost) < 0 {
		r.warn(path, "a price of at least "+cost.String()+" a month", "the bundle brings %s a month, its components cost %s", price, cost)
	}
	return nil
}
