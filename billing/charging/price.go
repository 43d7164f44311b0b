package charging

import (
	"errors"
	"fmt"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// ErrInsufficient means that a prepaid balance does not cover a price.
var ErrInsufficient = errors.New("not enough balance")

// cost is a price as it is booked: Price as the offering writes it, net and
// tax at nine decimals.
type cost struct {
	price, net, tax money.Decimal
	paid            money.Decimal // taken from money buckets
}

// split takes the tax out of a price, or adds it.
func split(price money.Decimal, currency money.Currency, rate tax.Rate, basis tax.Basis) (cost, error) {
	if price.IsZero() {
		return cost{}, nil
	}
	parts, err := tax.Split(money.New(price, currency), rate, basis, money.Scale)
	if err != nil {
		return cost{}, fmt.Errorf("tax of %s: %w", price, err)
	}
	return cost{price: price, net: parts.Net.Decimal(), tax: parts.Tax.Decimal()}, nil
}

// bookPostpaid puts the net price on the account's unbilled total. Tax is
// reckoned on the bill; where prices don't include it, there is none yet.
func (c *cost) bookPostpaid(p *payer, basis tax.Basis, to []ledger.Transfer) []ledger.Transfer {
	if basis == tax.Exclusive {
		c.tax = money.Decimal{}
	}
	return appendMove(to, p, ledger.Of(ledger.Unbilled, p.id), ledger.General(ledger.Revenue), c.net)
}

// share is one purse's part of a price.
type share struct {
	purse  *purse
	amount money.Decimal
}

// takeMoney takes gross from purses in order. What they don't hold comes from
// main, below zero if need be: the usage has happened already. The last value
// is how far main would be overdrawn by it. A negative price goes to main.
func takeMoney(p *payer, gross money.Decimal, usable func(*purse) bool, to []share) []share {
	left := gross
	for _, one := range p.money {
		if left.Sign() <= 0 {
			break
		}
		free := one.free()
		if one == p.main || free.Sign() <= 0 || !usable(one) {
			continue
		}
		take := left
		if free.Cmp(left) < 0 {
			take = free
		}
		left = left.Sub(take)
		to = append(to, share{one, take})
	}
	if !left.IsZero() {
		to = append(to, share{p.main, left})
	}
	for _, s := range to {
		s.purse.Value = s.purse.Value.Sub(s.amount)
	}
	return to
}

// bookPrepaid takes net and tax from the shares: revenue first, then tax, so
// that every transfer has one bucket on one side.
func (c *cost) bookPrepaid(p *payer, shares []share, to []ledger.Transfer) []ledger.Transfer {
	c.paid = c.net.Add(c.tax)
	parts := [2]share{{amount: c.net}, {amount: c.tax}}
	kinds := [2]ledger.Kind{ledger.Revenue, ledger.Tax}
	for i, part := 0, 0; i < len(shares) && part < len(parts); {
		take := parts[part].amount
		if shares[i].amount.Abs().Cmp(take.Abs()) < 0 {
			take = shares[i].amount
		}
		to = appendMove(to, p, shares[i].purse.Ledger(), ledger.General(kinds[part]), take)
		parts[part].amount = parts[part].amount.Sub(take)
		shares[i].amount = shares[i].amount.Sub(take)
		if shares[i].amount.IsZero() {
			i++
		}
		if parts[part].amount.IsZero() {
			part++
		}
	}
	return to
}

// appendMove adds a transfer; a negative amount goes the other way, nothing
// for zero.
func appendMove(to []ledger.Transfer, p *payer, debit, credit ledger.Account, amount money.Decimal) []ledger.Transfer {
	switch amount.Sign() {
	case 0:
		return to
	case -1:
		debit, credit, amount = credit, debit, amount.Neg()
	}
	return append(to, ledger.Transfer{Debit: debit, Credit: credit, Amount: amount, Unit: p.currency.Unit(), AccountID: p.id})
}
