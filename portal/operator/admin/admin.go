package admin

import (
	"context"

	"github.com/labstack/echo/v4"

	"tollhouse/billing/tenant"
	"tollhouse/portal/web"
)

// Register adds the addresses of these pages below a tenant's console.
func Register(console *echo.Group, site *web.Site) {
	console.GET("/sign-in", site.ConsoleOpen(door))
	console.POST("/sign-in", site.ConsoleOpen(signIn))
	console.POST("/sign-out", site.ConsoleOpen(signOut))
	// A GET of an address that only takes forms, after a reload say, leads home.
	console.GET("/sign-out", site.ConsoleOpen(func(v *web.Visit) error { return v.Redirect(v.Console("")) }))
}

// read runs fn on one snapshot of the visitor's operator.
func read(v *web.Visit, fn func(ctx context.Context, tx tenant.Tx) error) error {
	return v.Stack.Read(v.Context(), fn)
}
