package subscriber

import (
	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// dueView is what a subscriber owes.
type dueView struct {
	Total    money.Amount
	Items    []dueItem
	Overdue  bool
	Busy     bool   // a payment is under way: a second one would pay twice
	Next     string // day of the next bill
	Unbilled string // what was used since the last
	Credit   string
	First    string // when the first of it is due
	Key      string // of the form: a repeat pays once
}

// dueItem is one open bill.
type dueItem struct {
	Bill    uuid.UUID // what a payment names to pay it
	Number  string
	Open    money.Amount
	When    string
	Overdue bool
	Key     string
}

func dueOf(v *web.Visit, f *facts) dueView {
	r := v.Reader
	d := dueView{Total: money.Zero(f.account.Currency), Key: newKey(), Next: r.T("due.next", "date", r.Date(f.account.Cycle.To))}
	for _, item := range f.owed {
		d.Total = f.amount(d.Total.Decimal().Add(item.Open.Decimal()))
		when, late := dueWhen(r, item.DueDate)
		d.Overdue = d.Overdue || late
		if d.First == "" {
			d.First = when
		}
		d.Items = append(d.Items, dueItem{Bill: item.Names(), Number: item.Number, Open: item.Open, When: when, Overdue: late, Key: newKey()})
	}
	if !f.account.Unbilled.IsZero() {
		d.Unbilled = r.T("due.unbilled", "amount", r.Money(f.amount(f.account.Unbilled)))
	}
	if f.account.Credit.Sign() > 0 {
		d.Credit = r.T("due.credit", "amount", r.Money(f.amount(f.account.Credit)))
	}
	return d
}

// dueWhen tells when a bill is due, and whether that day is over.
func dueWhen(r ui.Reader, due calendar.Date) (words string, late bool) {
	if days := due.DaysUntil(r.Today); days > 0 {
		return r.T("due.overdue", "date", r.Date(due), "late", r.N("day.late", int64(days))), true
	}
	return r.T("due.on", "date", r.Date(due), "when", r.Until(due)), false
}
