package api

import (
	"bytes"
	"context"
	"io"

	"tollhouse/api/oapi"
	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// GetSettings implements oapi.StrictServerInterface.
func (s *Server) GetSettings(ctx context.Context, _ oapi.GetSettingsRequestObject) (oapi.GetSettingsResponseObject, error) {
	var out oapi.Settings
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		p, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		out, err = settingsOf(ctx, tx, p)
		return err
	})
	return oapi.GetSettings200JSONResponse(out), err
}

func settingsOf(ctx context.Context, tx tenant.Tx, p account.Profile) (oapi.Settings, error) {
	tried, err := catalog.TrialRequired(ctx, tx)
	out := oapi.Settings{Name: p.Name, Country: p.Country, Zone: p.Zone.String(), Currency: p.Currency,
		Language: oapi.Language(p.Language), PricesIncludeTax: p.PricesIncludeTax, AnchorPolicy: oapi.SettingsAnchorPolicy(p.AnchorPolicy),
		PaymentTermDays: p.PaymentTermDays, BrandColour: p.BrandColour, SupportContact: p.SupportContact, Logo: optionalText(p.Logo),
		Standing: unless("", oapi.SettingsStanding(p.Standing.State)), Sandbox: callOf(ctx).stack.Ref.Sandbox, TrialRequired: tried}
	if until := p.Standing.ServiceUntil; !until.IsZero() {
		out.ServiceUntil = &until
	}
	return out, err
}

// ChangeSettings implements oapi.StrictServerInterface.
func (s *Server) ChangeSettings(ctx context.Context, r oapi.ChangeSettingsRequestObject) (oapi.ChangeSettingsResponseObject, error) {
	return nil, once(ctx, oapi.ChangeSettingsResponseObject.VisitChangeSettingsResponse, func(ctx context.Context, tx tenant.Tx) (oapi.ChangeSettingsResponseObject, error) {
		c := callOf(ctx)
		c.object = "operator"
		p, err := account.GetProfile(ctx, tx)
		if err != nil {
			return nil, err
		}
		c.detail = map[string]any{"change": r.Body}
		apply(&p, r.Body)
		if err := account.PutProfile(ctx, tx, p); err != nil {
			return nil, err
		}
		if required := r.Body.TrialRequired; required != nil {
			if err := catalog.RequireTrial(ctx, tx, *required); err != nil {
				return nil, err
			}
		}
		out, err := settingsOf(ctx, tx, p)
		return oapi.ChangeSettings200JSONResponse{Body: out}, err
	})
}

// apply puts what was sent into a profile.
func apply(p *account.Profile, change *oapi.SettingsChange) {
	replace(&p.Name, change.Name)
	replace(&p.SupportContact, change.SupportContact)
	replace(&p.Language, (*account.Language)(change.Language))
	replace(&p.PaymentTermDays, change.PaymentTermDays)
	replace(&p.AnchorPolicy, (*calendar.AnchorPolicy)(change.AnchorPolicy))
	replace(&p.BrandColour, change.BrandColour)
}

// replace puts a value in the place of another, if there is one.
func replace[T any](into *T, with *T) {
	if with != nil {
		*into = *with
	}
}

// PutLogo implements oapi.StrictServerInterface. The picture is drawn before
// there is a transaction: that takes a while.
func (s *Server) PutLogo(ctx context.Context, r oapi.PutLogoRequestObject) (oapi.PutLogoResponseObject, error) {
	body, _, err := uploaded(r.Body, r.MultipartBody, "")
	if err != nil {
		return nil, err
	}
	c := callOf(ctx)
	if c.body, err = io.ReadAll(body); err != nil { // the guard bounds it
		return nil, err
	}
	logo, err := account.ReadLogo(c.body)
	if err != nil {
		return nil, err
	}
	return nil, once(ctx, oapi.PutLogoResponseObject.VisitPutLogoResponse, func(ctx context.Context, tx tenant.Tx) (oapi.PutLogoResponseObject, error) {
		c.object = "operator"
		c.note("logo", logo.Hash)
		return oapi.PutLogo204Response{}, account.PutLogo(ctx, tx, logo)
	})
}

// GetLogo implements oapi.StrictServerInterface.
func (s *Server) GetLogo(ctx context.Context, _ oapi.GetLogoRequestObject) (oapi.GetLogoResponseObject, error) {
	var logo account.Logo
	err := callOf(ctx).stack.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		logo, err = account.GetLogo(ctx, tx)
		return err
	})
	return oapi.GetLogo200ImagepngResponse{Body: bytes.NewReader(logo.Picture), ContentLength: int64(len(logo.Picture))}, err
}

// RemoveLogo implements oapi.StrictServerInterface.
func (s *Server) RemoveLogo(ctx context.Context, _ oapi.RemoveLogoRequestObject) (oapi.RemoveLogoResponseObject, error) {
	return nil, once(ctx, oapi.RemoveLogoResponseObject.VisitRemoveLogoResponse, func(ctx context.Context, tx tenant.Tx) (oapi.RemoveLogoResponseObject, error) {
		callOf(ctx).object = "operator"
		return oapi.RemoveLogo204Response{}, account.RemoveLogo(ctx, tx)
	})
}
