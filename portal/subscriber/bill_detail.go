package subscriber

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// billView is one bill with what it is made of.
type billView struct {
	Page      ui.Page
	Title     string
	Issued    string
	Period    string
	Tone      ui.Tone
	State     string
	Services  []billService
	Net       money.Amount
	Taxes     []billTax
	Total     money.Amount
	Included  bool // the lines hold the tax
	Paid      *money.Amount
	Due       money.Amount
	Open      *money.Amount // what is left to pay; nil: nothing
	Bill      string        // its id, for the payment
	Key       string
	PDF, List string
	CSV, UBL  string // UBL is empty where there is no electronic invoice
	Usage     string // address of what was used in the period
	Reference string
	Reason    string // of a note
	Notes     []billNote
	Parts     []billPart
}

// billService is what a bill has for one service, or for the account.
type billService struct {
	Name  string
	Lines []billLine
}

type billLine struct {
	What, More string
	Amount     *money.Amount // nil: an allowance has no price
}

type billTax struct {
	Label string
	Tax   money.Amount
}

func billDetail(v *web.Visit) error {
	var head bill.Bill
	var document bill.Document
	var rest billRest
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		if head, err = ownBill(ctx, tx, v); err == nil {
			document, err = bill.GetDocument(ctx, tx, head.ID)
		}
		if err == nil {
			rest, err = restOf(ctx, tx, head)
		}
		return err
	})
	if err != nil {
		return err
	}
	v.AllowCheckout()
	view := billViewOf(v, head, &document)
	rest.into(v, &view, head)
	return v.Show(http.StatusOK, billPage(view))
}

func billViewOf(v *web.Visit, head bill.Bill, d *bill.Document) billView {
	r := v.Reader
	title := r.T("bills.one", "number", d.Number)
	at := string(sectionBills)
	view := billView{
		Page: pageOf(v, sectionBills, title), Title: title, Issued: r.T("bills.issued", "date", r.Date(d.Issued)), Period: r.Locale.FormatPeriod(d.Period),
		Net: d.Net, Total: d.Total, Included: d.Basis == tax.Inclusive, Due: d.Due, Bill: head.ID.String(), Key: newKey(), Reference: d.Reference,
		PDF: v.URL(at + "/" + head.ID.String() + "/pdf"), List: v.URL(at),
		Usage: usageAsk{Month: d.Period.From.String()[:len("2026-05")]}.url(v),
	}
	view.CSV = v.URL(at + "/" + head.ID.String() + "/csv")
	if head.State == bill.Final && d.Buyer.TaxID != "" {
		view.UBL = v.URL(at + "/" + head.ID.String() + "/ubl")
	}
	view.Tone, view.State = billState(r, head)
	if !d.PaidBefore.IsZero() {
		paid := money.New(d.PaidBefore.Decimal().Neg(), d.Currency)
		view.Paid = &paid
	}
	if head.Open.Sign() > 0 && head.State != bill.Void {
		view.Open = &head.Open
	}
	for _, t := range d.Taxes {
		label := t.Name
		if !strings.Contains(label, "%") { // many names have their rate in them
			label += "\u00a0" + r.Locale.FormatPercent(t.Percent)
		}
		view.Taxes = append(view.Taxes, billTax{label, t.Tax})
	}
	view.Services = servicesOfBill(r, d)
	return view
}

// servicesOfBill groups the lines by service, in the document's order.
func servicesOfBill(r ui.Reader, d *bill.Document) []billService {
	var services []billService
	at := map[uuid.UUID]int{}
	for _, l := range d.Lines {
		i, known := at[l.Subscription]
		if !known {
			i = len(services)
			at[l.Subscription] = i
			services = append(services, billService{Name: l.Service})
		}
		line := billLine{What: l.Description, More: lineMore(r, l)}
		if l.Kind != bill.Allowance {
			line.Amount = &l.Price
		}
		services[i].Lines = append(services[i].Lines, line)
	}
	return services
}

// lineMore tells for which days a line is, or how much was used.
func lineMore(r ui.Reader, l bill.Line) string {
	switch {
	case l.Kind == bill.Allowance:
		return r.T("bills.used", "used", r.Level(l.Quantity, l.Granted, l.Unit).Text(r))
	case l.Kind == bill.Usage && l.Unit != bill.UnitFee:
		more := r.Quantity(l.Quantity, l.Unit)
		if l.Events > 0 && !l.Quantity.Equal(money.NewDecimal(l.Events)) {
			more = r.N("count.event", l.Events) + ", " + more
		}
		return more
	case l.Period == (calendar.Period{}):
		return ""
	}
	return r.Locale.FormatPeriod(l.Period)
}
