package admin

import (
	"context"
	"net/http"

	"tollhouse/billing/bill"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// taxesView shows what documents are taxed with and how they are numbered.
type taxesView struct {
	ui.ConsolePage
	Tabs   []ui.NavItem
	Rates  []tax.Rate
	Series []bill.Numbering
}

func taxes(v *web.Visit) error {
	view := taxesView{ConsolePage: frame.Of(v, frame.Settings, v.Reader.T("admin.set.tab.taxes")), Tabs: settingsNav(v, "taxes")}
	err := read(v, func(ctx context.Context, tx tenant.Tx) error {
		table, err := tax.Load(ctx, tx)
		if err != nil {
			return err
		}
		view.Rates = table.Rates()
		view.Series, err = bill.Numberings(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, taxesPage(view))
}

// rateState says whether a rate holds today, did, or will.
func rateState(r ui.Reader, rate tax.Rate) (ui.Tone, string) {
	switch {
	case r.Today.Before(rate.From):
		return ui.Info, r.T("admin.tax.later")
	case !rate.To.IsZero() && !r.Today.Before(rate.To):
		return ui.Off, r.T("admin.tax.over")
	}
	return ui.OK, r.T("admin.tax.now")
}
