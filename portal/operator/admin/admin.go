package admin

import (
	"github.com/labstack/echo/v4"

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
