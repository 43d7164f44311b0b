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
	ID      uuid.UUID
	BillID  uuid.UUID // Nil: the document is not of our making
	Number  string    // of the bill, or of that document
	Issued  calendar.Date
	Amount  money.Amount // of the bill
	Open    money.Amount // of it, not paid yet
	DueDate calendar.Date
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

// inPaymentOrder puts the named item first, if there is one, and with it the
// other parts of its bill, then the oldest due.
func inPaymentOrder(items []OpenItem, named uuid.UUID) {
	bill := uuid.Nil
	for _, item := range items {
		if item.ID == named {
			bill = item.BillID
		}
	}
	slices.SortFunc(items, func(a, b OpenItem) int {
		return cmp.Or(
			-cmp.Compare(rank(a, named, bill), rank(b, named, bill)),
			a.DueDate.Compare(b.DueDate),
			slices.Compare(a.ID[:], b.ID[:]),
		)
	})
}

func rank(o OpenItem, named, bill uuid.UUID) int {
	switch {
	case o.ID == named:
		return 2
	case bill != uuid.Nil && o.BillID == bill:
		return 1
	}
	return 0
}

// share is what one payment pays of one open item.
type share struct {
	payment uuid.UUID
	item    uuid.UUID
	amount  money.Decimal
}

// purse is what a payment has left to give.
type purse struct {
	payment uuid.UUID
	left    money.Decimal
}

// allocate pays items in their order from purses in theirs, until one side is
// used up. It changes nothing that it was given.
func allocate(purses []purse, items []OpenItem) (shares []share) {
	purses = slices.Clone(purses)
	for _, item := range items {
		open := item.Open.Decimal()
		for i := range purses {
			part := smaller(open, purses[i].left)
			if part.Sign() <= 0 {
				continue
			}
			shares = append(shares, share{purses[i].payment, item.ID, part})
			open, purses[i].left = open.Sub(part), purses[i].left.Sub(part)
		}
	}
	return shares
}

// sumShares adds up shares.
func sumShares(shares []share) (total money.Decimal) {
	for _, s := range shares {
		total = total.Add(s.amount)
	}
	return total
}

func smaller(a, b money.Decimal) money.Decimal {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}
