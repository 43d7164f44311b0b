package desk

import (
	"github.com/labstack/echo/v4"

	"tollhouse/portal/web"
)

// Register adds the addresses of these pages below a tenant's console.
func Register(console *echo.Group, site *web.Site) {}
