package operator

import (
	"github.com/labstack/echo/v4"

	"tollhouse/portal/operator/admin"
	"tollhouse/portal/operator/books"
	"tollhouse/portal/operator/business"
	"tollhouse/portal/operator/cash"
	"tollhouse/portal/operator/collect"
	"tollhouse/portal/operator/desk"
	"tollhouse/portal/operator/migrations"
	"tollhouse/portal/operator/product"
	"tollhouse/portal/operator/programs"
	"tollhouse/portal/operator/promote"
	"tollhouse/portal/operator/reference"
	"tollhouse/portal/operator/replays"
	"tollhouse/portal/operator/value"
	"tollhouse/portal/operator/visitor"
	"tollhouse/portal/web"
)

// Register adds the console's addresses.
func Register(e *echo.Echo, site *web.Site) {
	console := e.Group("/t/:tenant/console")
	admin.Register(console, site)
	business.Register(console, site)
	collect.Register(console, site)
	cash.Register(console, site)
	desk.Register(console, site)
	value.Register(console, site)
	migrations.Register(console, site)
	promote.Register(console, site)
	product.Register(console, site)
	replays.Register(console, site)
	reference.Register(console, site)
	visitor.Register(console, site)
	books.Register(console, site)
	programs.Register(console, site)
	e.GET("/t/:tenant/logo/:file", site.Open(admin.Logo))
	e.GET("/t/:tenant/console", site.ConsoleOpen(func(v *web.Visit) error { return v.Redirect(v.Console("")) }))
	e.GET("/t/:tenant/console/*", site.ConsoleNotFound())
}
