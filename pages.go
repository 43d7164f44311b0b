package main

import (
	"log/slog"
	"time"

	"github.com/labstack/echo/v4"

	"tollhouse/api"
	"tollhouse/billing"
	"tollhouse/portal"
	"tollhouse/portal/staff"
)

// pageSources are whose pages a process serves beside the API; either may be
// missing. doors, if any, are listed at the root: only a demo has them, and with
// them the mailboxes of its sandboxes.
type pageSources struct {
	host      *billing.Host
	control   *api.Control
	publicURL string
	doors     func() []portal.Door
}

func withPages(s pageSources, log *slog.Logger) func(*echo.Echo) error {
	return func(e *echo.Echo) error {
		config := portal.Config{PublicURL: s.publicURL, Now: time.Now, Log: log, Mailbox: s.doors != nil}
		if s.host != nil {
			config.Host, config.Authority = s.host, s.host.Identity()
		}
		if c := s.control; c != nil {
			config.Control = &staff.Control{DB: c.DB, Commands: c.Commands, Registry: c.Registry, Staff: c.Staff, Visits: c.Visits, Watch: c.Watch, Fleet: c.Fleet, Desk: c.Desk,
				Mover: c.Mover, Ends: c.Ends, TakeOuts: c.TakeOuts}
		}
		pages := portal.New(config)
		pages.Register(e)
		if s.doors != nil {
			e.GET("/", pages.Landing(s.doors))
		}
		return nil
	}
}
