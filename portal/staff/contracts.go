package staff

import (
	"context"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
)

// registerContracts adds the addresses of hosting contracts.
func (p pages) registerContracts(e *echo.Echo, site *web.Site) {
	e.GET("/staff/contracts", site.StaffOnly(tenants.ContractRead, p.contracts))
	e.GET("/staff/contracts/new", site.StaffOnly(tenants.ContractWrite, p.newContract))
	e.POST("/staff/contracts", site.StaffOnly(tenants.ContractWrite, p.putContract))
	e.GET("/staff/contracts/:contract", site.StaffOnly(tenants.ContractRead, p.contract))
	e.POST("/staff/contracts/:contract/begin", site.StaffOnly(tenants.ContractWrite, p.beginContract))
	e.POST("/staff/contracts/:contract/withdraw", site.StaffOnly(tenants.ContractWrite, p.withdrawContract))
	e.POST("/staff/contracts/:contract/end", site.StaffOnly(tenants.ContractWrite, p.endContract))
	e.POST("/staff/contracts/:contract/buy-out", site.StaffOnly(tenants.ContractWrite, p.buyOutContract))
	e.POST("/staff/contracts/:contract/credit", site.StaffOnly(tenants.ContractWrite, p.creditContract))
	e.POST("/staff/contracts/:contract/renew-totals", site.StaffOnly(tenants.ContractWrite, p.renewTotals))
}

// contractsPage is how many contracts stand on one page.
const contractsPage = 50

type contractsView struct {
	ui.ConsolePage
	Tabs        []ui.NavItem
	Rows        []contractRow
	New         []ui.NavItem // a form for each model
	First, Next string
	MayWrite    bool
	NoHouse     bool // nobody bills yet
}

type contractRow struct {
	Href, Operator, Model, Place string
	State                        string
	Tone                         ui.Tone
	From, Until, Todo            string
}

var contractTones = map[contract.State]ui.Tone{contract.Draft: ui.Warn, contract.Active: ui.OK, contract.Ended: ui.Info, contract.BoughtOut: ui.Info, contract.Withdrawn: ui.Info}

func (p pages) contracts(v *web.StaffVisit) error {
	r, state := v.Reader, contract.State(v.Query("state"))
	view := contractsView{MayWrite: v.May(tenants.ContractWrite)}
	var err error
	if view.ConsolePage, err = p.frame(v, contractsSection, r.T("staff.nav.contracts")); err != nil {
		return err
	}
	for _, s := range []contract.State{"", contract.Draft, contract.Active, contract.Ended, contract.BoughtOut, contract.Withdrawn} {
		label := r.T("contract.all")
		if s != "" {
			label = r.T("contract.state." + string(s))
		}
		view.Tabs = append(view.Tabs, ui.NavItem{Href: v.URL("contracts", "state", string(s)), Label: label, Current: s == state})
	}
	for _, m := range contract.Models {
		view.New = append(view.New, ui.NavItem{Href: v.URL("contracts/new", "model", string(m), "operator", v.Query("operator")), Label: r.T("contract.model." + string(m))})
	}
	after, err := uuid.Parse(v.Query("after"))
	if err == nil {
		view.First = v.URL("contracts", "state", string(state))
	}
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		_, err := contract.House(ctx, tx)
		view.NoHouse = err != nil
		found, err := contract.List(ctx, tx, state, after, contractsPage+1)
		if err != nil {
			return err
		}
		if len(found) > contractsPage {
			found = found[:contractsPage]
			view.Next = v.URL("contracts", "state", string(state), "after", found[contractsPage-1].ID.String())
		}
		for _, c := range found {
			o, err := tenants.GetOperator(ctx, tx, c.Operator)
			if err != nil {
				return err
			}
			view.Rows = append(view.Rows, contractRowOf(v, c, o))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, contractList(view))
}

func contractRowOf(v *web.StaffVisit, c contract.Contract, o tenants.Operator) contractRow {
	r := v.Reader
	row := contractRow{Href: v.URL("contracts/" + c.ID.String()), Operator: o.DisplayName, Model: r.T("contract.model." + string(c.Model)), Place: r.T("contract.place." + string(c.Place)),
		State: r.T("contract.state." + string(c.State)), Tone: contractTones[c.State], From: r.Date(c.From), Todo: r.T("contract.next." + string(c.State))}
	if !c.Until.IsZero() {
		row.Until = r.Date(c.Until)
	}
	return row
}

// contractFormView is the form of a contract of one model.
type contractFormView struct {
	ui.ConsolePage
	Form      form
	Model     contract.Model
	Models    []ui.NavItem
	Operators []ui.Choice
	Places    []ui.Choice
}

func (p pages) newContract(v *web.StaffVisit) error {
	model := contract.Model(v.Query("model"))
	f := newContractForm(model, v.Query("operator"), "")
	if id, err := uuid.Parse(v.Query("contract")); err == nil {
		var c contract.Contract
		if err := p.read(v, func(ctx context.Context, tx tenants.Tx) (err error) {
			c, err = contract.Get(ctx, tx, id)
			return err
		}); err != nil {
			return err
		}
		f = contractForm(c)
	} else if id, err := tenant.ParseID(v.Query("operator")); err == nil {
		if err := p.read(v, func(ctx context.Context, tx tenants.Tx) error {
			o, err := tenants.GetOperator(ctx, tx, id)
			f.values["currency"] = o.Settings.Currency.Code()
			return err
		}); err != nil {
			return err
		}
	}
	return p.showContractForm(v, f, http.StatusOK)
}

func (p pages) showContractForm(v *web.StaffVisit, f form, status int) error {
	r := v.Reader
	if f.value("model") == "" {
		f.values["model"] = string(contract.Rent)
	}
	view := contractFormView{Form: f, Model: contract.Model(f.value("model")), Places: contractPlaces(r, f.value("place"))}
	var err error
	if view.ConsolePage, err = p.frame(v, contractsSection, r.T("contract.new")); err != nil {
		return err
	}
	for _, m := range contract.Models {
		view.Models = append(view.Models, ui.NavItem{Href: v.URL("contracts/new", "model", string(m), "operator", f.value("operator")), Label: r.T("contract.model." + string(m)), Current: m == view.Model})
	}
	err = p.read(v, func(ctx context.Context, tx tenants.Tx) error {
		operators, err := tenants.FindOperators(ctx, tx, tenants.OperatorQuery{Limit: maxOperatorsOffered})
		view.Operators = []ui.Choice{{Label: "–"}}
		for _, o := range operators {
			if o.Name != tenants.HouseName {
				view.Operators = append(view.Operators, ui.Choice{Value: o.ID.String(), Label: o.DisplayName, Chosen: f.value("operator") == o.ID.String()})
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return v.Show(status, contractFormPage(view))
}

func (p pages) putContract(v *web.StaffVisit) error {
	f := sent(v, contractFields...)
	c := f.contract(v.Reader)
	if !f.wrong() {
		err := p.write(v, func(ctx context.Context, tx tenants.Tx) error {
			_, err := contract.Put(ctx, tx, v.Who, c)
			return err
		})
		if err != nil && !f.refusedContract(v.Reader, err) {
			return err
		}
	}
	if f.wrong() {
		return p.showContractForm(v, f, http.StatusUnprocessableEntity)
	}
	return v.Redirect(v.URL("contracts/"+c.ID.String(), "done", "saved"))
}
