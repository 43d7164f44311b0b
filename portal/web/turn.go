package web

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/billing/locale"
	"tollhouse/portal/ui"
)

// turn is one request for a page, whoever asks and at whichever door: what the
// visits of subscribers, operators and staff have in common.
type turn struct {
	site      *Site
	echo      echo.Context
	door      door
	Base      string // what addresses begin with: /t/<tenant>/, /staff/, or / under a host name of its own
	Reader    ui.Reader
	theme     string
	csrf      string
	trace     string
	exporting *exporting                      // a table of this page is wanted as a file
	ended     bool                            // there was a session, and it is good no more
	shell     func(title string) ui.Page      // of the page of an error
	here      func(escapedPath string) string // a path of ours as the browser knows it
}

func (s *Site) turn(e echo.Context, d door) turn {
	v := turn{site: s, echo: e, door: d, Base: "/"}
	if v.trace, _ = e.Get("trace").(string); v.trace == "" {
		v.trace = uuid.NewString()
	}
	v.Reader = ui.Reader{Locale: locale.Locale{Language: v.language("", "")}}
	v.theme = v.chosenTheme()
	return v
}

// Context is the request's.
func (v *turn) Context() context.Context { return v.echo.Request().Context() }

// Param is a part of the path.
func (v *turn) Param(name string) string { return v.echo.Param(name) }

// Query is a value of the query.
func (v *turn) Query(name string) string { return v.echo.Request().URL.Query().Get(name) }

// Form is a value of the body.
func (v *turn) Form(name string) string { return v.echo.Request().PostFormValue(name) }

// UserAgent is what the browser says of itself.
func (v *turn) UserAgent() string { return v.echo.Request().UserAgent() }

// Address is the network address of who asks, without its port.
func (v *turn) Address() string {
	host, _, err := net.SplitHostPort(v.echo.Request().RemoteAddr)
	if err != nil {
		return v.echo.Request().RemoteAddr
	}
	return host
}

// Ended says whether somebody was signed in and is no more.
func (v *turn) Ended() bool { return v.ended }

// RetryAfter tells programs when it is worth another try; the page tells people.
func (v *turn) RetryAfter(seconds int) {
	v.echo.Response().Header().Set("Retry-After", strconv.Itoa(seconds))
}

// Part says whether only a part of the page is wanted, with this id, to be put
// into one that is open.
func (v *turn) Part(id string) bool {
	h := v.echo.Request().Header
	return h.Get("HX-Request") == "true" && h.Get("HX-Request-Type") == "partial" && strings.HasSuffix(h.Get("HX-Target"), "#"+id)
}

// URL is an address of ours, with pairs of name and value as its query.
func (v *turn) URL(path string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	if len(query) == 0 {
		return v.Base + path
	}
	return v.Base + path + "?" + query.Encode()
}

// Redirect leads to another address after a form. 303 makes it a GET.
func (v *turn) Redirect(to string) error { return v.echo.Redirect(http.StatusSeeOther, to) }

// toDoor leads a stranger to where one signs in, and back from there. A part
// of a page can't show the door, so the browser is told to go there.
func (v *turn) toDoor(path string) error {
	at := v.URL(path)
	if v.echo.Request().Method == http.MethodGet && v.echo.Request().Header.Get("HX-Request") == "" {
		at = v.URL(path, "next", v.echo.Request().RequestURI)
	}
	if v.echo.Request().Header.Get("HX-Request") == "true" {
		v.echo.Response().Header().Set("HX-Redirect", at)
		return v.echo.NoContent(http.StatusUnauthorized)
	}
	return v.Redirect(at)
}

// next is where somebody wanted to go before signing in: a path below ours, or
// home.
func (v *turn) next(wanted, below, home string) string {
	u, err := url.Parse(wanted)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(wanted, below) || strings.HasPrefix(wanted, "//") || strings.ContainsAny(wanted, "\\\r\n") {
		return home
	}
	return wanted
}

// Reload tells htmx to load the whole page again.
func (v *turn) Reload() error {
	v.echo.Response().Header().Set("HX-Refresh", "true")
	return v.echo.NoContent(http.StatusOK)
}

// Lead answers a form that htmx sent by leading the whole page elsewhere, and
// one that the browser sent as Redirect does.
func (v *turn) Lead(to string) error {
	if v.echo.Request().Header.Get("HX-Request") == "true" {
		v.echo.Response().Header().Set("HX-Redirect", to)
		return v.echo.NoContent(http.StatusOK)
	}
	return v.Redirect(to)
}

// herePath is where this page can be read again, its query with it: for the
// answer to a form, the page that the form stood on.
func (v *turn) herePath() string {
	r := v.echo.Request()
	if r.Method == http.MethodPost || v.here == nil {
		return v.Base
	}
	query := r.URL.Query()
	for _, choice := range []string{"lang", "theme"} {
		query.Del(choice)
	}
	path := v.here(r.URL.EscapedPath())
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}
