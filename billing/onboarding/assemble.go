package onboarding

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// PartsError says that an order names parts that the bundle does not have, or
// too few of them.
type PartsError struct{ Reason string }

func (e *PartsError) Error() string { return "parts of the bundle: " + e.Reason }

// Is lets errors.Is find ErrFact: a part is something that an order takes.
func (e *PartsError) Is(target error) bool { return target == ErrFact }

// Whole is an offering as an order for it is judged: with the facts that its
// specification asks for and, for a bundle, with the services and facts of the
// parts that are taken. The parts come in the bundle's order.
func Whole(ctx context.Context, tx tenant.Tx, o catalog.Offering, chosen []string) (catalog.Offering, []catalog.Stored, error) {
	if err := addSpecification(ctx, tx, &o); err != nil {
		return o, nil, err
	}
	if o.Bundle == nil {
		if len(chosen) > 0 {
			return o, nil, &PartsError{fmt.Sprintf("%q is no bundle and has none", o.Code)}
		}
		return o, nil, nil
	}
	taken, err := partsTaken(*o.Bundle, chosen)
	if err != nil {
		return o, nil, err
	}
	parts := make([]catalog.Stored, len(taken))
	for i, code := range taken {
		if parts[i], err = catalog.Current(ctx, tx, code, tx.At); err != nil {
			return o, nil, err
		}
		if err := addSpecification(ctx, tx, &parts[i].Offering); err != nil {
			return o, nil, err
		}
		o.Services = union(o.Services, parts[i].Offering.Services)
		o.RequiredFacts = union(o.RequiredFacts, parts[i].Offering.RequiredFacts)
		o.Deposit = o.Deposit.Plus(parts[i].Offering.Deposit)
	}
	return o, parts, nil
}

func addSpecification(ctx context.Context, tx tenant.Tx, o *catalog.Offering) error {
	if o.Specification == "" {
		return nil
	}
	spec, err := catalog.GetSpecification(ctx, tx, o.Specification)
	if err != nil {
		return err
	}
	o.RequiredFacts = union(o.RequiredFacts, spec.RequiredFacts)
	return nil
}

func union[T comparable](have, more []T) []T {
	all := slices.Clone(have)
	for _, one := range more {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// partsTaken are a bundle's required parts and those of the others that are
// chosen.
func partsTaken(b catalog.Bundle, chosen []string) ([]string, error) {
	for _, code := range chosen {
		if !slices.ContainsFunc(b.Components, func(c catalog.Component) bool { return c.Offering == code }) {
			return nil, &PartsError{fmt.Sprintf("it has no part %q", code)}
		}
	}
	var taken []string
	for _, c := range b.Components {
		if !c.Optional || slices.Contains(chosen, c.Offering) {
			taken = append(taken, c.Offering)
		}
	}
	if least := max(1, b.AtLeast); len(taken) < least {
		return nil, &PartsError{fmt.Sprintf("%d are taken, at least %d are wanted", len(taken), least)}
	}
	return taken, nil
}

// wants are the subscriptions that an order becomes: its own first, then those
// of its parts.
func (g *gate) wants(o ready) []account.NewSubscription {
	own := account.NewSubscription{ID: uuid.Must(uuid.NewV7()), AccountID: o.account.ID, OfferingID: o.OfferingID}
	if o.bundle != nil {
		own.PartOf, own.Part, own.FeesIncluded = &o.base.ID, account.Component, o.bundle.Bundle.Pricing == catalog.AsOne
	} else if o.base != nil {
		own.PartOf, own.Part, own.EndsOn = &o.base.ID, account.OnTop, endOf(*o.offering.Option, *o.account, g)
	}
	if len(o.parts) == 0 {
		own.Services = servicesOf(o)
		return []account.NewSubscription{own}
	}
	list := []account.NewSubscription{own}
	for _, part := range o.parts {
		one := o
		one.offering = part.Offering
		list = append(list, account.NewSubscription{ID: uuid.Must(uuid.NewV7()), AccountID: o.account.ID, OfferingID: part.ID,
			PartOf: &own.ID, Part: account.Component, FeesIncluded: o.offering.Bundle.Pricing == catalog.AsOne, Services: servicesOf(one)})
	}
	return list
}

// gift takes all recurring fees off what is given, from the cycle on that the
// account is in: fees go by its cycles.
func (g *gate) gift(o ready, subscription uuid.UUID, words string) account.Discount {
	all := money.NewDecimal(100)
	return account.Discount{SubscriptionID: subscription, Code: "given", Reason: words, Percent: &all,
		ValidFrom: o.account.Cycles(g.profile.AnchorPolicy).Containing(g.today).From}
}

// BundleDiscount is the code of what a bundle takes off a part's prices.
const BundleDiscount = "bundle"

// BundleDiscounts are what a bundle takes off its parts' recurring prices: a
// share of each, or an amount spread over them by what they cost in a month. nil
// for a part of which nothing is taken off.
func BundleDiscounts(bundle catalog.Offering, words string, parts []catalog.Offering) ([]*account.Discount, error) {
	discounts := make([]*account.Discount, len(parts))
	b := bundle.Bundle
	if b == nil || b.Discount == nil || len(parts) == 0 {
		return discounts, nil
	}
	weights := make([]money.Decimal, len(parts))
	for i, part := range parts {
		for _, p := range part.Prices.Recurring {
			month, err := p.AMonth(money.Scale)
			if err != nil {
				return nil, err
			}
			weights[i] = weights[i].Add(month)
		}
	}
	var amounts []money.Amount
	if b.Discount.Amount != nil {
		whole := money.New(*b.Discount.Amount, bundle.Currency)
		var err error
		if amounts, err = whole.Split(weights, bundle.Currency.DocumentDigits()); err != nil {
			return nil, fmt.Errorf("discount of bundle %s: %w", bundle.Code, err)
		}
	}
	for i := range parts {
		d := account.Discount{Code: BundleDiscount, Reason: words, Percent: b.Discount.Percent}
		if amounts != nil {
			amount := amounts[i].Decimal()
			d.Amount = &amount
		}
		if d.Amount != nil && d.Amount.IsZero() || weights[i].IsZero() {
			continue
		}
		discounts[i] = &d
	}
	return discounts, nil
}

// bundleDiscounts are those of an order's parts, or of the part that it is.
func bundleDiscounts(o ready, made []account.Subscription) ([]account.Discount, error) {
	if o.share != nil {
		d := *o.share
		d.SubscriptionID = made[0].ID
		return []account.Discount{d}, nil
	}
	offerings := make([]catalog.Offering, len(o.parts))
	for i := range o.parts {
		offerings[i] = o.parts[i].Offering
	}
	found, err := BundleDiscounts(o.offering, o.offering.Names.In(o.language()), offerings)
	var discounts []account.Discount
	for i, d := range found {
		if d != nil {
			d.SubscriptionID = made[i].ID
			discounts = append(discounts, *d)
		}
	}
	return discounts, err
}
