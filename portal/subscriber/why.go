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

// why shows an explanation as a page of its own, such as a link from a message
// may lead to.
func why(v *web.Visit) error {
	period, err := calendar.ParseDate(v.Param("period"))
	id := parseID(v.Param("id"))
	if err != nil || id == uuid.Nil {
		return account.ErrNotFound
	}
	var e history.Explained
	var view explain.View
	err = read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		e, view, err = explained(ctx, tx, v, period, id)
		return err
	})
	if err != nil {
		return err
	}
	ask := usageAsk{Month: v.Reader.LocalDate(e.End).String()[:len("2026-05")]}
	return v.Show(http.StatusOK, whyPage(pageOf(v, sectionUsage, view.Title), view, ask.url(v)))
}

// explained reads one of the visitor's own uses and tells why it cost that.
func explained(ctx context.Context, tx tenant.Tx, v *web.Visit, period calendar.Date, id uuid.UUID) (history.Explained, explain.View, error) {
	e, err := history.Explain(ctx, tx, v.Who.AccountID, period, id)
	if err != nil {
		return e, explain.View{}, err
	}
	var offering catalog.Offering
	if e.Charged {
		if offering, err = catalog.LoadVersion(ctx, tx, e.OfferingID); err != nil {
			return e, explain.View{}, err
		}
	}
	return e, explain.Of(v.Reader, &e, offering, v.Profile), nil
}
