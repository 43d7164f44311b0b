package portal

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"tollhouse/billing"
	"tollhouse/billing/identity"
	"tollhouse/portal/brand"
	"tollhouse/portal/mailbox"
	"tollhouse/portal/operator"
	"tollhouse/portal/staff"
	"tollhouse/portal/static"
	"tollhouse/portal/subscriber"
	"tollhouse/portal/web"
)

// Config is what the pages are made of.
type Config struct {
	Host      *billing.Host       // nil: no tenants' pages
	Authority *identity.Authority // wanted with Host
	Control   *staff.Control      // nil: no pages of hosting staff
	Mailbox   bool                // show what sandboxes would have sent, to anybody: a demo's
	PublicURL string              // where people reach us, without a slash at its end
	Now       func() time.Time    // wall time
	Log       *slog.Logger
}

// Portal serves pages.
type Portal struct {
	site    *web.Site
	control *staff.Control
	mailbox bool
}

// New makes the pages of a host's tenants, of hosting staff, or of both.
func New(c Config) *Portal {
	site := &web.Site{Host: c.Host, Authority: c.Authority, PublicURL: c.PublicURL, Now: c.Now, Log: c.Log}
	if c.Control != nil {
		site.Staff = c.Control.Staff
	}
	return &Portal{site, c.Control, c.Mailbox}
}

// Register adds all addresses of pages and their files.
func (p *Portal) Register(e *echo.Echo) {
	if p.control != nil {
		staff.Register(e, p.site, p.control)
	}
	if p.site.Host != nil {
		p.registerTenants(e)
	}
	RegisterFiles(e)
}

func (p *Portal) registerTenants(e *echo.Echo) {
	subscriber.Register(e, p.site)
	operator.Register(e, p.site)
	if p.mailbox {
		mailbox.Register(e, p.site)
	}
	e.GET("/t/:tenant", func(e echo.Context) error {
		return e.Redirect(http.StatusPermanentRedirect, "/t/"+e.Param("tenant")+"/")
	})
	e.GET("/t/:tenant/*", p.elsewhere(p.site.NotFound()))
}

// elsewhere tells a person that there is no such page, and a program that
// there is no such operation.
func (p *Portal) elsewhere(notFound echo.HandlerFunc) echo.HandlerFunc {
	return func(e echo.Context) error {
		if strings.HasPrefix(e.Param("*"), "v1/") {
			return echo.ErrNotFound
		}
		return notFound(e)
	}
}

// RegisterFiles adds the addresses of style sheets, script and fonts.
func RegisterFiles(e *echo.Echo) {
	e.GET(static.Prefix+":hash/*", func(e echo.Context) error {
		if !static.Serve(e.Response(), e.Request(), e.Param("hash"), e.Param("*")) {
			return echo.ErrNotFound
		}
		return nil
	})
	e.GET(static.Prefix+"brand/:colour/:file", brandSheet)
}

// brandSheet derives an operator's style sheet from the colour in its address,
// so that it needs to know nothing of operators.
func brandSheet(e echo.Context) error {
	colour := "#" + e.Param("colour")
	file, err := brand.File(colour)
	if err != nil || file != e.Param("colour")+"/"+e.Param("file") {
		return echo.ErrNotFound
	}
	sheet, err := brand.Sheet(colour)
	if err != nil {
		return err
	}
	static.Send(e.Response(), e.Request(), "text/css; charset=utf-8", []byte(sheet), nil)
	return nil
}
