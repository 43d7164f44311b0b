package tax

import "tollhouse/billing/money"

// Share parts a tax that was taken at the rate into the rate's single taxes, by
// what each is of the price; they sum to it.
func (r Rate) Share(net, sum money.Amount, digits int32) ([]LevyAmount, error) {
	g := rateGroup{rate: r, currency: net.Currency(), digits: digits}
	return g.levies(Parts{Net: net, Tax: sum})
}
