package api

import (
	"context"

	"tollhouse/api/oapi"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

func engineOf(s *tax.EngineSettings) oapi.TaxEngine {
	if s == nil {
		return oapi.TaxEngine{}
	}
	return oapi.TaxEngine{Chosen: true, Title: &s.Title, BaseUrl: &s.BaseURL, Company: &s.Company}
}

// GetTaxEngine implements oapi.StrictServerInterface.
func (s *Server) GetTaxEngine(ctx context.Context, _ oapi.GetTaxEngineRequestObject) (oapi.GetTaxEngineResponseObject, error) {
	var settings *tax.EngineSettings
	c := callOf(ctx)
	err := c.stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		settings, err = c.stack.ReadTaxEngine(ctx, tx)
		return err
	})
	return oapi.GetTaxEngine200JSONResponse(engineOf(settings)), err
}

// PutTaxEngine implements oapi.StrictServerInterface.
func (s *Server) PutTaxEngine(ctx context.Context, r oapi.PutTaxEngineRequestObject) (oapi.PutTaxEngineResponseObject, error) {
	return nil, once(ctx, oapi.PutTaxEngineResponseObject.VisitPutTaxEngineResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutTaxEngineResponseObject, error) {
		c := callOf(ctx)
		c.object = "operator"
		c.note("base_url", r.Body.BaseUrl)
		put := tax.EngineSettings{Title: r.Body.Title, BaseURL: r.Body.BaseUrl, Company: r.Body.Company, Key: value(r.Body.Key)}
		if put.Key == "" {
			kept, err := c.stack.ReadTaxEngine(ctx, tx)
			if err != nil {
				return nil, err
			}
			if kept != nil {
				put.Key = kept.Key
			}
		}
		return oapi.PutTaxEngine200JSONResponse{Body: engineOf(&put)}, c.stack.PutTaxEngine(ctx, tx, &put)
	})
}

// RemoveTaxEngine implements oapi.StrictServerInterface.
func (s *Server) RemoveTaxEngine(ctx context.Context, _ oapi.RemoveTaxEngineRequestObject) (oapi.RemoveTaxEngineResponseObject, error) {
	return nil, once(ctx, oapi.RemoveTaxEngineResponseObject.VisitRemoveTaxEngineResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RemoveTaxEngineResponseObject, error) {
		c := callOf(ctx)
		c.object = "operator"
		return oapi.RemoveTaxEngine204Response{}, c.stack.PutTaxEngine(ctx, tx, nil)
	})
}

// TryTaxEngine implements oapi.StrictServerInterface.
func (s *Server) TryTaxEngine(ctx context.Context, _ oapi.TryTaxEngineRequestObject) (oapi.TryTaxEngineResponseObject, error) {
	c := callOf(ctx)
	return nil, repeatable(ctx, oapi.TryTaxEngineResponseObject.VisitTryTaxEngineResponse, func(ctx context.Context) (oapi.TryTaxEngineResponseObject, error) {
		c.object = "operator"
		_, answer, err := c.stack.TryTaxEngine(ctx)
		if err != nil {
			return nil, err
		}
		out := oapi.TaxEngineAnswer{Reference: answer.Reference, Taxes: []oapi.QuotedTax{}}
		for _, l := range answer.Lines {
			out.Reason = optionalText(l.Reason)
			for _, t := range l.Taxes {
				out.Taxes = append(out.Taxes, oapi.QuotedTax{Jurisdiction: t.Jurisdiction, Name: t.Name, Percent: t.Percent, Base: t.Base, Amount: t.Amount})
			}
		}
		return oapi.TryTaxEngine200JSONResponse{Body: out}, nil
	})
}

func evidenceOf(c tax.IDCheck) oapi.TaxIdEvidence {
	return oapi.TaxIdEvidence{Id: c.ID, Country: c.Country, TaxId: c.TaxID, Result: oapi.TaxIdEvidenceResult(c.Result), Name: optionalText(c.Name),
		Address: optionalText(c.Address), Reference: optionalText(c.Reference), Reason: optionalText(c.Reason), AnsweredAt: c.AnsweredAt, AskedAt: c.AskedAt}
}

// ListTaxIDChecks implements oapi.StrictServerInterface.
func (s *Server) ListTaxIDChecks(ctx context.Context, r oapi.ListTaxIDChecksRequestObject) (oapi.ListTaxIDChecksResponseObject, error) {
	var list []tax.IDCheck
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		err := accountExists(ctx, tx, r.Account)
		if err == nil {
			list, err = tax.ChecksOf(ctx, tx, r.Account)
		}
		return err
	})
	return oapi.ListTaxIDChecks200JSONResponse{Items: mapped(list, evidenceOf)}, err
}

// LookUpTaxID implements oapi.StrictServerInterface. The register is asked
// before the transaction that keeps its answer.
func (s *Server) LookUpTaxID(ctx context.Context, r oapi.LookUpTaxIDRequestObject) (oapi.LookUpTaxIDResponseObject, error) {
	c := callOf(ctx)
	if known, err := c.lookUp(ctx); err != nil || known != nil {
		c.answer = known
		return nil, err
	}
	inquiry, found, silent, asked := c.stack.LookUpTaxID(ctx, r.Account)
	return nil, once(ctx, oapi.LookUpTaxIDResponseObject.VisitLookUpTaxIDResponse, func(ctx context.Context, tx tenant.Tx) (oapi.LookUpTaxIDResponseObject, error) {
		if asked != nil {
			return nil, asked
		}
		c.about("account", r.Account)
		made, err := tax.AddCheck(ctx, tx, r.Account, inquiry, found, silent, c.who.Actor())
		c.note("result", string(made.Result))
		return oapi.LookUpTaxID201JSONResponse{Body: evidenceOf(made)}, err
	})
}
