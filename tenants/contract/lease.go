package contract

import (
	"errors"
	"fmt"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// Instalment is one payment of a lease's plan.
type Instalment struct {
	No          int
	Due         calendar.Date
	Interest    money.Amount // for the month before
	Principal   money.Amount
	Outstanding money.Amount // after it
}

// Amount is what is paid.
func (i Instalment) Amount() money.Amount { return sum(i.Interest, i.Principal) }

// sum adds amounts of one contract, which have one currency.
func sum(amounts ...money.Amount) money.Amount {
	total := money.Zero(amounts[0].Currency())
	for _, a := range amounts {
		total = money.New(total.Decimal().Add(a.Decimal()), total.Currency())
	}
	return total
}

func less(a, b money.Amount) money.Amount { return sum(a, b.Neg()) }

// Plan is the lease's instalments from its first day, due at the end of each
// month of the lease: equal ones, of which the last takes up what rounding
// left. The equal part is the smallest that pays off in time.
func (t LeaseTerms) Plan(from calendar.Date) []Instalment {
	digits := t.Price.Currency().DocumentDigits()
	owed := less(t.Price, t.Upfront)
	unscaled, err := owed.Decimal().Unscaled(digits)
	if err != nil { // beyond what 64 bits hold: checked amounts are not
		return nil
	}
	low, high := int64(1), unscaled+mustUnscaled(t.interest(owed), digits)
	for low < high {
		middle := low + (high-low)/2
		if t.pays(owed, money.New(money.DecimalOf(middle, digits), owed.Currency())) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	equal := money.New(money.DecimalOf(low, digits), owed.Currency())
	plan := make([]Instalment, t.Months)
	for i := range plan {
		interest := t.interest(owed)
		principal := less(equal, interest)
		if i == t.Months-1 || principal.Decimal().Cmp(owed.Decimal()) > 0 {
			principal = owed
		}
		owed = less(owed, principal)
		plan[i] = Instalment{No: i + 1, Due: from.AddMonths(i + 1), Interest: interest, Principal: principal, Outstanding: owed}
	}
	return plan
}

func mustUnscaled(a money.Amount, digits int32) int64 {
	n, err := a.Decimal().Unscaled(digits)
	if err != nil {
		return 0
	}
	return n
}

// interest is that of a month on what is outstanding, in the document's unit.
func (t LeaseTerms) interest(outstanding money.Amount) money.Amount {
	return part(outstanding, t.Yearly, money.NewDecimal(1200))
}

// part is an amount times num by den, in the document's unit.
func part(a money.Amount, num, den money.Decimal) money.Amount {
	out, err := a.MulDiv(num, den, a.Currency().DocumentDigits(), money.HalfAwayFromZero)
	if err != nil { // den is never zero, and checked amounts don't overflow
		return money.Zero(a.Currency())
	}
	return out
}

// pays says whether an equal instalment pays the lease off in its months.
func (t LeaseTerms) pays(owed, equal money.Amount) bool {
	for range t.Months {
		owed = less(sum(owed, t.interest(owed)), equal)
		if owed.Sign() <= 0 {
			return true
		}
	}
	return false
}

// BuyOut is what it costs to own what is leased from a day on.
type BuyOut struct {
	On          calendar.Date
	Outstanding money.Amount // of the price, after the instalments due by then
	Interest    money.Amount // since the last of them
	Fee         money.Amount
}

// Price is what is paid.
func (b BuyOut) Price() money.Amount { return sum(b.Outstanding, b.Interest, b.Fee) }

// ErrBuyOut means that there is nothing to buy out on that day.
var ErrBuyOut = errors.New("a lease can be bought out from its first day until its last instalment")

// ErrPrice means that a buy-out costs another amount than it was agreed to for.
var ErrPrice = errors.New("the buy-out costs another amount on that day")

// BuyOutOn reckons a buy-out. The interest runs by days of the month that has
// begun; fee and interest together are never more than the interest that paying
// on would cost.
func (t LeaseTerms) BuyOutOn(from, on calendar.Date) (BuyOut, error) {
	plan := t.Plan(from)
	last := plan[len(plan)-1].Due
	if on.Before(from) || !on.Before(last) {
		return BuyOut{}, fmt.Errorf("%s is not from %s to before %s: %w", on, from, last, ErrBuyOut)
	}
	b := BuyOut{On: on, Outstanding: less(t.Price, t.Upfront)}
	since, next, ahead := from, plan[0].Due, money.Zero(t.Price.Currency())
	for i, p := range plan {
		if p.Due.After(on) {
			ahead = sum(ahead, p.Interest)
			continue
		}
		b.Outstanding, since, next = p.Outstanding, p.Due, plan[i+1].Due
	}
	month := t.interest(b.Outstanding)
	b.Interest = part(month, money.NewDecimal(int64(since.DaysUntil(on))), money.NewDecimal(int64(since.DaysUntil(next))))
	b.Fee = part(b.Outstanding, t.EarlyFee, hundred)
	if over := less(sum(b.Interest, b.Fee), ahead); over.Sign() > 0 {
		b.Fee = less(b.Fee, over)
		if b.Fee.Sign() < 0 {
			b.Interest, b.Fee = sum(b.Interest, b.Fee), money.Zero(b.Fee.Currency())
		}
	}
	return b, nil
}
