package subscriber

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/history"
	"tollhouse/billing/tenant"
	"tollhouse/portal/explain"
	"tollhouse/portal/web"
)

// why shows an explanation: as a page, or in the list when only the row is
// asked for.
func why(v *web.Visit) error {
	period, err := calendar.ParseDate(v.Param("period"))
	id := parseID(v.Param("id"))
	if err != nil || id == uuid.Nil {
		return account.ErrNotFound
	}
	var e history.Explained
	var offering catalog.Offering
	err = read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		if e, err = history.Explain(ctx, tx, v.Who.AccountID, period, id); err == nil && e.Charged {
			offering, err = catalog.LoadVersion(ctx, tx, e.OfferingID)
		}
		return err
	})
	if err != nil {
		return err
	}
	row := useRowOf(v, e.Use)
	view := explain.Of(v.Reader, &e, offering, v.Profile)
	if v.Part("u-" + row.ID) {
		if v.Query("fold") == "" {
			row.Open = &view
			row.Spoken = v.Reader.T("usage.why.close", "cost", row.Cost)
		}
		return v.Show(http.StatusOK, explain.UsedRow(v.Reader, row))
	}
	page := v.Page(view.Title)
	page.Nav = navigation(v.Reader, v.Base)
	return v.Show(http.StatusOK, whyPage(page, view, v.Base))
}
