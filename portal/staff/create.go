package staff

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/tenants"
)

// createView is the form for a new operator.
type createView struct {
	ui.ConsolePage
	Form   form
	Rates  []rateFields
	Places []ui.Choice // others' machines, a host database by name, a cloud
	Sizes  []ui.Choice
	Plan   *planView
}

// rateFields are one tax rate of the form.
type rateFields struct{ Category, Name, Percent, ValidFrom, ValidTo ui.Field }

// formRates is how many tax rates the form takes; the API takes more.
const formRates = 3

// applicationFields in the order of the form. A field is called as the
// application calls it.
var applicationFields = []string{
	"name", "display_name", "legal_name", "country", "zone", "currency", "language", "prices_include_tax", "owner_email", "grace_days",
	"sandbox", "clock_at", "place", "size",
	"legal_entity.address.street", "legal_entity.address.postcode", "legal_entity.address.city", "legal_entity.address.region",
	"legal_entity.tax_id", "legal_entity.register_id", "legal_entity.bank_name", "legal_entity.bank_iban", "legal_entity.bank_bic",
	"tax_rates",
}

func rateField(i int, name string) string { return "tax_rates[" + strconv.Itoa(i) + "]." + name }

var rateNames = []string{"category", "name", "percent", "valid_from", "valid_to"}

func fieldsOfForm() []string {
	names := applicationFields
	for i := range formRates {
		for _, name := range rateNames {
			names = append(names, rateField(i, name))
		}
	}
	return names
}

func (p pages) newOperator(v *web.StaffVisit) error {
	return p.showCreate(v, newForm(map[string]string{"grace_days": "14", "language": "en"}), nil)
}

func (p pages) showCreate(v *web.StaffVisit, f form, plan *planView) error {
	frame, err := p.frame(v, operatorsSection, v.Reader.T("staff.new"))
	if err != nil {
		return err
	}
	view := createView{ConsolePage: frame, Form: f, Plan: plan}
	if err := p.offerPlaces(v, &view); err != nil {
		return err
	}
	for i := range formRates {
		part := func(name string) ui.Field {
			field := f.field(v.Reader, rateField(i, name))
			field.Label = v.Reader.T("staff.rate."+name, "n", strconv.Itoa(i+1))
			return optional(field)
		}
		view.Rates = append(view.Rates, rateFields{part("category"), part("name"), part("percent"), kind(part("valid_from"), "date"), kind(part("valid_to"), "date")})
	}
	return v.Show(f.status(), createPage(view))
}

// created is what a form's effect is remembered as: the same form sent again
// shows the same password, and makes nothing.
type created struct {
	ID, Name, DisplayName, Email, Password string
	Own                                    bool // on a site that is being made
}

func (p pages) createOperator(v *web.StaffVisit) error {
	f := sent(v, fieldsOfForm()...)
	application, ok := f.application(v.Reader)
	if !ok {
		return p.showCreate(v, f, nil)
	}
	admission, err := p.Registry.Admit(v.Context(), application)
	if f.refused(v.Reader, err) {
		return p.showCreate(v, f, nil)
	}
	if err != nil {
		return err
	}
	id, place := tenant.NewID(), f.place()
	if v.Form("do") == "plan" {
		return p.planOperator(v, f, id, admission, place)
	}
	made, err := once(p, v, "createOperator", func(ctx context.Context, tx tenants.Tx) (created, error) {
		c, err := p.Fleet.TakeOn(ctx, tx, p.Registry, v.Who, id, admission, place)
		return created{c.ID.String(), c.Name, c.DisplayName, c.OwnerEmail, c.OwnerPassword, c.Site != nil}, err
	})
	if f.refusedPlace(v.Reader, err) {
		return p.showCreate(v, f, nil)
	}
	if err != nil {
		return err
	}
	frame, err := p.frame(v, operatorsSection, made.DisplayName)
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, createdPage(createdView{frame, made, v.URL("operators/" + made.ID), v.TenantURL(made.Name, "console"), v.TenantURL(made.Name, "")}))
}

type createdView struct {
	ui.ConsolePage
	created
	Href, Console, Subscribers string
}

// application reads the form; false with a fault where a text is no number or
// date at all.
func (f *form) application(r ui.Reader) (tenants.Application, bool) {
	a := tenants.Application{Name: f.value("name"), DisplayName: f.value("display_name"), LegalName: f.value("legal_name"),
		Country: strings.ToUpper(f.value("country")), Zone: f.value("zone"), Currency: strings.ToUpper(f.value("currency")), Language: f.value("language"),
		PricesIncludeTax: f.ticked("prices_include_tax"), OwnerEmail: f.value("owner_email"), Sandbox: f.ticked("sandbox"),
		LegalEntity: tenants.LegalEntity{Address: tenants.Address{Street: f.value("legal_entity.address.street"), Postcode: f.value("legal_entity.address.postcode"),
			City: f.value("legal_entity.address.city"), Region: f.value("legal_entity.address.region")},
			TaxID: f.value("legal_entity.tax_id"), RegisterID: f.value("legal_entity.register_id"), BankName: f.value("legal_entity.bank_name"),
			BankIBAN: f.value("legal_entity.bank_iban"), BankBIC: f.value("legal_entity.bank_bic")}}
	if days, err := strconv.Atoi(f.value("grace_days")); err == nil {
		a.GraceDays = &days
	} else {
		f.fault("grace_days", wanted(r, "grace_days"))
	}
	if text := f.value("clock_at"); text != "" {
		at, err := time.Parse("2006-01-02", text)
		if err != nil {
			f.fault("clock_at", wanted(r, "clock_at"))
		}
		a.ClockAt = &at
	}
	for i := range formRates {
		rate := tenants.RateText{Category: f.value(rateField(i, "category")), Name: f.value(rateField(i, "name")), Percent: f.value(rateField(i, "percent")),
			ValidFrom: f.value(rateField(i, "valid_from")), ValidTo: f.value(rateField(i, "valid_to"))}
		if rate != (tenants.RateText{}) {
			a.TaxRates = append(a.TaxRates, rate)
		}
	}
	return a, !f.wrong()
}

// once carries a form's command out once, however often the form is sent. The
// answer is kept sealed, as it may hold a first password.
func once[T any](p pages, v *web.StaffVisit, operation string, fn func(ctx context.Context, tx tenants.Tx) (T, error)) (out T, err error) {
	answer, err := p.Commands.Once(v.Context(), tenants.Call{Actor: v.Who, Operation: "page." + operation, Key: v.Form("key"), Body: []byte(v.Sent())},
		func(ctx context.Context, tx tenants.Tx) (tenants.Answer, error) {
			made, err := fn(ctx, tx)
			if err != nil {
				return tenants.Answer{}, err
			}
			body, err := json.Marshal(made)
			return tenants.Answer{Status: http.StatusOK, Body: body}, err
		})
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(answer.Body, &out)
}
