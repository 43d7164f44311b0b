package e2e

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"tollhouse/e2e/tour"
)

// entrance is where a tour begins, and as whom.
type entrance struct {
	name, door, who string
	least           int  // pages that a tour finds at least: fewer means that it went astray
	look            bool // at every page; else only that each link leads to one
}

var entrances = []entrance{
	{"subscriber", "/t/nusantara/", "", 15, true},
	{"prepaid subscriber", "/t/hanse/", "", 12, true},
	{"owner", "/t/nusantara/console/", "owner", 70, true},
	{"staff", "/staff/", "hosting staff, admin", 8, true},
	{"owner in Germany", "/t/hanse/console/", "owner", 70, false},
	{"clerk", "/t/hanse/console/", ", clerk", 30, false},
	{"marketer", "/t/hanse/console/", ", marketer", 12, false},
	{"accountant", "/t/hanse/console/", ", accountant", 40, false},
	{"support", "/t/hanse/console/", ", support", 20, false},
	{"staff engineer", "/staff/", "hosting staff, engineer", 5, false},
}

// Every link on every page leads to a page or a file, whoever it is shown to,
// and axe-core finds nothing wrong with any page, in light and in dark, on a
// phone and on a desk.
func TestTour_noDeadLinkAndNoBarrier(t *testing.T) {
	d := shared(t)
	for _, in := range entrances {
		t.Run(in.name, func(t *testing.T) {
			page := newPage(t)
			signIn(t, page, d, in.door, in.who)
			if err := tour.Desktop.Use(page); err != nil {
				t.Fatal(err)
			}
			stops, err := tour.Crawl(page, d.base, in.door, in.door)
			if err != nil {
				t.Fatal(err)
			}
			var pages []tour.Stop
			for _, s := range stops {
				if s.Status != http.StatusOK {
					t.Errorf("%s answers %d; the link stands on %s", s.URL, s.Status, s.From)
				} else if !s.File {
					pages = append(pages, s)
				}
			}
			t.Logf("%d pages, %d files", len(pages), len(stops)-len(pages))
			if len(pages) < in.least {
				t.Errorf("the tour found %d pages, at least %d were expected", len(pages), in.least)
			}
			if in.look {
				checkAll(t, page, d.base+in.door, "light", tour.Desktop, pages)
				checkAll(t, page, d.base+in.door, "dark", tour.Phone, pages)
			}
		})
	}
}

// The pages that people see before they are signed in.
func TestTour_doorsHaveNoBarrier(t *testing.T) {
	d := shared(t)
	page := newPage(t)
	for _, path := range []string{"/", "/t/hanse/", "/t/hanse/console/sign-in", "/staff/sign-in", "/t/hanse/mailbox", "/t/hanse/nothing-here"} {
		for _, theme := range []string{"light", "dark"} {
			check(t, page, d.base+path+"?theme="+theme, theme+" "+path)
		}
	}
}

func checkAll(t *testing.T, page context.Context, start, theme string, view tour.View, pages []tour.Stop) {
	t.Helper()
	if err := view.Use(page); err != nil {
		t.Fatal(err)
	}
	if err := tour.Do(page, chromedp.Navigate(start+"?theme="+theme)); err != nil {
		t.Fatal(err)
	}
	looked := map[string]int{}
	for _, s := range pages {
		path, _, _ := strings.Cut(s.Pattern, "?")
		if looked[path]++; looked[path] <= viewsOfAPage {
			check(t, page, s.URL, theme+" "+view.Name+" "+s.Pattern)
		}
	}
}

// viewsOfAPage bounds how many selections of one page are looked at.
const viewsOfAPage = 2

// check reports what axe-core finds, and a page that is wider than the screen.
func check(t *testing.T, page context.Context, url, name string) {
	t.Helper()
	if err := tour.Do(page, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
	found, err := tour.Check(page)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for _, v := range found {
		t.Errorf("%s: %s", name, v)
	}
	wide, err := chromedp.Run(page, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > document.documentElement.clientWidth + 1`))
	if err != nil || wide {
		t.Errorf("%s: the page scrolls sideways (%v)", name, err)
	}
	if text := tour.Text(page); strings.Contains(text, "%!") {
		t.Errorf("%s: a text is badly filled", name)
	}
}

func newPage(t *testing.T) context.Context {
	t.Helper()
	page, quit, err := tour.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(quit)
	return page
}

func signIn(t *testing.T, page context.Context, d *demo, door, who string) {
	t.Helper()
	logins, err := tour.Logins(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	login, err := tour.Find(logins, door, who)
	if err != nil {
		t.Fatal(err)
	}
	if err := tour.SignIn(page, d.base, login); err != nil {
		t.Fatal(err)
	}
}
