package product

import (
	"context"

	"github.com/labstack/echo/v4"

	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/web"
)

// Register adds the addresses of these pages below a tenant's console.
func Register(console *echo.Group, site *web.Site) {
	console.GET("/partners", site.Console(identity.OfferingRead, partners))
	console.POST("/partners", site.Console(identity.OfferingWrite, putPartner))
	console.GET("/specifications", site.Console(identity.OfferingRead, specifications))
	console.POST("/specifications", site.Console(identity.OfferingWrite, putSpecification))
	console.GET("/specifications/:specification", site.Console(identity.OfferingRead, specifications))
	console.POST("/specifications/:specification/remove", site.Console(identity.OfferingWrite, removeSpecification))
	console.GET("/catalog.yaml", site.Console(identity.OfferingRead, sendCatalog(false)))
	console.GET("/catalog.json", site.Console(identity.OfferingRead, sendCatalog(true)))
}

// sendCatalog sends all offerings as one file, as the import takes them.
func sendCatalog(asJSON bool) func(v *web.Visit) error {
	return func(v *web.Visit) error {
		var text []byte
		err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
			text, err = catalog.Archive(ctx, tx, asJSON)
			return err
		})
		if err != nil {
			return err
		}
		if asJSON {
			return v.Download("catalog.json", "application/json", text)
		}
		return v.Download("catalog.yaml", "application/yaml; charset=utf-8", text)
	}
}
