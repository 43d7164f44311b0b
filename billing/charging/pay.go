package charging

import (
	"errors"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
)

// share is one purse's part of a price.
type share struct {
	purse  *purse
	amount money.Decimal // of the price
	taken  money.Decimal // out of the purse, in its own currency
}

// claim is a price that money is to pay.
type claim struct {
	payer  *payer
	purses []*purse // of the payer, with those that others share, in order of use
	gross  money.Decimal
	usable func(*purse) bool
	rates  *catalog.Rates // nil: no other currency pays
	day    calendar.Date  // of the rates
}

// debt is how far the payer's main balance may go below zero online.
func (p *payer) debt(t *tariff) money.Decimal {
	switch {
	case p.debtLimit != nil:
		return *p.debtLimit
	case t != nil && t.offering.DebtLimit != nil:
		return *t.offering.DebtLimit
	}
	return money.Decimal{}
}

// reaches says whether money covers the price, with a debt that is allowed.
func (b *claim) reaches(debt money.Decimal) (bool, error) {
	if b.gross.Sign() <= 0 {
		return true, nil
	}
	left := b.gross.Sub(debt)
	for _, one := range b.purses {
		if b.usable(one) {
			left = left.Sub(one.free())
		}
	}
	if left.Sign() <= 0 {
		return true, nil
	}
	for _, one := range b.payer.foreign {
		worth, err := b.worth(one)
		if err != nil {
			return false, err
		}
		left = left.Sub(worth)
	}
	return left.Sign() <= 0, nil
}

// pay takes the price from purses in order: money of the account's currency,
// then of others at the day's rate. What they don't hold comes from main, below
// zero if need be: an offline use has happened already. A negative price goes
// to main.
func (b *claim) pay(to []share) ([]share, error) {
	first, left := len(to), b.gross
	take := func(one *purse, most money.Decimal) {
		if part := lesser(most, left); part.Sign() > 0 {
			left = left.Sub(part)
			to = append(to, share{one, part, part})
		}
	}
	for _, one := range b.purses {
		if one != b.payer.main && b.usable(one) {
			take(one, one.free())
		}
	}
	if len(b.payer.foreign) > 0 && left.Sign() > 0 {
		take(b.payer.main, b.payer.main.free())
		var err error
		if to, left, err = b.payForeign(to, left); err != nil {
			return nil, err
		}
	}
	if !left.IsZero() {
		to = append(to, share{b.payer.main, left, left})
	}
	for _, s := range to[first:] {
		s.purse.Value = s.purse.Value.Sub(s.taken)
	}
	return to, nil
}

// payForeign takes what is left of the price from money in other currencies.
func (b *claim) payForeign(to []share, left money.Decimal) ([]share, money.Decimal, error) {
	for _, one := range b.payer.foreign {
		worth, err := b.worth(one)
		if err != nil {
			return nil, left, err
		}
		if left.Sign() <= 0 || worth.Sign() <= 0 {
			continue
		}
		s := share{one, worth, one.free()}
		if left.Cmp(worth) < 0 {
			conversion, err := b.conversion(one)
			if err != nil {
				return nil, left, err
			}
			s.amount = left
			if s.taken, err = left.MulDiv(conversion.Num, conversion.Den, money.Scale, money.HalfAwayFromZero); err != nil {
				return nil, left, err
			}
			s.taken = lesser(s.taken, one.free())
		}
		left = left.Sub(s.amount)
		to = append(to, s)
	}
	return to, left, nil
}

// worth is what a purse in another currency pays of the price at most; nothing
// where there is no rate or the purse may not be used.
func (b *claim) worth(one *purse) (money.Decimal, error) {
	if one.free().Sign() <= 0 || !b.usable(one) {
		return money.Decimal{}, nil
	}
	conversion, err := b.conversion(one)
	if errors.Is(err, catalog.ErrNoRate) {
		return money.Decimal{}, nil
	}
	if err != nil {
		return money.Decimal{}, err
	}
	return one.free().MulDiv(conversion.Den, conversion.Num, money.Scale, money.Down)
}

// conversion is how an amount of the price becomes one of the purse.
func (b *claim) conversion(one *purse) (catalog.Conversion, error) {
	currency, err := one.Unit.Currency()
	if err != nil {
		return catalog.Conversion{}, err
	}
	return b.rates.Rate(b.payer.currency, currency, b.day)
}

// bookPrepaid takes net and tax from the shares: revenue first, then tax, so
// that every transfer has one bucket on one side. Money in another currency
// goes to FX clearing, which pays in the account's.
func (c *cost) bookPrepaid(p *payer, shares []share, to []ledger.Transfer) []ledger.Transfer {
	c.paid = c.net.Add(c.tax)
	parts := [2]share{{amount: c.net}, {amount: c.tax}}
	kinds := [2]ledger.Kind{ledger.Revenue, ledger.Tax}
	for i, part := 0, 0; i < len(shares) && part < len(parts); {
		take := parts[part].amount
		if shares[i].amount.Abs().Cmp(take.Abs()) < 0 {
			take = shares[i].amount
		}
		from := shares[i].purse.Ledger()
		if shares[i].purse.Unit != p.currency.Unit() {
			from = ledger.General(ledger.FXClearing)
		}
		owed := ledger.General(kinds[part])
		if ahead := &shares[i].purse.TaxAhead; part == 1 && take.Sign() > 0 && ahead.Sign() > 0 && from.Kind == ledger.Prepaid {
			take = lesser(take, *ahead) // its tax was due when the money was sold
			owed, *ahead = ledger.Of(ledger.TaxAhead, shares[i].purse.ID), ahead.Sub(take)
		}
		to = appendMove(to, p, from, owed, take)
		parts[part].amount = parts[part].amount.Sub(take)
		shares[i].amount = shares[i].amount.Sub(take)
		if shares[i].amount.IsZero() {
			i++
		}
		if parts[part].amount.IsZero() {
			part++
		}
	}
	for i := range shares {
		if one := shares[i].purse; one.Unit != p.currency.Unit() && shares[i].taken.Sign() > 0 {
			to = append(to, ledger.Transfer{
				Debit: one.Ledger(), Credit: ledger.General(ledger.FXClearing), Amount: shares[i].taken, Unit: one.Unit, AccountID: p.id,
			})
		}
	}
	return to
}

func lesser(a, b money.Decimal) money.Decimal {
	if b.Cmp(a) < 0 {
		return b
	}
	return a
}
