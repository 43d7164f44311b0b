package admin

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/brand"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// maxLogoForm bounds the body of the form with the logo: more than a logo may
// have, so that one which is a little too large is told kindly.
const maxLogoForm = 2 << 20

// brandingView is the page of the operator's colour and logo.
type brandingView struct {
	ui.ConsolePage
	Tabs   []ui.NavItem
	Logos  form // upload and removal
	Colour form
	Done   string
	May    bool
	Shown  []brand.Preview
}

func branding(v *web.Visit) error {
	return showBranding(v, newForm(nil), colourForm(v))
}

func colourForm(v *web.Visit) form {
	return newForm(map[string]string{"brand_colour": v.Profile.BrandColour})
}

func showBranding(v *web.Visit, logo, colour form) error {
	shown, err := brand.Previews(colour.Typed["brand_colour"])
	if err != nil {
		if shown, err = brand.Previews(v.Profile.BrandColour); err != nil {
			return err
		}
	}
	status := http.StatusOK
	if logo.status() != status || colour.status() != status {
		status = http.StatusUnprocessableEntity
	}
	return v.Show(status, brandingPage(brandingView{ConsolePage: frame.Of(v, frame.Settings, v.Reader.T("admin.set.tab.branding")),
		Tabs: settingsNav(v, "branding"), Logos: logo, Colour: colour, Done: v.Query("done"), May: v.May(identity.SettingsWrite), Shown: shown}))
}

// previewColour shows a colour that is not kept yet.
func previewColour(v *web.Visit) error {
	colour := v.Query("brand_colour")
	if !v.Part("preview") {
		return showBranding(v, newForm(nil), newForm(map[string]string{"brand_colour": colour}))
	}
	shown, err := brand.Previews(colour)
	if err != nil {
		shown = nil // half typed: nothing to show
	}
	return v.Show(http.StatusOK, previews(v.Reader, shown))
}

func saveColour(v *web.Visit) error {
	f := sentForm(v, "brand_colour")
	err := changeProfile(v, "branding.colour", func(p *account.Profile) { p.BrandColour = f.Typed["brand_colour"] })
	if fieldOf(err) == "brand_colour" {
		f.refuse("brand_colour", v.Reader.T("admin.brand.want"))
		return showBranding(v, newForm(nil), f)
	}
	if err != nil {
		return err
	}
	return after(v, "settings/branding", "saved")
}

// saveLogo draws the picture that came before it asks for a transaction: that
// takes a while, and most refusals need none.
func saveLogo(v *web.Visit) error {
	f := sentForm(v)
	logo, err := readLogo(v.File("logo"))
	var field *account.FieldError
	switch {
	case errors.As(err, &field):
		f.refuse("logo", v.Reader.T("admin.brand.logo.want"))
		return showBranding(v, f, colourForm(v))
	case err != nil:
		return err
	}
	_, err = once(v, "branding.logo", func(ctx context.Context, tx tenant.Tx) (act, error) {
		return act{object: "operator", detail: map[string]any{"logo": logo.Hash}}, account.PutLogo(ctx, tx, logo)
	})
	if err != nil {
		return err
	}
	return after(v, "settings/branding", "logo")
}

func readLogo(file *multipart.FileHeader) (account.Logo, error) {
	if file == nil {
		return account.Logo{}, &account.FieldError{Field: "logo", Want: "a file"}
	}
	opened, err := file.Open()
	if err != nil {
		return account.Logo{}, err
	}
	defer func() { _ = opened.Close() }() // only read
	content, err := io.ReadAll(io.LimitReader(opened, account.MaxLogoBytes+1))
	if err != nil {
		return account.Logo{}, err
	}
	return account.ReadLogo(content)
}

func removeLogo(v *web.Visit) error {
	_, err := once(v, "branding.logo_remove", func(ctx context.Context, tx tenant.Tx) (act, error) {
		return act{object: "operator"}, account.RemoveLogo(ctx, tx)
	})
	if err != nil {
		return err
	}
	return after(v, "settings/branding", "logo.removed")
}

// ratio writes a contrast as people read it, never better than it is: 8.4:1.
func ratio(r ui.Reader, contrast float64) string {
	tenths := money.DecimalOf(int64(contrast*10), 1)
	return r.Number(tenths) + ":1"
}
