package admin

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// engineView is the page of the outside tax engine.
type engineView struct {
	ui.ConsolePage
	Tabs   []ui.NavItem
	Done   string
	May    bool
	Chosen *tax.EngineSettings
	Form   form
	Try    *engineTry
}

// engineTry is what came of asking the engine once.
type engineTry struct {
	words, more string // that it failed, and why
	reference   string
	taxes       []tax.QuotedTax
	currency    string
}

// engineFaults are the fields that the domain refuses, with what would be right.
var engineFaults = map[string][2]string{"title": {"engine_title", "outside.want.title"}, "base_url": {"base_url", "outside.want.base_url"},
	"company": {"company", "outside.want.company"}, "key": {"engine_key", "outside.want.key"}}

var engineFields = []string{"engine_title", "base_url", "company", "engine_key"}

func taxEngine(v *web.Visit) error { return showTaxEngine(v, nil, nil) }

func showTaxEngine(v *web.Visit, sent *form, try *engineTry) error {
	view := engineView{ConsolePage: frame.Of(v, frame.Settings, v.Reader.T("outside.engine")), Tabs: settingsNav(v, "taxes"), Done: v.Query("done"), May: v.May(identity.SettingsWrite), Try: try}
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		view.Chosen, err = v.Stack.ReadTaxEngine(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	view.Form = newForm(map[string]string{})
	if view.Chosen != nil {
		view.Form = newForm(map[string]string{"engine_title": view.Chosen.Title, "base_url": view.Chosen.BaseURL, "company": view.Chosen.Company})
	}
	status := http.StatusOK
	if sent != nil {
		view.Form = *sent
		view.Form.Typed["engine_key"] = "" // a secret is not shown again
		status = sent.status()
	}
	return v.Show(status, taxEnginePage(view))
}

// saveTaxEngine chooses an engine, or takes it away. An empty key leaves the one
// that is kept.
func saveTaxEngine(v *web.Visit) error {
	f := sentForm(v, engineFields...)
	remove := v.Form("act") == "remove"
	action := "tax_engine.put"
	if remove {
		action = "tax_engine.remove"
	}
	_, err := once(v, action, func(ctx context.Context, tx tenant.Tx) (act, error) {
		done := act{"operator", uuid.Nil, map[string]any{"base_url": f.Typed["base_url"]}}
		if remove {
			return act{"operator", uuid.Nil, nil}, v.Stack.PutTaxEngine(ctx, tx, nil)
		}
		put := tax.EngineSettings{Title: f.Typed["engine_title"], BaseURL: f.Typed["base_url"], Company: f.Typed["company"], Key: f.Typed["engine_key"]}
		kept, err := v.Stack.ReadTaxEngine(ctx, tx)
		if err != nil {
			return done, err
		}
		if put.Key == "" && kept != nil {
			put.Key = kept.Key
		}
		return done, v.Stack.PutTaxEngine(ctx, tx, &put)
	})
	var field *account.FieldError
	switch {
	case errors.As(err, &field):
		f.refuse(engineFaults[field.Field][0], v.Reader.T(engineFaults[field.Field][1]))
	case errors.Is(err, tax.ErrEngineBasis):
		f.refuse("engine_title", v.Reader.T("outside.want.exclusive"))
	case err != nil:
		return err
	}
	if len(f.Faults) > 0 {
		return showTaxEngine(v, &f, nil)
	}
	return after(v, "settings/taxes/engine", "saved")
}

// tryTaxEngine asks the engine that is chosen once and shows what it says.
func tryTaxEngine(v *web.Visit) error {
	r := v.Reader
	sale, answer, err := v.Stack.TryTaxEngine(v.Context())
	try := &engineTry{reference: answer.Reference, currency: sale.Currency.Code()}
	switch {
	case errors.Is(err, tax.ErrEngineUnavailable):
		try.words = r.T("outside.try.silent")
	case errors.Is(err, tax.ErrEngineRefused):
		try.words = r.T("outside.try.refused")
	case errors.Is(err, tax.ErrEngineAnswer):
		try.words = r.T("outside.try.unreadable")
	case errors.Is(err, tax.ErrEngineMissing):
		try.words = r.T("outside.none")
	case err != nil:
		return err
	}
	if err != nil {
		try.more = err.Error()
		return showTaxEngine(v, nil, try)
	}
	for _, l := range answer.Lines {
		try.taxes = append(try.taxes, l.Taxes...)
	}
	return showTaxEngine(v, nil, try)
}

// secret is a control whose text is not shown.
func secret(f ui.Field) ui.Field {
	f.Kind, f.Autocomplete = "password", "off"
	return f
}
