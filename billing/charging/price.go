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
	p.unbilled = p.unbilled.Add(c.net)
	return appendMove(to, p, ledger.Of(ledger.Unbilled, p.id), ledger.General(ledger.Revenue), c.net)
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
