package subscriber

import (
	"context"
	"net/http"
	"strings"

	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// homeView is the home page.
type homeView struct {
	Page     ui.Page
	Name     string
	Number   string
	AsOf     string
	Payment  *paymentView
	Refused  *refusal
	Done     string
	Changes  []changeView
	Due      dueView
	TopUp    *topUpView
	Left     leftView
	Ends     []endView
	Services []serviceView
	Alerts   []alertView // that cannot wait
	More     []ui.NavItem
	Wall     *wallView
}

// refusal is why something that was asked for by a form was not done.
type refusal struct{ Title, More string }

func home(v *web.Visit) error { return showHome(v, http.StatusOK, nil, nil) }

// showHome shows the page, after a form that was not taken with what was
// wrong.
func showHome(v *web.Visit, status int, refused *refusal, topUp *topUpView) error {
	if err := refreshAsked(v); err != nil {
		return err
	}
	var f facts
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		f, err = load(ctx, tx, v, intentAsked(v))
		return err
	})
	if err != nil {
		return err
	}
	h := buildHome(v, &f)
	h.Refused = refused
	if topUp != nil && h.TopUp != nil {
		topUp.Balance, topUp.Below, topUp.Available, topUp.Understood = h.TopUp.Balance, h.TopUp.Below, h.TopUp.Available, ""
		h.TopUp = topUp
	}
	v.AllowCheckout()
	return v.Show(status, homePage(h))
}

func buildHome(v *web.Visit, f *facts) homeView {
	r := v.Reader
	h := homeView{
		Page: pageOf(v, sectionHome, r.T("home.title")), Name: firstName(f.party.Name), Number: f.account.Number, AsOf: r.DateTime(f.at),
		Payment: paymentOf(v, f.intent), Due: dueOf(v, f), Left: leftOf(r, f), Ends: endsOf(r, f), Services: servicesOf(r, f),
	}
	if f.prepaid() {
		h.TopUp = newTopUp(r, f)
	}
	h.Alerts, h.More = pressing(f.alerts), moreOf(v, f)
	for _, c := range f.changes {
		h.Changes = append(h.Changes, c.view(v))
	}
	if v.Query("done") == "stays" {
		h.Done = r.T("sales.done.stays")
	}
	h.Due.Busy = h.Payment != nil && h.Payment.Again != ""
	if h.Wall = wallOf(v, f.wall); h.Wall != nil {
		h.Wall.Pays = h.Wall.Pays && !h.Due.Busy && len(h.Due.Items) > 0
	}
	return h
}

// moreOf are the ways to what else can be done with a balance.
func moreOf(v *web.Visit, f *facts) (links []ui.NavItem) {
	r := v.Reader
	add := func(at, icon, label string) {
		links = append(links, ui.NavItem{Href: v.URL(at), Label: label, Icon: icon})
	}
	if f.prepaid() {
		add("wallet#h-voucher", "tag", r.T("wallet.voucher"))
		add("wallet#h-auto", "clock", r.T("wallet.auto"))
	}
	if f.points != nil {
		add("wallet#h-points", "gift", r.T("wallet.points")+": "+r.Number(*f.points))
	}
	add("wallet#h-alerts", "mail", r.T("wallet.alerts"))
	if f.shares {
		add("sharing", "users", r.T("shared.title"))
	}
	add("options", "plus", r.T("sales.options"))
	add("offers", "gift", r.T("promo.mine"))
	return links
}

// firstName greets a person; a company is greeted by its whole name.
func firstName(name string) string {
	first, _, found := strings.Cut(name, " ")
	if !found || strings.HasSuffix(first, ".") {
		return name
	}
	return first
}
