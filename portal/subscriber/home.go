package subscriber

import (
	"context"
	"net/http"
	"strings"

	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// home shows the page, or the part of it that is asked for.
func home(v *web.Visit) error {
	switch {
	case v.Part("statement"):
		return statementPart(v)
	case v.Part("usage-chart"), v.Part("usage-latest"), v.Part("bills"):
		return pagePart(v)
	}
	return showHome(v, http.StatusOK, nil, nil)
}

// showHome shows the whole page, after a form that was not taken with what was
// wrong.
func showHome(v *web.Visit, status int, refused *refusal, topUp *topUpView) error {
	f, err := loadFor(v)
	if err != nil {
		return err
	}
	h := buildHome(v, &f)
	h.Refused = refused
	if topUp != nil && h.TopUp != nil {
		topUp.Balance, topUp.Below, topUp.Understood = h.TopUp.Balance, h.TopUp.Below, ""
		h.TopUp = topUp
	}
	v.AllowCheckout()
	return v.Show(status, homePage(h))
}

func loadFor(v *web.Visit) (f facts, err error) {
	err = read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		f, err = load(ctx, tx, v, wishOf(v))
		return err
	})
	return f, err
}

func buildHome(v *web.Visit, f *facts) homeView {
	r := v.Reader
	page := v.Page(r.T("home.title"))
	page.Nav = navigation(r, "")
	h := homeView{
		Page: page, Name: firstName(f.party.Name), Number: f.account.Number, AsOf: r.DateTime(f.at), Base: v.Base,
		Payment: paymentOf(v, f.intent), Due: dueOf(v, f), Left: leftOf(r, f), Services: servicesOf(r, f),
		Usage: usageOf(v, f), Statement: statementViewOf(v, f.account, f.period, f.statement), Bills: billsOf(v, f),
	}
	if f.prepaid() {
		h.TopUp = newTopUp(r, f)
	}
	h.Due.Busy = h.Payment != nil && h.Payment.Again != ""
	return h
}

// navigation leads to the sections of the page; elsewhere is where the page
// is, for other pages.
func navigation(r ui.Reader, elsewhere string) []ui.NavItem {
	item := func(section, icon string) ui.NavItem {
		return ui.NavItem{Href: elsewhere + "#" + section, Label: r.T("nav." + section), Icon: icon}
	}
	first := ui.NavItem{Href: elsewhere + "#main", Label: r.T("nav.home"), Icon: "home", Current: elsewhere == ""}
	return []ui.NavItem{first, item("services", "internet"), item("usage", "chart"), item("statement", "list"), item("bills", "bill")}
}

// firstName greets a person; a company is greeted by its whole name.
func firstName(name string) string {
	first, _, found := strings.Cut(name, " ")
	if !found || strings.HasSuffix(first, ".") {
		return name
	}
	return first
}

// pagePart answers who turned a page or chose another chart.
func pagePart(v *web.Visit) error {
	f, err := loadFor(v)
	if err != nil {
		return err
	}
	r := v.Reader
	switch {
	case v.Part("usage-chart"):
		return v.Show(http.StatusOK, usageChart(r, usageOf(v, &f)))
	case v.Part("usage-latest"):
		return v.Show(http.StatusOK, usageLatest(r, usageOf(v, &f)))
	}
	return v.Show(http.StatusOK, billsSection(r, billsOf(v, &f)))
}
