package portal

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// Door is an operator's entrance on the front page.
type Door struct {
	Operator string
	About    string // in a few words, such as: mobile, euro
	Path     string // such as /t/hanse/
}

// Landing shows the doors of a demo's operators; the list is asked for on each
// visit. A real operator has an address of its own and no front page.
func (p *Portal) Landing(doors func() []Door) echo.HandlerFunc {
	return func(e echo.Context) error {
		v := web.Stranger(p.site, e)
		page := v.Page(v.Reader.T("landing.title"))
		page.Home = ""
		var list []ui.DoorCard
		for _, d := range doors() {
			list = append(list, ui.DoorCard{Mark: ui.Page{Operator: d.Operator}.Mark(), Name: d.Operator, About: d.About, Href: d.Path})
		}
		return v.Show(http.StatusOK, ui.FrontDoor(page, list))
	}
}
