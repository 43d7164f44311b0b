package payment

import (
	"cmp"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// OpenItem is what is owed on a bill, or on a document from before us.
type OpenItem struct {
	ID       uuid.UUID
	BillID   uuid.UUID // Nil: the document is not of our making
	Number   string    // of the bill, or of that document
	Issued   calendar.Date
	Amount   money.Amount // of the bill
	Open     money.Amount // of it, not paid yet
	DueDate  calendar.Date
	interest bool // the bill has interest or a late fee on it
}

// Names is what a payment or intent names (BillID) to pay this item first.
func (o OpenItem) Names() uuid.UUID {
	if o.BillID != uuid.Nil {
		return o.BillID
	}
	return o.ID
}

// Paid says whether nothing is open any more: the bill is paid.
func (o OpenItem) Paid() bool { return o.Open.IsZero() }

// inPaymentOrder puts the named items first, in the order of their names and
// each with the other parts of its bill, then the others by the operator's
// policy. It says how many stand before those.
func inPaymentOrder(items []OpenItem, named []uuid.UUID, order Order) (before int) {
	bills := make([]uuid.UUID, len(named))
	for _, item := range items {
		if i := slices.Index(named, item.ID); i >= 0 {
			bills[i] = item.BillID
		}
	}
	rank := func(o OpenItem) int {
		if i := slices.Index(named, o.ID); i >= 0 {
			return 2 * i
		}
		if i := slices.Index(bills, o.BillID); i >= 0 && o.BillID != uuid.Nil {
			return 2*i + 1
		}
		return 2 * len(named)
	}
	for _, item := range items {
		if rank(item) < 2*len(named) {
			before++
		}
	}
	slices.SortFunc(items, func(a, b OpenItem) int {
		by := a.DueDate.Compare(b.DueDate)
		switch {
		case order == NewestDue:
			by = -by
		case order == InterestFirst && a.interest != b.interest:
			by = 1
			if a.interest {
				by = -1
			}
		}
		return cmp.Or(rank(a)-rank(b), by, slices.Compare(a.ID[:], b.ID[:]))
	})
	return before
}

// share is what one payment pays of one open item, and what of the item is
// written off with it.
type share struct {
	payment    uuid.UUID
	item       uuid.UUID
	amount     money.Decimal
	writtenOff money.Decimal
}

// purse is what a payment has left to give.
type purse struct {
	payment uuid.UUID
	left    money.Decimal
}

// rules are a policy's, as far as allocation goes by them.
type rules struct {
	order     Order
	tolerance money.Decimal
	named     int // items at the head that are paid before the order counts
}

// allocate pays items in their order from purses in theirs, until one side is
// used up. Proportionally, what is not named is paid all at once, each item by
// what is open of it. What is left of an item within the tolerance is written
// off with the last payment of it. It changes nothing that it was given.
func allocate(purses []purse, items []OpenItem, by rules) (shares []share, err error) {
	purses = slices.Clone(purses)
	wanted := make([]money.Decimal, len(items))
	for i, item := range items {
		wanted[i] = item.Open.Decimal()
	}
	if by.order == Proportional && by.named < len(items) {
		if err := spread(wanted[by.named:], items[by.named:], sumPurses(purses).Sub(sumOf(wanted[:by.named]))); err != nil {
			return nil, err
		}
	}
	for n, item := range items {
		open, last := wanted[n], -1
		for i := range purses {
			part := smaller(open, purses[i].left)
			if part.Sign() <= 0 {
				continue
			}
			last = len(shares)
			shares = append(shares, share{payment: purses[i].payment, item: item.ID, amount: part})
			open, purses[i].left = open.Sub(part), purses[i].left.Sub(part)
		}
		rest := open.Add(item.Open.Decimal().Sub(wanted[n]))
		if last >= 0 && rest.Sign() > 0 && rest.Cmp(by.tolerance) <= 0 {
			shares[last].writtenOff = rest
		}
	}
	return shares, nil
}

// spread cuts what there is over items by what is open of each; nothing changes
// where there is enough for all.
func spread(wanted []money.Decimal, items []OpenItem, there money.Decimal) error {
	if there.Cmp(sumOf(wanted)) >= 0 {
		return nil
	}
	currency := items[0].Open.Currency()
	if there.Sign() <= 0 {
		there = money.Decimal{}
	}
	parts, err := money.New(there, currency).Split(wanted, currency.DocumentDigits())
	if err != nil {
		return err
	}
	for i, part := range parts {
		wanted[i] = part.Decimal()
	}
	return nil
}

func sumOf(amounts []money.Decimal) (total money.Decimal) {
	for _, a := range amounts {
		total = total.Add(a)
	}
	return total
}

func sumPurses(purses []purse) (total money.Decimal) {
	for _, p := range purses {
		total = total.Add(p.left)
	}
	return total
}

// sumShares adds up what shares pay, and what is written off with them.
func sumShares(shares []share) (paid, writtenOff money.Decimal) {
	for _, s := range shares {
		paid, writtenOff = paid.Add(s.amount), writtenOff.Add(s.writtenOff)
	}
	return paid, writtenOff
}

func smaller(a, b money.Decimal) money.Decimal {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}
