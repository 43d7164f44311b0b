package admin

import (
	"context"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
	"tollhouse/portal/web"
)

// Logo sends the operator's logo to anybody. Its address bears the picture's
// hash, so a page that is open keeps its own picture after a change; the file
// is always a PNG of our own drawing.
func Logo(v *web.Visit) error {
	if v.Profile.Logo == "" || v.Param("file") != v.Profile.Logo+".png" {
		return account.ErrNotFound
	}
	var logo account.Logo
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		logo, err = account.GetLogo(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	return v.SendFile("image/png", logo.Picture)
}
