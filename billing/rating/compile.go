package rating

import (
	"fmt"
	"math/big"

	"tollhouse/billing/catalog"
	"tollhouse/billing/catalog/document"
	"tollhouse/billing/money"
)

// Compile makes o ready for pricing, with options that a subscription to it has,
// in the order in which their prices go before its own. It refuses with a
// *document.InvalidError what catalog.Check finds fault with and names that the
// context doesn't know, and with ErrTooFine prices that cannot be summed
// exactly.
func Compile(o catalog.Offering, c Context, options ...catalog.Offering) (*Tariff, error) {
	for i := range options {
		if err := c.check(options[i]); err != nil {
			return nil, err
		}
	}
	if err := c.check(o); err != nil {
		return nil, err
	}
	return compile(o, c, options...)
}

func (c Context) check(o catalog.Offering) error {
	findings := catalog.Faults(catalog.Check(o))
	findings = append(findings, c.unknown(o)...)
	if len(findings) > 0 {
		return fmt.Errorf("compile %s: %w", o.Code, &document.InvalidError{Findings: findings})
	}
	return nil
}

// unknown reports codes that the context has nothing for.
func (c Context) unknown(o catalog.Offering) (findings []document.Finding) {
	for i, set := range o.Destinations {
		if set.Deck != "" && c.Decks[set.Deck] == nil {
			findings = append(findings, document.Finding{Path: fmt.Sprintf("destinations[%d].deck", i), Message: fmt.Sprintf("there is no deck %q", set.Deck)})
		}
	}
	if _, known := c.Calendars[o.Calendar]; !known && o.Calendar != "" {
		findings = append(findings, document.Finding{Path: "calendar", Message: fmt.Sprintf("there is no holiday calendar %q", o.Calendar)})
	}
	return findings
}

// compile takes offerings with gaps as well, so that tests can run into them.
func compile(o catalog.Offering, c Context, options ...catalog.Offering) (*Tariff, error) {
	t := &Tariff{
		own: o.Currency, currency: o.Currency.Unit(), clock: newClock(c.Zone, o.Holidays, c.Calendars[o.Calendar]),
		calendars: map[string]clock{}, decks: c.Decks, rates: c.Rates,
	}
	for code, days := range c.Calendars {
		t.calendars[code] = newClock(c.Zone, days)
	}
	for k := range kinds {
		prices := pricesOf(kinds[k], o, options)
		if len(prices) == 0 {
			continue
		}
		u, err := compileUsage(o.Currency, prices, c)
		if err != nil {
			return nil, fmt.Errorf("compile %s: %w", o.Code, err)
		}
		t.usages[k] = u
	}
	return t, nil
}

func compileUsage(currency money.Currency, prices []layered, c Context) (*usage, error) {
	first := prices[0].price
	u := &usage{kind: first.Kind, unit: first.Kind.Unit(), currencies: []money.Currency{currency}}
	var rules []catalog.Rule
	for _, p := range prices {
		rules = append(rules, p.price.Rules...)
	}
	denominator, err := commonDenominator(rules)
	if err != nil {
		return nil, err
	}
	u.denominator = uint64(denominator)
	for _, p := range prices {
		u.layers = append(u.layers, newLayer(u, &p, c))
		for i := range p.price.Rules {
			r, err := u.compileRule(&p.price.Rules[i], p.offering.Currency)
			if err != nil {
				return nil, fmt.Errorf("usage %s: rule %s: %w", p.price.Code, p.price.Rules[i].Code, err)
			}
			u.rules = append(u.rules, r)
		}
	}
	return u, nil
}

// rates returns every amount of r per base unit, as fractions.
func rates(r *catalog.Rule) []*big.Rat {
	var list []*big.Rat
	per := func(price *money.Decimal, q int64) {
		if price != nil {
			list = append(list, rate(*price, q))
		}
	}
	for _, s := range slotsOf(r) {
		per(&s.price, s.per.Base())
	}
	per(r.ConnectFee, 1)
	per(r.EventPrice, 1)
	per(r.Minimum, 1)
	per(capOf(r), 1)
	if r.Tiers != nil {
		per(r.Tiers.Price, 1)
		for _, b := range r.Tiers.Bands {
			per(b.Fee, 1)
			if b.Price != nil && b.Per != nil {
				per(b.Price, b.Per.Base())
			}
		}
	}
	return list
}

