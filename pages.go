package main

import (
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"

	"tollhouse/billing"
	"tollhouse/portal"
)

// withPages serves the subscribers' pages beside the API. doors, if any, are
// listed at the root.
func withPages(host *billing.Host, publicURL string, log *slog.Logger, doors func() []portal.Door) func(*echo.Echo) error {
	return func(e *echo.Echo) error {
		pages := portal.New(portal.Config{Host: host, Authority: host.Identity(), PublicURL: publicURL, Now: time.Now, Log: log})
		pages.Register(e)
		if doors != nil {
			e.GET("/", pages.Landing(doors))
		}
		return nil
	}
}
