package admin

import (
	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"tollhouse/billing/identity"
	"tollhouse/portal/door"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// consoleDoor is where the operator's people come in. Subscribers are told of
// their own.
func consoleDoor() *door.Door {
	return &door.Door{
		Path: door.ConsolePath, Entrance: "sign-in", Security: "security", Words: "console",
		Admits: func(u identity.User) bool { return u.Role != identity.Subscriber },
		Shell: func(v *web.Visit, title string) templ.Component {
			return ui.Console(frame.Of(v, frame.Security, title))
		},
	}
}

func registerDoor(console *echo.Group, site *web.Site) {
	signedIn := func(h door.Handler) echo.HandlerFunc { return site.Console("", h) }
	consoleDoor().Register(console, site.ConsoleOpen, signedIn)
}