func rate(price money.Decimal, per int64) *big.Rat {
	r := price.BigRat()
	return r.Quo(r, new(big.Rat).SetInt64(per))
}

// commonDenominator returns the least number that makes every amount of the
// rules whole.
func commonDenominator(rules []catalog.Rule) (int64, error) {
	least := big.NewInt(1)
	for i := range rules {
		for _, r := range rates(&rules[i]) {
			gcd := new(big.Int).GCD(nil, nil, least, r.Denom())
			least.Mul(least, new(big.Int).Quo(r.Denom(), gcd))
			if least.BitLen() > 62 {
				return 0, fmt.Errorf("%w: rule %s", ErrTooFine, rules[i].Code)
			}
		}
	}
	return least.Int64(), nil
}

// numerator returns r × denominator, which is whole.
func (u *usage) numerator(r *big.Rat) *big.Int {
	n := new(big.Int).Mul(r.Num(), new(big.Int).SetUint64(u.denominator))
	return n.Quo(n, r.Denom())
}

func (u *usage) unitNumerator(price money.Decimal, per int64) (int64, error) {
	n := u.numerator(rate(price, per))
	if !n.IsInt64() {
		return 0, ErrTooFine
	}
	return n.Int64(), nil
}

func (u *usage) wideNumerator(amount *money.Decimal) (wide, error) {
	if amount == nil {
		return wide{}, nil
	}
	w, ok := wideFromBig(u.numerator(rate(*amount, 1)))
	if !ok {
		return wide{}, ErrTooFine
	}
	return w, nil
}

func (u *usage) compileRule(source *catalog.Rule, own money.Currency) (rule, error) {
	l := &u.layers[len(u.layers)-1]
	r := rule{layer: len(u.layers) - 1, code: source.Code, lineCode: l.code, lineNames: l.names, source: source, currency: u.currencyIndex(source.CurrencyOr(own))}
	if len(source.Names) > 0 {
		r.lineCode, r.lineNames = source.Code, source.Names
	}
	var err error
	for _, s := range slotsOf(source) {
		if s.numerator, err = u.unitNumerator(s.price, s.per.Base()); err != nil {
			return rule{}, err
		}
		r.slots = append(r.slots, s)
	}
	if r.fee, err = u.wideNumerator(source.ConnectFee); err != nil {
		return rule{}, err
	}
	if r.event, err = u.wideNumerator(source.EventPrice); err != nil {
		return rule{}, err
	}
	for _, bound := range []struct {
		amount *money.Decimal
		to     **wide
	}{{source.Minimum, &r.minimum}, {capOf(source), &r.cap}} {
		if bound.amount == nil {
			continue
		}
		w, err := u.wideNumerator(bound.amount)
		if err != nil {
			return rule{}, err
		}
		*bound.to = &w
	}
	if source.Tiers != nil {
		r.tiers, err = u.compileTiers(source, l.counter(source))
	}
	return r, err
}

func (u *usage) currencyIndex(c money.Currency) int {
	for i, have := range u.currencies {
		if have == c {
			return i
		}
	}
	u.currencies = append(u.currencies, c)
	return len(u.currencies) - 1
}

// slotsOf lays out a rule's prices by position. A first increment of 60 s
// before next ones of 1 s is the same as a step of 60 s at 0 and steps of 1 s
// from 60 s on. Slots of tiered rules only count, and have no price.
func slotsOf(r *catalog.Rule) []slot {
	var slots []slot
	for _, s := range r.Steps {
		slots = append(slots, slot{s.From.Base(), s.Increment.Base(), 0, s.Price, s.Per})
	}
	if slots != nil {
		return slots
	}
	s := slot{increment: 1, per: catalog.MustQuantity("1")}
	if r.Price != nil && r.Per != nil {
		s.price, s.per = *r.Price, *r.Per
	}
	if r.Increments == nil {
		return []slot{s}
	}
	first, next := s, s
	first.increment = r.Increments.First.Base()
	next.increment, next.from = r.Increments.Next.Base(), first.increment
	if next.increment == first.increment {
		return []slot{first}
	}
	return []slot{first, next}
}

func pow10(digits int32) uint64 {
	p := uint64(1)
	for range digits {
		p *= 10
	}
	return p
}

func capOf(r *catalog.Rule) *money.Decimal {
	if r.Cap == nil {
		return nil
	}
	return &r.Cap.Amount
}
