package admin

import (
	"context"
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
	"tollhouse/portal/web"
)

// entityFields are the fields of a legal entity's form, by the domain's names
// for them.
var entityFields = []string{"name", "address.street", "address.postcode", "address.city", "address.region", "address.country",
	"tax_id", "register_id", "bank_name", "bank_iban", "bank_bic"}

func entityForm(e account.LegalEntity) form {
	return newForm(map[string]string{"name": e.Name, "address.street": e.Address.Street, "address.postcode": e.Address.Postcode,
		"address.city": e.Address.City, "address.region": e.Address.Region, "address.country": e.Address.Country,
		"tax_id": e.TaxID, "register_id": e.RegisterID, "bank_name": e.BankName, "bank_iban": e.BankIBAN, "bank_bic": e.BankBIC})
}

func (f form) entity() account.LegalEntity {
	return account.LegalEntity{Name: f.Typed["name"],
		Address: account.Address{Street: f.Typed["address.street"], Postcode: f.Typed["address.postcode"], City: f.Typed["address.city"],
			Region: f.Typed["address.region"], Country: strings.ToUpper(f.Typed["address.country"])},
		TaxID: f.Typed["tax_id"], RegisterID: f.Typed["register_id"], BankName: f.Typed["bank_name"], BankIBAN: f.Typed["bank_iban"],
		BankBIC: strings.ToUpper(f.Typed["bank_bic"])}
}

func newEntity(v *web.Visit) error {
	return showEntity(v, account.LegalEntity{}, entityForm(account.LegalEntity{Address: account.Address{Country: v.Profile.Country}}))
}

// entity is the page to change a legal entity.
func entity(v *web.Visit) error {
	e, err := entityOf(v)
	if err != nil {
		return err
	}
	return showEntity(v, e, entityForm(e))
}

func entityOf(v *web.Visit) (account.LegalEntity, error) {
	id, err := idIn(v, "entity")
	if err != nil {
		return account.LegalEntity{}, err
	}
	c, err := readCompanies(v)
	if err != nil {
		return account.LegalEntity{}, err
	}
	return c.entity(id)
}

func showEntity(v *web.Visit, e account.LegalEntity, f form) error {
	view := companiesPageOf(v, companies{}, f)
	view.New = e.Name == ""
	view.To = v.Console("settings/legal-entities")
	if !view.New {
		view.To += "/" + e.ID.String()
	}
	return v.Show(f.status(), entityPage(view, e))
}

func addEntity(v *web.Visit) error {
	f := sentForm(v, entityFields...)
	_, err := once(v, "legal_entity.add", func(ctx context.Context, tx tenant.Tx) (act, error) {
		made, err := account.AddLegalEntity(ctx, tx, f.entity())
		return act{"legal_entity", made.ID, map[string]any{"name": made.Name}}, err
	})
	return entitySaved(v, account.LegalEntity{}, f, err)
}

func saveEntity(v *web.Visit) error {
	e, err := entityOf(v)
	if err != nil {
		return err
	}
	f := sentForm(v, entityFields...)
	_, err = once(v, "legal_entity.change", func(ctx context.Context, tx tenant.Tx) (act, error) {
		changed := f.entity()
		changed.ID = e.ID
		return act{"legal_entity", e.ID, map[string]any{"before": entityFacts(e), "after": entityFacts(changed)}}, account.ChangeLegalEntity(ctx, tx, changed)
	})
	return entitySaved(v, e, f, err)
}

// entityFacts are what an auditor wants to see of a change: who is paid where.
func entityFacts(e account.LegalEntity) map[string]string {
	return map[string]string{"name": e.Name, "tax_id": e.TaxID, "register_id": e.RegisterID, "bank_name": e.BankName, "bank_iban": e.BankIBAN, "bank_bic": e.BankBIC}
}

func entitySaved(v *web.Visit, e account.LegalEntity, f form, err error) error {
	if refuseName(v, &f, err) {
		return showEntity(v, e, f)
	}
	if field := fieldOf(err); field != "" {
		f.refuse(field, v.Reader.T("admin.company.want."+field))
		return showEntity(v, e, f)
	}
	if err != nil {
		return err
	}
	return after(v, "settings/branches", "saved")
}
