package tax

import "tollhouse/billing/money"

// Split parts one price at a rate, at a given number of digits: the ledger's
// nine for a charge that is paid on the spot, the document unit for a price
// tag. Net is rounded half away from zero where the price includes tax, tax
// where it does not.
func Split(price money.Amount, rate Rate, basis Basis, digits int32) (Parts, error) {
	if basis == Inclusive {
		net, err := price.MulDiv(hundred, hundred.Add(rate.Percent), digits, money.HalfAwayFromZero)
		if err != nil {
			return Parts{}, err
		}
		part, err := price.Sub(net)
		return Parts{net, part, price}, err
	}
	part, err := price.MulDiv(rate.Percent, hundred, digits, money.HalfAwayFromZero)
	if err != nil {
		return Parts{}, err
	}
	gross, err := price.Add(part)
	return Parts{price, part, gross}, err
}
