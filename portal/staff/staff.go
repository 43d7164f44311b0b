package staff

import (
	"github.com/labstack/echo/v4"

	"tollhouse/portal/web"
	"tollhouse/tenants"
)

// Control is the control plane as these pages need it.
type Control struct {
	DB       *tenants.DB
	Registry *tenants.Registry
	Staff    *tenants.Staff
}

// Register adds the addresses of staff's pages.
func Register(e *echo.Echo, site *web.Site, control *Control) {}
