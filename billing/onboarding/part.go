package onboarding

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// OrderPart orders a part that a bundle needs from the day on when it took an old
// one's place, with what the order of that knows of its services. The day's work
// activates it through the gate, or leaves it to a person with the reason.
func OrderPart(ctx context.Context, tx tenant.Tx, bundle, old uuid.UUID, part catalog.Stored, day calendar.Date, by string) error {
	s, err := account.GetSubscription(ctx, tx, bundle)
	if err != nil {
		return err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	known, err := factsOfOrder(ctx, tx, old)
	if err != nil {
		return err
	}
	facts := Facts{}
	for field, value := range known {
		section, _, _ := strings.Cut(field, ".")
		ours := slices.Contains(part.Offering.Services, catalog.ServiceKind(section)) || slices.Contains(part.Offering.RequiredFacts, field) || section == "party" || section == "address"
		if ours && !secretFields[field] { // secrets are sealed for the order that they came with
			facts[field] = value
		}
	}
	o := Order{ID: uuid.Must(uuid.NewV7()), OfferingID: part.ID, State: Acknowledged, Facts: facts, AccountID: &s.AccountID, PartOf: &bundle, StartsOn: &day, CreatedBy: by, CreatedAt: tx.At}
	if err := insertOrders(ctx, tx, []Order{o}); err != nil {
		return err
	}
	return partsDue(ctx, tx, profile, day)
}

// BundleWords are what bills print for what a bundle takes off its parts.
func BundleWords(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, bundle catalog.Offering) (string, error) {
	a, err := account.Get(ctx, tx, accountID)
	if err != nil {
		return "", err
	}
	party, err := account.GetParty(ctx, tx, a.PartyID)
	return bundle.Names.In(string(party.Language)), err
}

// belongs says whether an order is for a part of the bundle that it names, which
// has none of that offering yet.
func (g *gate) belongs(ctx context.Context, tx tenant.Tx, r *ready) (bool, error) {
	// Whoever adds a part holds the bundle's subscription.
	if _, err := tx.Exec(ctx, `select id from subscription where id = $1 for update`, *r.PartOf); err != nil {
		return false, fmt.Errorf("lock subscription %s: %w", *r.PartOf, err)
	}
	base, err := account.GetSubscription(ctx, tx, *r.PartOf)
	if err != nil {
		return false, err
	}
	bundle, err := catalog.LoadVersion(ctx, tx, base.OfferingID)
	if err != nil || bundle.Bundle == nil || base.State != account.SubscriptionActive {
		return false, err
	}
	if !slices.ContainsFunc(bundle.Bundle.Components, func(c catalog.Component) bool { return c.Offering == r.offering.Code }) ||
		r.AccountID != nil && *r.AccountID != base.AccountID {
		return false, nil
	}
	have, err := ComponentsOf(ctx, tx, base.ID)
	if err != nil {
		return false, err
	}
	offerings := []catalog.Offering{r.offering}
	for _, h := range have {
		if h.Offering.Code == r.offering.Code {
			return false, nil
		}
		offerings = append(offerings, h.Offering)
	}
	words, err := BundleWords(ctx, tx, base.AccountID, bundle)
	if err != nil {
		return false, err
	}
	less, err := BundleDiscounts(bundle, words, offerings)
	r.base, r.bundle, r.AccountID = &base, &bundle, &base.AccountID
	if err == nil {
		r.share = less[0]
	}
	return true, err
}
