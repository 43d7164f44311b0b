package product

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/partner"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

type partnerView struct {
	code, name, share, lines string
	active                   bool
}

type partnersView struct {
	ui.ConsolePage
	key, done  string
	list       []partnerView
	may        bool
	code, name ui.Field
	active     bool
}

func partners(v *web.Visit) error {
	return showPartners(v, http.StatusOK, "", "")
}

// showPartners lists the partners, and the form with what was typed or with one
// of them.
func showPartners(v *web.Visit, status int, field, fault string) error {
	r := v.Reader
	view := partnersView{ConsolePage: frame.Of(v, frame.Partners, r.T("con.nav.partners")), key: command.NewKey(), may: v.May(identity.OfferingWrite), active: true}
	if v.Query("done") != "" {
		view.done = r.T("product.partner.done")
	}
	view.code = ui.Field{ID: "code", Label: r.T("biz.offer.code"), Hint: r.T("product.partner.code.hint"), Value: v.Form("code"), Autocomplete: "off", MaxLength: "64"}
	view.name = ui.Field{ID: "name", Label: r.T("product.partner.name"), Value: v.Form("name"), Autocomplete: "off", MaxLength: "200"}
	switch field {
	case "code":
		view.code.Error = fault
	case "name":
		view.name.Error = fault
	}
	if status != http.StatusOK {
		view.active = v.Form("active") != ""
	}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		list, err := partner.List(ctx, tx)
		for _, p := range list {
			view.list = append(view.list, partnerView{p.Code, p.Name, r.Money(money.New(p.Share, v.Profile.Currency)), r.Number(money.NewDecimal(p.Lines)), p.Active})
			if p.Code == v.Query("edit") && status == http.StatusOK {
				view.code.Value, view.name.Value, view.active = p.Code, p.Name, p.Active
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.Show(status, partnersPage(view))
}

func putPartner(v *web.Visit) error {
	p := partner.Partner{Code: strings.TrimSpace(v.Form("code")), Name: v.Form("name"), Active: v.Form("active") != ""}
	c := &command.Command{Action: "putPartner", Object: "partner", Detail: map[string]any{"code": p.Code, "active": p.Active}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := partner.Put(ctx, tx, p)
		return v.Console("partners", "done", "1"), err
	}
	next, err := command.CarryOut(v, c)
	var wrong *partner.FieldError
	if errors.As(err, &wrong) {
		return showPartners(v, http.StatusUnprocessableEntity, wrong.Field, v.Reader.T("product.partner.want."+wrong.Field))
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}
