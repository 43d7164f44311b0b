package charging

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
)

// Target is what a charge should be, as it is priced again.
type Target struct {
	Price     money.Decimal               `json:"price"`
	Net       money.Decimal               `json:"net"`
	Tax       money.Decimal               `json:"tax"`
	Quantity  money.Decimal               `json:"quantity"`
	Allowance money.Decimal               `json:"allowance"`
	Units     map[uuid.UUID]money.Decimal `json:"units,omitempty"` // what unit buckets cover
	Why       rating.Explanation          `json:"why,omitempty"`   // the steps of the new price
}

// change is what a correction adds to a charge: below zero, it is given back.
type change struct {
	kind                Kind
	Price, Net, Tax     money.Decimal
	Quantity, Allowance money.Decimal
	Units               map[uuid.UUID]money.Decimal
	Counted             map[string]int64 // tier counters that a refund takes back
	paid                []Part           // by money buckets, in their own currencies
	gross               money.Decimal    // of a prepaid account: what they paid, in its own
	steps               rating.Explanation
}

func (c *change) empty() bool {
	return c.Price.IsZero() && c.Net.IsZero() && c.Tax.IsZero() && c.Quantity.IsZero() && c.Allowance.IsZero() && len(c.Units) == 0
}

// changeTo is what a correction changes about a charge as it stands.
func (s *InForce) changeTo(one *Correction) (*change, error) {
	switch {
	case one.Target != nil:
		return s.set(one.Target)
	case one.Off != nil:
		return s.giveBack(*one.Off)
	default:
		return s.takeBack(), nil
	}
}

// set leaves alone what refunds gave back; no charge falls below nothing by it.
func (s *InForce) set(to *Target) (*change, error) {
	c := &change{
		kind: CorrectedCharge, Price: to.Price.Sub(s.Rated()), Quantity: to.Quantity.Sub(s.Quantity), Allowance: to.Allowance.Sub(s.Allowance),
		Units: map[uuid.UUID]money.Decimal{},
	}
	for bucket := range s.Units {
		c.Units[bucket] = to.Units[bucket].Sub(s.Units[bucket])
	}
	for bucket, units := range to.Units {
		c.Units[bucket] = units.Sub(s.Units[bucket])
	}
	maps.DeleteFunc(c.Units, func(_ uuid.UUID, units money.Decimal) bool { return units.IsZero() })
	if s.Given.IsZero() {
		c.Net, c.Tax = to.Net.Sub(s.Net), to.Tax.Sub(s.Tax)
		return c, nil
	}
	if left := s.Price.Add(c.Price); left.Sign() < 0 {
		c.Price = s.Price.Neg()
	}
	net, tax, err := shareOf(to, c.Price, s)
	c.Net, c.Tax = net, tax
	return c, err
}

// shareOf splits a change of price as the new price is split, or, where that is
// nothing, as what is left of the old one.
func shareOf(to *Target, price money.Decimal, s *InForce) (net, tax money.Decimal, err error) {
	if price.Add(s.Price).IsZero() {
		return s.Net.Neg(), s.Tax.Neg(), nil
	}
	whole, wholeNet, wholeTax := to.Price, to.Net, to.Tax
	if whole.IsZero() {
		whole, wholeNet, wholeTax = s.Price, s.Net, s.Tax
	}
	if net, err = part(wholeNet, price, whole); err != nil {
		return net, tax, err
	}
	tax, err = part(wholeTax, price, whole)
	return net, tax, err
}

func part(of, amount, whole money.Decimal) (money.Decimal, error) {
	if of.IsZero() {
		return of, nil
	}
	return of.MulDiv(amount, whole, money.Scale, money.HalfAwayFromZero)
}

// takeBack is all that is left, with what unit buckets gave and counters counted.
func (s *InForce) takeBack() *change {
	c := &change{
		kind: RefundedCharge, Price: s.Price.Neg(), Net: s.Net.Neg(), Tax: s.Tax.Neg(), Quantity: s.Quantity.Neg(), Allowance: s.Allowance.Neg(),
		Units: map[uuid.UUID]money.Decimal{}, Counted: map[string]int64{},
	}
	for bucket, units := range s.Units {
		c.Units[bucket] = units.Neg()
	}
	for code, n := range s.Counted {
		if n != 0 {
			c.Counted[code] = -n
			c.steps = append(c.steps, rating.Step{Op: rating.OpTier, Counter: code, Unit: s.Charge.Unit, Units: -n})
		}
	}
	return c
}

// giveBack is part of the price; the use itself stands.
func (s *InForce) giveBack(off money.Decimal) (*change, error) {
	if off.Cmp(s.Price) > 0 {
		return nil, fmt.Errorf("%w: %s of %s", ErrBeyondCharge, off, s.Price)
	}
	if off.Equal(s.Price) {
		return &change{kind: RefundedCharge, Price: off.Neg(), Net: s.Net.Neg(), Tax: s.Tax.Neg()}, nil
	}
	net, err := part(s.Net, off, s.Price)
	if err != nil {
		return nil, err
	}
	tax, err := part(s.Tax, off, s.Price)
	if err != nil {
		return nil, err
	}
	if !s.Tax.IsZero() && s.Price.Equal(s.Net.Add(s.Tax)) {
		tax = off.Sub(net) // prices include tax: what is given back is split without a rest
	}
	return &change{kind: RefundedCharge, Price: off.Neg(), Net: net.Neg(), Tax: tax.Neg()}, nil
}

// charge is the correcting charge. It counts for when the use was, and is
// billed with it while that cycle is open.
func (c *change) charge(one *Correction, stands *InForce, p *payer, s *scene, purses map[uuid.UUID]*purse, now time.Time) Charge {
	of := &stands.Charge
	billed, own := p.cycleStart(of.At, s.zone), stands.ownCycle()
	if !own.Before(billed) {
		own = calendar.Date{}
	}
	steps := c.steps
	for _, bucket := range sortedKeys(c.Units) {
		step := rating.Step{Op: rating.OpCover, Bucket: bucket, Unit: purses[bucket].Unit}
		if step.Unit.IsCurrency() {
			step.Op, step.Amount = rating.OpPay, c.Units[bucket]
		} else {
			step.Units, _ = c.Units[bucket].Int64()
		}
		steps = append(steps, step)
	}
	for _, paid := range c.paid {
		steps = append(steps, rating.Step{Op: rating.OpPay, Bucket: paid.Bucket, Unit: purses[paid.Bucket].Unit, Amount: paid.Amount})
	}
	return Charge{
		PaidFromMoney: c.gross, Period: of.Period, ID: one.ID, Kind: c.kind, UsageID: of.UsageID, AccountID: of.AccountID, SubscriptionID: of.SubscriptionID,
		ServiceID: of.ServiceID, OfferingID: of.OfferingID, CycleStart: billed, OwnCycle: own, At: of.At, RatedAt: now,
		LineCode: of.LineCode, Quantity: c.Quantity, Unit: of.Unit, Allowance: c.Allowance, Price: c.Price, Net: c.Net, Tax: c.Tax,
		Currency: of.Currency, TaxCategory: of.TaxCategory, Why: steps.AppendJSON(nil),
		Corrects: of.ID, CorrectsPeriod: of.Period, Reason: one.Reason,
	}
}

func sortedKeys[V any](m map[uuid.UUID]V) []uuid.UUID {
	return slices.SortedFunc(maps.Keys(m), func(a, b uuid.UUID) int { return cmp.Compare(string(a[:]), string(b[:])) })
}
