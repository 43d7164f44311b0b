package charging

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/catalog"
	"tollhouse/billing/partner"
	"tollhouse/billing/tenant"
)

// shares says, from memory alone, whether a third party may have a part in one
// of the charges.
func (s *scene) shares(charges []Charge) bool {
	e := s.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.current(s)
	for i := range charges {
		if t := c.tariffs[charges[i].OfferingID]; t == nil || t.offering.ThirdParty != nil {
			return true
		}
	}
	return false
}

// share gives the partners whose services were charged their part, and takes
// back what corrections give back. The charges are written, and their accounts
// locked.
func (s *scene) share(ctx context.Context, tx tenant.Tx, charges []Charge) error {
	seen := map[uuid.UUID]bool{}
	for i := range charges {
		if id := charges[i].OfferingID; i == 0 || id != charges[i-1].OfferingID {
			seen[id] = true
		}
	}
	tariffs, err := s.tariffsOf(ctx, tx, keys(seen))
	if err != nil {
		return err
	}
	offerings := map[uuid.UUID]catalog.Offering{}
	for id, t := range tariffs {
		if t.offering.ThirdParty != nil {
			offerings[id] = t.offering
		}
	}
	if len(offerings) == 0 {
		return nil
	}
	var lines []partner.Line
	for i := range charges {
		c := &charges[i]
		if _, shared := offerings[c.OfferingID]; !shared {
			continue
		}
		lines = append(lines, partner.Line{Source: c.ID, Line: c.LineCode, Account: c.AccountID, Subscription: c.SubscriptionID, OfferingID: c.OfferingID,
			Recurring: slices.Contains([]Kind{RecurringCharge, DiscountCharge}, c.Kind), Discount: c.Kind == DiscountCharge, Corrects: c.Corrects,
			Net: c.Net, Currency: c.Currency})
	}
	return partner.Accrue(ctx, tx, s.zone, lines, offerings)
}
