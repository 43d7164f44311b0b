package visitor

import (
	"context"

	"github.com/labstack/echo/v4"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
	"tollhouse/portal/web"
)

// Register adds the addresses below an operator's console.
func Register(console *echo.Group, site *web.Site) {
	console.GET("/visit", site.ConsoleOpen(enter))
	console.POST("/visit/leave", site.Console("", leave))
}

// enter opens the session of a ticket. It is a GET, as it comes from another
// site; the ticket is good once and for two minutes.
func enter(v *web.Visit) error {
	var in visit.Inside
	err := v.Stack.Write(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		in, err = visit.Redeem(ctx, tx, v.Authority(), v.Caller(), v.Query("ticket"))
		return err
	})
	if err != nil {
		return err
	}
	v.KeepSession(in.Token, in.Expires)
	return v.Redirect(v.Console(""))
}

// leave ends the visitor's own visit.
func leave(v *web.Visit) error {
	if v.Who.Kind == identity.StaffPrincipal {
		err := v.Stack.Write(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
			return visit.End(ctx, tx, v.Caller(), v.Who.Session)
		})
		if err != nil {
			return err
		}
	}
	v.DropSession()
	return v.Redirect(v.Console("sign-in", "out", "1"))
}
