package api

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/api/oapi"
	"tollhouse/billing/account"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

func taxRateOf(r tax.Rate) oapi.TaxRate {
	out := oapi.TaxRate{Category: r.Category, Levy: optionalText(r.Levy), Name: r.Name, Percent: r.Percent, ValidFrom: r.From, ValidTo: optionalDate(r.To),
		OnEarlierTaxes: unless(false, r.OnEarlier), NoVat: unless(false, r.Other)}
	if !r.Factor.IsZero() {
		out.Base = optionalText(r.Factor.String())
	}
	if r.Position > 1 {
		out.Position = &r.Position
	}
	return out
}

func taxRates(ctx context.Context, tx tenant.Tx) (oapi.TaxRateList, error) {
	table, err := tax.Load(ctx, tx)
	return oapi.TaxRateList{Items: mapped(table.Rates(), taxRateOf)}, err
}

// ListTaxRates implements oapi.StrictServerInterface.
func (s *Server) ListTaxRates(ctx context.Context, _ oapi.ListTaxRatesRequestObject) (oapi.ListTaxRatesResponseObject, error) {
	var out oapi.TaxRateList
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		out, err = taxRates(ctx, tx)
		return err
	})
	return oapi.ListTaxRates200JSONResponse(out), err
}

// AddTaxRate implements oapi.StrictServerInterface.
func (s *Server) AddTaxRate(ctx context.Context, r oapi.AddTaxRateRequestObject) (oapi.AddTaxRateResponseObject, error) {
	return nil, once(ctx, oapi.AddTaxRateResponseObject.VisitAddTaxRateResponse, func(ctx context.Context, tx tenant.Tx) (oapi.AddTaxRateResponseObject, error) {
		c := callOf(ctx)
		c.object, c.detail = "tax_rate", map[string]any{"rate": r.Body}
		factor, err := tax.ParseFactor(value(r.Body.Base))
		if err != nil {
			return nil, err
		}
		err = tax.Add(ctx, tx, tax.Rate{Category: r.Body.Category, Levy: value(r.Body.Levy), Name: r.Body.Name, Percent: r.Body.Percent, From: r.Body.ValidFrom,
			To: value(r.Body.ValidTo), Factor: factor, Position: value(r.Body.Position), OnEarlier: value(r.Body.OnEarlierTaxes), Other: value(r.Body.NoVat)})
		if err != nil {
			return nil, err
		}
		out, err := taxRates(ctx, tx)
		return oapi.AddTaxRate201JSONResponse{Body: out}, err
	})
}

// EndTaxRate implements oapi.StrictServerInterface.
func (s *Server) EndTaxRate(ctx context.Context, r oapi.EndTaxRateRequestObject) (oapi.EndTaxRateResponseObject, error) {
	return nil, once(ctx, oapi.EndTaxRateResponseObject.VisitEndTaxRateResponse, func(ctx context.Context, tx tenant.Tx) (oapi.EndTaxRateResponseObject, error) {
		c := callOf(ctx)
		c.object, c.detail = "tax_rate", map[string]any{"end": r.Body}
		if err := tax.End(ctx, tx, r.Body.Category, value(r.Body.Levy), r.Body.Before); err != nil {
			return nil, err
		}
		out, err := taxRates(ctx, tx)
		return oapi.EndTaxRate200JSONResponse{Body: out}, err
	})
}

func categoryOf(c tax.Category) oapi.TaxCategory {
	return oapi.TaxCategory{Key: c.Key, Name: c.Name, Code: oapi.TaxCode(c.Code), ReasonCode: optionalText(c.Reason.Code), Reason: optionalText(c.Reason.Text),
		Service: oapi.TaxCategoryService(c.Service)}
}

// ListTaxCategories implements oapi.StrictServerInterface.
func (s *Server) ListTaxCategories(ctx context.Context, _ oapi.ListTaxCategoriesRequestObject) (oapi.ListTaxCategoriesResponseObject, error) {
	var table tax.Table
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		table, err = tax.Load(ctx, tx)
		return err
	})
	return oapi.ListTaxCategories200JSONResponse{Items: mapped(table.Descriptions(), categoryOf)}, err
}

// PutTaxCategory implements oapi.StrictServerInterface.
func (s *Server) PutTaxCategory(ctx context.Context, r oapi.PutTaxCategoryRequestObject) (oapi.PutTaxCategoryResponseObject, error) {
	return nil, once(ctx, oapi.PutTaxCategoryResponseObject.VisitPutTaxCategoryResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutTaxCategoryResponseObject, error) {
		c := callOf(ctx)
		c.object, c.detail = "tax_category", map[string]any{"category": r.Body}
		err := tax.PutCategory(ctx, tx, tax.Category{Key: r.Body.Key, Name: r.Body.Name, Code: tax.Code(r.Body.Code),
			Reason: tax.Reason{Code: value(r.Body.ReasonCode), Text: value(r.Body.Reason)}, Service: tax.Service(r.Body.Service)})
		if err != nil {
			return nil, err
		}
		return oapi.PutTaxCategory200JSONResponse{Body: *r.Body}, nil
	})
}

