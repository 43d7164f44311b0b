package tax

import "tollhouse/billing/money"

// Split parts one price at a rate, at a given number of digits: the ledger's
// nine for a charge that is paid on the spot, the document unit for a price
// tag. Net is rounded half away from zero where the price includes tax, tax
// where it does not. Where nothing is charged, tax that the price is written
// with is taken out of it.
func Split(price money.Amount, rate Rate, basis Basis, digits int32) (Parts, error) {
	if basis == Inclusive {
		of := rate.fraction()
		if rate.home != nil {
			of = *rate.home
		}
		share := of.within()
		net, err := price.MulDiv(share.num, share.den, digits, money.HalfAwayFromZero)
		if err != nil {
			return Parts{}, err
		}
		if rate.home != nil {
			return Parts{net, money.Zero(price.Currency()), net}, nil
		}
		part, err := price.Sub(net)
		return Parts{net, part, price}, err
	}
	of := rate.fraction()
	part, err := price.MulDiv(of.num, of.den, digits, money.HalfAwayFromZero)
	if err != nil {
		return Parts{}, err
	}
	gross, err := price.Add(part)
	return Parts{price, part, gross}, err
}
