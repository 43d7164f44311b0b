package subscriber

import (
	"context"
	"net/http"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// Documents that one page lists.
const (
	billsOnPage    = 12
	oldBillsOnPage = 24
)

// billsView is the list of bills.
type billsView struct {
	Prepaid bool
	Rows    []billRow
	FirstOn string // when there is none yet
	Older   string // address of the next page
	Newest  string // address of the first, from a later one
	Old     []oldBillRow
	OldMore string // address of older ones
}

type billRow struct {
	Number, Issued, Period string
	Tone                   ui.Tone
	State                  string
	Total                  money.Amount
	Detail, PDF            string
}

// oldBillRow is a document from before the operator came to us.
type oldBillRow struct {
	Number, Issued string
	Total          money.Amount
	PDF            string
}

func billList(v *web.Visit) error {
	var view billsView
	err := read(v, func(ctx context.Context, tx tenant.Tx) error {
		a, err := ownAccount(ctx, tx, v)
		if err != nil {
			return err
		}
		return loadBills(ctx, tx, v, a, &view)
	})
	if err != nil {
		return err
	}
	if v.Part("bills") {
		return v.Show(http.StatusOK, billsSection(v.Reader, view))
	}
	title := v.Reader.T("bills.title")
	if view.Prepaid {
		title = v.Reader.T("bills.title.prepaid")
	}
	return v.Show(http.StatusOK, billsPage(pageOf(v, sectionBills, title), view))
}

func loadBills(ctx context.Context, tx tenant.Tx, v *web.Visit, a account.Account, view *billsView) error {
	var after bill.Cursor
	if before, err := bill.ParseCursor(v.Query("before")); err == nil {
		after = before
		view.Newest = v.URL(string(sectionBills))
	}
	page, err := bill.List(ctx, tx, a.ID, after, billsOnPage)
	if err != nil {
		return err
	}
	r := v.Reader
	if after.Before.IsZero() {
		if err := advanceRows(ctx, tx, v, view); err != nil {
			return err
		}
	}
	view.Prepaid, view.FirstOn = a.Kind == account.Prepaid, r.Date(a.Cycle.To)
	for _, one := range page.Bills {
		tone, state := billState(r, one)
		at := string(sectionBills) + "/" + one.ID.String()
		view.Rows = append(view.Rows, billRow{Number: one.Number, Issued: r.Date(one.Issued), Period: r.Locale.FormatPeriod(one.Cycle),
			Tone: tone, State: state, Total: one.Total, Detail: v.URL(at), PDF: v.URL(at + "/pdf")})
	}
	if page.Next != nil {
		view.Older = v.URL(string(sectionBills), "before", page.Next.String())
	}
	return loadOldBills(ctx, tx, v, a, view)
}

// loadOldBills lists documents of another system, below ours.
func loadOldBills(ctx context.Context, tx tenant.Tx, v *web.Visit, a account.Account, view *billsView) error {
	before, err := calendar.ParseDate(v.Query("old"))
	if err != nil {
		before = calendar.Date{}
	}
	old, err := bill.ImportedDocuments(ctx, tx, a.ID, before, oldBillsOnPage+1)
	if err != nil {
		return err
	}
	for i, one := range old {
		if i == oldBillsOnPage {
			view.OldMore = v.URL(string(sectionBills), "old", old[i-1].Issued.String())
			break
		}
		view.Old = append(view.Old, oldBillRow{Number: one.Number, Issued: v.Reader.Date(one.Issued), Total: one.Total, PDF: v.URL("old-bills/" + one.ID.String() + "/pdf")})
	}
	return nil
}

// billState says how far a bill is, in words and with the tone that goes with
// them. Owing is no alarm before it is late.
func billState(r ui.Reader, b bill.Bill) (ui.Tone, string) {
	late := b.NextDue.Before(r.Today)
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
		return ui.Info, r.T("bills.partly", "amount", r.Money(b.Open), "date", r.Date(b.NextDue))
	case late:
		return ui.Bad, r.T("bills.overdue", "date", r.Date(b.NextDue))
	}
	return ui.Info, r.T("bills.open", "date", r.Date(b.NextDue))
}

// ownBill reads the head of one of the subscriber's own bills: another's is
// not there, nor is a draft.
func ownBill(ctx context.Context, tx tenant.Tx, v *web.Visit) (bill.Bill, error) {
	head, err := bill.Get(ctx, tx, parseID(v.Param("bill")))
	if err == nil && (head.AccountID != v.Who.AccountID || head.Number == "") {
		return bill.Bill{}, bill.ErrNotFound
	}
	return head, err
}

// billPDF gives a copy of one of the subscriber's own bills.
func billPDF(v *web.Visit) error {
	var head bill.Bill
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		head, err = ownBill(ctx, tx, v)
		return err
	})
	if err != nil {
		return err
	}
	text, err := v.Stack.BillPDF(v.Context(), head.ID)
	if err != nil {
		return err
	}
	return v.Download(head.Number+".pdf", "application/pdf", text)
}

// oldBillPDF gives a document of another system as it was imported.
func oldBillPDF(v *web.Visit) error {
	var old bill.ImportedPDF
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		old, err = bill.GetImported(ctx, tx, parseID(v.Param("bill")))
		return err
	})
	if err != nil {
		return err
	}
	if old.AccountID != v.Who.AccountID {
		return bill.ErrNotFound
	}
	return v.Download(old.Number+".pdf", "application/pdf", old.Content)
}