func ruleOf(r tax.Rule) oapi.TaxRule {
	return oapi.TaxRule{Seller: r.Seller, Buyer: r.Buyer, Kind: oapi.TaxRuleKind(r.Kind), Service: unless("", oapi.TaxRuleService(r.Service)),
		Treatment: oapi.TaxRuleTreatment(r.Treat), Category: optionalText(r.Category), ReasonCode: optionalText(r.Reason.Code), Reason: optionalText(r.Reason.Text)}
}

// ListTaxRules implements oapi.StrictServerInterface.
func (s *Server) ListTaxRules(ctx context.Context, _ oapi.ListTaxRulesRequestObject) (oapi.ListTaxRulesResponseObject, error) {
	var table tax.Table
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		table, err = tax.Load(ctx, tx)
		return err
	})
	return oapi.ListTaxRules200JSONResponse{Items: mapped(table.Rules(), ruleOf)}, err
}

// PutTaxRules implements oapi.StrictServerInterface.
func (s *Server) PutTaxRules(ctx context.Context, r oapi.PutTaxRulesRequestObject) (oapi.PutTaxRulesResponseObject, error) {
	return nil, once(ctx, oapi.PutTaxRulesResponseObject.VisitPutTaxRulesResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutTaxRulesResponseObject, error) {
		c := callOf(ctx)
		c.object, c.detail = "tax_rules", map[string]any{"rules": r.Body.Items}
		put, err := tax.PutRules(ctx, tx, mapped(r.Body.Items, func(r oapi.TaxRule) tax.Rule {
			return tax.Rule{Seller: r.Seller, Buyer: r.Buyer, Kind: tax.BuyerKind(r.Kind), Service: tax.Service(value(r.Service)), Treat: tax.Treatment(r.Treatment),
				Category: value(r.Category), Reason: tax.Reason{Code: value(r.ReasonCode), Text: value(r.Reason)}}
		}))
		return oapi.PutTaxRules200JSONResponse{Body: oapi.TaxRuleList{Items: mapped(put, ruleOf)}}, err
	})
}

func taxSettingsOf(s tax.Settings) oapi.TaxSettings {
	out := oapi.TaxSettings{Rounding: oapi.TaxSettingsRounding(s.Rounding), StrictVat: s.Strict, TopUps: unless("", oapi.TaxSettingsTopUps(s.TopUps))}
	if s.Rounding == "" {
		out.Rounding = oapi.TaxSettingsRounding(tax.PerGroup)
	}
	return out
}

// GetTaxSettings implements oapi.StrictServerInterface.
func (s *Server) GetTaxSettings(ctx context.Context, _ oapi.GetTaxSettingsRequestObject) (oapi.GetTaxSettingsResponseObject, error) {
	var table tax.Table
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		table, err = tax.Load(ctx, tx)
		return err
	})
	return oapi.GetTaxSettings200JSONResponse(taxSettingsOf(table.Settings)), err
}

// PutTaxSettings implements oapi.StrictServerInterface.
func (s *Server) PutTaxSettings(ctx context.Context, r oapi.PutTaxSettingsRequestObject) (oapi.PutTaxSettingsResponseObject, error) {
	return nil, once(ctx, oapi.PutTaxSettingsResponseObject.VisitPutTaxSettingsResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutTaxSettingsResponseObject, error) {
		c := callOf(ctx)
		c.object, c.detail = "tax_settings", map[string]any{"settings": r.Body}
		put := tax.Settings{Rounding: tax.Rounding(r.Body.Rounding), Strict: r.Body.StrictVat, TopUps: tax.Moment(value(r.Body.TopUps))}
		return oapi.PutTaxSettings200JSONResponse{Body: taxSettingsOf(put)}, tax.PutSettings(ctx, tx, put)
	})
}

// CheckTaxID implements oapi.StrictServerInterface.
func (s *Server) CheckTaxID(_ context.Context, r oapi.CheckTaxIDRequestObject) (oapi.CheckTaxIDResponseObject, error) {
	country, err := tax.CheckID(r.TaxId)
	return oapi.CheckTaxID200JSONResponse{WellFormed: err == nil, Country: optionalText(country)}, nil
}

