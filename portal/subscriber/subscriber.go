package subscriber

import (
	"github.com/labstack/echo/v4"

	"tollhouse/portal/web"
)

// Register adds the page's addresses below /t/:tenant.
func Register(e *echo.Echo, site *web.Site) {
	t := e.Group("/t/:tenant")
	t.GET("/", site.Open(start))
	t.POST("/sign-in", site.Open(signIn))
	t.POST("/sign-out", site.Open(signOut))
	t.POST("/pay", site.SignedIn(pay))
	t.POST("/top-up", site.SignedIn(topUp))
	t.GET("/top-up", site.SignedIn(understand))
	t.GET("/payments/:intent", site.SignedIn(paymentState))
	t.GET("/usage/:period/:id", site.SignedIn(why))
	t.GET("/bills/:bill/pdf", site.SignedIn(billPDF))
	t.GET("/returned", site.Open(returned))
	// A GET of an address that only takes forms, after a reload say, leads home.
	for _, path := range []string{"/sign-in", "/sign-out", "/pay"} {
		t.GET(path, site.Open(func(v *web.Visit) error { return v.Redirect(v.Base) }))
	}
}

// start is the page for a subscriber and the door for everybody else.
func start(v *web.Visit) error {
	if !v.SignedIn() {
		return door(v, doorView{Next: v.Query("next"), Ended: v.Ended(), Out: v.Query("out") != ""})
	}
	return home(v)
}
