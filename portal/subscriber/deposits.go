package subscriber

import (
	"context"
	"net/http"

	"tollhouse/billing/bill"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// depositsView is what the subscriber left as security.
type depositsView struct {
	Page     ui.Page
	Deposits []depositView
}

type depositView struct {
	ID, Title, State string
	Tone             ui.Tone
	Rows             [][2]string
	Pay              string // address that pays what is open; empty: nothing is
}

func deposits(v *web.Visit) error {
	s := depositsView{Page: pageOf(v, sectionBills, v.Reader.T("deposit.title"))}
	err := read(v, func(ctx context.Context, tx tenant.Tx) error {
		list, err := bill.DepositsOf(ctx, tx, v.Who.AccountID)
		for _, d := range list {
			s.Deposits = append(s.Deposits, depositOf(v, d))
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, depositsPage(s))
}

func depositOf(v *web.Visit, d bill.Deposit) depositView {
	r := v.Reader
	view := depositView{ID: d.ID.String(), Title: d.Number, Tone: ui.OK, State: r.T("deposit.held")}
	view.Rows = [][2]string{{r.T("deposit.amount"), r.Money(d.Amount)}, {r.T("deposit.asked"), r.Date(r.LocalDate(d.AskedAt))}}
	if d.Reason != "" {
		view.Rows = append(view.Rows, [2]string{r.T("deposit.why"), d.Reason})
	}
	if d.Open.Sign() > 0 {
		view.Tone, view.State, view.Pay = ui.Info, r.T("deposit.waits"), v.URL("")+"#due"
		if d.DueDate.Before(r.Today) {
			view.Tone = ui.Bad
		}
		view.Rows = append(view.Rows, [2]string{r.T("deposit.open", "date", r.Date(d.DueDate)), r.Money(d.Open)})
	}
	if d.Held().Sign() > 0 {
		view.Rows = append(view.Rows, [2]string{r.T("deposit.held"), r.Money(d.Held())})
	} else if d.Open.IsZero() {
		view.Tone, view.State = ui.Off, r.T("deposit.over")
	}
	if d.Returned.Sign() > 0 {
		view.Rows = append(view.Rows, [2]string{r.T("deposit.returned"), r.Money(d.Returned)})
	}
	if d.Interest != nil && d.Interest.Sign() > 0 {
		view.Rows = append(view.Rows, [2]string{r.T("deposit.interest"), r.T("deposit.interest.rate", "percent", r.Number(*d.Interest))})
	}
	if d.Months != nil && d.Held().Sign() > 0 {
		view.Rows = append(view.Rows, [2]string{r.T("deposit.back"), r.N("deposit.months", int64(*d.Months))})
	}
	return view
}