func exemptionOf(e tax.Exemption) oapi.TaxExemption {
	id, _ := uuid.Parse(e.ID) // written by us
	return oapi.TaxExemption{Id: id, Code: oapi.TaxCode(e.Code), ReasonCode: optionalText(e.Reason.Code), Reason: e.Reason.Text,
		Certificate: optionalText(e.Certificate), Category: optionalText(e.Category), From: e.From, To: optionalDate(e.To)}
}

// accountTax says what tax an account pays today.
func accountTax(ctx context.Context, tx tenant.Tx, id uuid.UUID) (oapi.AccountTax, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return oapi.AccountTax{}, err
	}
	s, err := tax.StandingOf(ctx, tx, id, profile.LocalDate(tx.At))
	if err != nil {
		return oapi.AccountTax{}, err
	}
	out := oapi.AccountTax{Exemptions: mapped(s.Exemptions, exemptionOf), Categories: mapped(s.Categories, func(a tax.Applied) oapi.AppliedTax {
		why := "home"
		switch {
		case a.Exemption != nil:
			why = "exemption"
		case a.Rule != nil:
			why = "rule"
		}
		return oapi.AppliedTax{Category: a.Category, Code: oapi.TaxCode(a.Code), Name: a.Name, Percent: a.Percent, Why: oapi.AppliedTaxWhy(why), Reason: optionalText(a.Reason.Text)}
	})}
	if w := s.Withholding; w != nil {
		out.Withholding = &oapi.Withholding{Name: &w.Name, Percent: &w.Percent}
	}
	return out, nil
}

// GetAccountTax implements oapi.StrictServerInterface.
func (s *Server) GetAccountTax(ctx context.Context, r oapi.GetAccountTaxRequestObject) (oapi.GetAccountTaxResponseObject, error) {
	var out oapi.AccountTax
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		out, err = accountTax(ctx, tx, r.Account)
		return err
	})
	return oapi.GetAccountTax200JSONResponse(out), err
}

// AddTaxExemption implements oapi.StrictServerInterface.
func (s *Server) AddTaxExemption(ctx context.Context, r oapi.AddTaxExemptionRequestObject) (oapi.AddTaxExemptionResponseObject, error) {
	return nil, once(ctx, oapi.AddTaxExemptionResponseObject.VisitAddTaxExemptionResponse, func(ctx context.Context, tx tenant.Tx) (oapi.AddTaxExemptionResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.detail = map[string]any{"exemption": r.Body}
		made, err := tax.AddExemption(ctx, tx, r.Account, tax.Exemption{Code: tax.Code(r.Body.Code), Reason: tax.Reason{Code: value(r.Body.ReasonCode), Text: r.Body.Reason},
			Certificate: value(r.Body.Certificate), Category: value(r.Body.Category), From: r.Body.From, To: value(r.Body.To)}, c.who.Actor())
		return oapi.AddTaxExemption201JSONResponse{Body: exemptionOf(made)}, err
	})
}

// EndTaxExemption implements oapi.StrictServerInterface.
func (s *Server) EndTaxExemption(ctx context.Context, r oapi.EndTaxExemptionRequestObject) (oapi.EndTaxExemptionResponseObject, error) {
	return nil, once(ctx, oapi.EndTaxExemptionResponseObject.VisitEndTaxExemptionResponse, func(ctx context.Context, tx tenant.Tx) (oapi.EndTaxExemptionResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.detail = map[string]any{"exemption": r.Exemption, "before": r.Body.Before}
		if err := tax.EndExemption(ctx, tx, r.Account, r.Exemption, r.Body.Before); err != nil {
			return nil, err
		}
		out, err := accountTax(ctx, tx, r.Account)
		return oapi.EndTaxExemption200JSONResponse{Body: out}, err
	})
}

// PutWithholding implements oapi.StrictServerInterface.
func (s *Server) PutWithholding(ctx context.Context, r oapi.PutWithholdingRequestObject) (oapi.PutWithholdingResponseObject, error) {
	return nil, once(ctx, oapi.PutWithholdingResponseObject.VisitPutWithholdingResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutWithholdingResponseObject, error) {
		c := callOf(ctx)
		c.about("account", r.Account)
		c.detail = map[string]any{"withholding": r.Body}
		var wanted *tax.Withholding
		if name := value(r.Body.Name); name != "" {
			wanted = &tax.Withholding{Name: name, Percent: value(r.Body.Percent)}
		}
		if err := tax.PutWithholding(ctx, tx, r.Account, wanted); err != nil {
			return nil, err
		}
		out, err := accountTax(ctx, tx, r.Account)
		return oapi.PutWithholding200JSONResponse{Body: out}, err
	})
}
