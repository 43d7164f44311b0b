package tax

import (
	"errors"

	"tollhouse/billing/money"
)

// ErrDiscount is returned for a discount that is negative or above the price.
var ErrDiscount = errors.New("a discount is between nothing and the whole price")

// PercentOff takes a percentage off a price as it is written (a 10 % coupon on
// 9.99 with tax inside gives 8.99). The discount is what is rounded, half away
// from zero, because it is printed on a line of its own.
func PercentOff(price money.Amount, percent money.Decimal, digits int32) (reduced, discount money.Amount, err error) {
	if percent.Sign() < 0 || percent.Cmp(hundred) > 0 {
		return money.Amount{}, money.Amount{}, ErrDiscount
	}
	discount, err = price.MulDiv(percent, hundred, digits, money.HalfAwayFromZero)
	if err != nil {
		return money.Amount{}, money.Amount{}, err
	}
	reduced, err = price.Sub(discount)
	return reduced, discount, err
}

// Spread shares an amount off over several prices in proportion, by the
// largest remainder: 10.00 over 19.99, 5.01 and 74.99 is 2.00, 0.50 and 7.50.
func Spread(discount money.Amount, prices []money.Amount, digits int32) ([]money.Amount, error) {
	whole := money.Zero(discount.Currency())
	weights := make([]money.Decimal, len(prices))
	for i, price := range prices {
		weights[i] = price.Decimal()
		var err error
		if whole, err = whole.Add(price); err != nil {
			return nil, err
		}
	}
	if above, err := discount.Cmp(whole); err != nil {
		return nil, err
	} else if above > 0 || discount.Sign() < 0 {
		return nil, ErrDiscount
	}
	return discount.Split(weights, digits)
}

// Settlement is how a document's total is met.
type Settlement struct {
	Credit  money.Amount // taken from the customer's credit
	Prepaid money.Amount // taken from prepaid money
	Due     money.Amount // what is left to pay
}

// Settle uses credit first, then prepaid money, each no further than is owed:
// 60.00 + 6.00 tax with 20.00 and 30.00 leaves 16.00 due. What is not needed
// stays with the customer.
func Settle(total, credit, prepaid money.Amount) (Settlement, error) {
	usedCredit, due, err := use(total, credit)
	if err != nil {
		return Settlement{}, err
	}
	usedPrepaid, due, err := use(due, prepaid)
	return Settlement{usedCredit, usedPrepaid, due}, err
}

func use(owed, available money.Amount) (used, left money.Amount, err error) {
	short, err := available.Cmp(owed)
	if err != nil {
		return money.Amount{}, money.Amount{}, err
	}
	used = available
	if short > 0 {
		used = owed
	}
	if used.Sign() < 0 {
		used = money.Zero(owed.Currency())
	}
	left, err = owed.Sub(used)
	return used, left, err
}

// Off is what a discount takes off each of the recurring prices of one cycle:
// a percentage of each, or an amount shared over them, no more than they come
// to. Exactly one of percent and amount is given; prices are above zero, as
// they are written.
func Off(prices []money.Amount, percent, amount *money.Decimal, digits int32) ([]money.Amount, error) {
	off, whole := make([]money.Amount, len(prices)), money.Amount{}
	for i, price := range prices {
		var err error
		if percent != nil {
			_, off[i], err = PercentOff(price, *percent, digits)
		} else if i == 0 {
			whole = price
		} else {
			whole, err = whole.Add(price)
		}
		if err != nil {
			return nil, err
		}
	}
	if percent != nil || len(prices) == 0 || whole.Sign() <= 0 {
		return off, nil
	}
	shared := money.New(*amount, whole.Currency()).Round(digits, money.HalfAwayFromZero)
	if above, err := shared.Cmp(whole); err != nil {
		return nil, err
	} else if above > 0 {
		shared = whole.Round(digits, money.Down)
	}
	return Spread(shared, prices, digits)
}
