package portal

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// Door is an operator's entrances on the front page.
type Door struct {
	Operator string
	About    string // in a few words, such as: DE, EUR
	Name     string // as in paths: hanse
	Apart    bool   // its stack answers on a machine of its own, which shows no mailbox
}

// Landing shows the doors of a demo's operators and its staff's; the list is
// asked for on each visit. A real operator has an address of its own and no
// front page.
func (p *Portal) Landing(doors func() []Door) echo.HandlerFunc {
	return func(e echo.Context) error {
		v := web.Stranger(p.site, e)
		page := v.Page(v.Reader.T("landing.title"))
		page.Home = ""
		var houses []ui.DoorCard
		for _, d := range doors() {
			houses = append(houses, p.house(v.Reader, d))
		}
		if p.control != nil {
			houses = append(houses, ui.DoorCard{Mark: "T", Name: "Tollhouse",
				Doors: []ui.DoorLink{doorLink(v.Reader, "shield", "staff", "/staff/")}})
		}
		return v.Show(http.StatusOK, ui.FrontDoor(page, houses))
	}
}

func (p *Portal) house(r ui.Reader, d Door) ui.DoorCard {
	base := "/t/" + d.Name + "/"
	card := ui.DoorCard{Mark: ui.Page{Operator: d.Operator}.Mark(), Name: d.Operator, About: d.About, Doors: []ui.DoorLink{
		doorLink(r, "home", "subscriber", base), doorLink(r, "chart", "console", base+"console/"),
	}}
	if p.mailbox && !d.Apart {
		card.Doors = append(card.Doors, doorLink(r, "mail", "mailbox", base+"mailbox"))
	}
	return card
}

func doorLink(r ui.Reader, icon, key, href string) ui.DoorLink {
	return ui.DoorLink{Icon: icon, Label: r.T("landing." + key), More: r.T("landing." + key + ".more"), Href: href}
}
