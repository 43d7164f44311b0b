package subscriber

import (
	"context"

	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// billsView is the list of bills.
type billsView struct {
	Prepaid bool
	Rows    []billRow
	FirstOn string // when there is none yet
	Older   string // address of the next page
	Newest  string // address of the first, from a later one
}

type billRow struct {
	Number, Issued, Period string
	Tone                   ui.Tone
	State                  string
	Total                  money.Amount
	PDF                    string
}

func billsOf(v *web.Visit, f *facts) billsView {
	r := v.Reader
	b := billsView{Prepaid: f.prepaid(), FirstOn: r.Date(f.account.Cycle.To)}
	for _, one := range f.bills.Bills {
		tone, state := billState(r, one)
		b.Rows = append(b.Rows, billRow{Number: one.Number, Issued: r.Date(one.Issued), Period: r.Locale.FormatPeriod(one.Cycle),
			Tone: tone, State: state, Total: one.Total, PDF: v.URL("bills/" + one.ID.String() + "/pdf")})
	}
	if f.bills.Next != nil {
		b.Older = v.URL("", "bills", f.bills.Next.Before.String())
	}
	if v.Query("bills") != "" {
		b.Newest = v.Base
	}
	return b
}

// billState says how far a bill is, in words and with the tone that goes with
// them. Owing is no alarm before it is late.
func billState(r ui.Reader, b bill.Bill) (ui.Tone, string) {
	late := b.DueDate.Before(r.Today)
	partly := b.Open.Decimal().Cmp(b.Due.Decimal()) < 0
	switch {
	case b.State == bill.Void:
		return ui.Off, r.T("bills.void")
	case b.Kind == bill.KindStatement:
		return ui.OK, r.T("bills.settled")
	case b.Open.IsZero():
		return ui.OK, r.T("bills.paid")
	case partly && late:
		return ui.Bad, r.T("bills.partly.late", "amount", r.Money(b.Open))
	case partly:
		return ui.Info, r.T("bills.partly", "amount", r.Money(b.Open), "date", r.Date(b.DueDate))
	case late:
		return ui.Bad, r.T("bills.overdue", "date", r.Date(b.DueDate))
	}
	return ui.Info, r.T("bills.open", "date", r.Date(b.DueDate))
}

// billPDF gives a copy of one of the subscriber's own bills.
func billPDF(v *web.Visit) error {
	id := parseID(v.Param("bill"))
	var head bill.Bill
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		head, err = bill.Get(ctx, tx, id)
		return err
	})
	if err != nil {
		return err
	}
	if head.AccountID != v.Who.AccountID {
		return bill.ErrNotFound
	}
	text, err := v.Stack.BillPDF(v.Context(), id)
	if err != nil {
		return err
	}
	return v.Download(head.Number+".pdf", "application/pdf", text)
}
