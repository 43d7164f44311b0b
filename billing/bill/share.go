package bill

import (
	"bytes"
	"context"
	"maps"
	"slices"
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
	if err := partner.Accrue(ctx, tx, b.frame.profile.Zone, lines, b.frame.offerings); err != nil {
		return err
	}
	return b.shareItems(ctx, tx, part)
}

// shareItems changes partners' shares as much as items change the fees that
// bills asked for: a change of plan or a pause gives back, its end asks again.
func (b *batch) shareItems(ctx context.Context, tx tenant.Tx, part []*closing) error {
	for _, c := range part {
		changed := map[uuid.UUID][]sharedLine{}
		for _, e := range c.entries {
			i := e.item
			if i == nil || i.Of == nil || i.Subscription == uuid.Nil || i.From.Ledger.Kind != "" {
				continue
			}
			changed[i.Of.Bill] = append(changed[i.Of.Bill], sharedLine{i.Of.No, i.Subscription, i.Code, strconv.Itoa(e.No), e.Net.Decimal().Neg(), c.Currency})
		}
		for _, before := range slices.SortedFunc(maps.Keys(changed), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }) {
			if err := takeSharesBack(ctx, tx, b.frame.profile.Zone, before, c.doc.ID, c.ID, changed[before]); err != nil {
				return err
			}
		}
	}
	return nil
}
