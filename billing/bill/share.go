package bill

import (
	"context"
	"strconv"

	"github.com/google/uuid"

	"tollhouse/billing/partner"
	"tollhouse/billing/tenant"
)

// share gives partners their part of the fees that closings charge. Usage was
// shared when it was charged.
func (b *batch) share(ctx context.Context, tx tenant.Tx, part []*closing) error {
	var lines []partner.Line
	for _, c := range part {
		offerings := map[uuid.UUID]uuid.UUID{}
		for _, s := range c.subscriptions {
			if b.frame.offerings[s.Offering].ThirdParty != nil {
				offerings[s.ID] = s.Offering
			}
		}
		for _, e := range c.entries {
			offering, shared := offerings[e.Subscription]
			if !shared || e.source != feeEarned && e.source != feeAhead {
				continue
			}
			lines = append(lines, partner.Line{Source: c.doc.ID, Line: strconv.Itoa(e.No), Account: c.ID, Subscription: e.Subscription, OfferingID: offering,
				Recurring: e.Kind != OneTime, Discount: e.Kind == Discount, Periods: e.fee.periods, Net: e.Net.Decimal(), Currency: c.Currency})
		}
	}
	return partner.Accrue(ctx, tx, b.frame.profile.Zone, lines, b.frame.offerings)
}
