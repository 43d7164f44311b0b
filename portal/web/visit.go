package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/locale"
	"tollhouse/billing/tenant"
	"tollhouse/portal/brand"
	"tollhouse/portal/static"
	"tollhouse/portal/ui"
)

// Visit is one request for a page.
type Visit struct {
	site    *Site
	echo    echo.Context
	Stack   *billing.Stack
	Profile account.Profile
	Who     identity.Principal // zero for a stranger
	User    identity.User      // the same
	Base    string             // what our addresses begin with: /t/<tenant>/, or / under the tenant's own host name
	Reader  ui.Reader
	theme   string
	csrf    string
	trace   string
	ended   bool // there was a session, and it is good no more
}

// visit begins one. The tenant's own host name is told by what was asked for:
// a path without /t/ can only have come that way.
func (s *Site) visit(e echo.Context) *Visit {
	v := &Visit{site: s, echo: e, Base: "/"}
	if v.trace, _ = e.Get("trace").(string); v.trace == "" {
		v.trace = uuid.NewString()
	}
	v.Reader = ui.Reader{Locale: locale.Locale{Language: v.language("", "")}}
	v.theme = v.chosenTheme()
	return v
}

// settle notes which tenant it is, for addresses, cookies and the log.
func (v *Visit) settle() {
	if strings.HasPrefix(v.echo.Request().RequestURI, "/t/") {
		v.Base = "/t/" + v.Stack.Ref.Name + "/"
	}
	v.echo.Set("tenant", v.Stack.Ref.Name) // under this name the API's log and figures look for it
	v.keepChoices()
	v.csrf = v.formToken()
}

// arrive reads who the operator is and who is speaking.
func (v *Visit) arrive(ctx context.Context, tx tenant.Tx) (err error) {
	if v.Profile, err = account.GetProfile(ctx, tx); err != nil {
		return err
	}
	if err = v.recognise(ctx, tx); err != nil {
		return err
	}
	v.Reader = ui.Reader{
		Locale: locale.Locale{Language: v.language(v.User.Language, string(v.Profile.Language)), Country: v.Profile.Country},
		Zone:   v.Profile.Zone, Today: calendar.DateOf(tx.At, v.Profile.Zone),
	}
	return nil
}

// recognise finds who a session cookie speaks for. A token of another tenant,
// an ended session and a user who is no subscriber are strangers alike.
func (v *Visit) recognise(ctx context.Context, tx tenant.Tx) error {
	token, expires := v.session()
	if token == "" {
		return nil
	}
	who, err := v.site.Authority.Authenticate(ctx, tx, token)
	if errors.Is(err, identity.ErrUnauthenticated) || err == nil && (who.Role != identity.Subscriber || who.Kind != identity.UserPrincipal) {
		v.ended = true
		return nil
	}
	if err != nil {
		return err
	}
	if v.User, err = v.site.Authority.GetUser(ctx, tx, who.UserID); err != nil {
		return err
	}
	v.Who = who
	v.echo.Set("actor", who.Actor())
	if expires.Sub(v.site.Now()) > identity.MaxTokenLife/2 {
		return nil
	}
	renewed, err := v.site.Authority.Renew(ctx, tx, who)
	if err != nil {
		return err
	}
	v.keepSession(renewed)
	return nil
}

// SignedIn says whether a subscriber is speaking.
func (v *Visit) SignedIn() bool { return v.Who.AccountID != uuid.Nil }

// Ended says whether somebody was signed in and is no more.
func (v *Visit) Ended() bool { return v.ended }

// Context is the request's.
func (v *Visit) Context() context.Context { return v.echo.Request().Context() }

// Param is a part of the path, Query of the query, Form of the body.
func (v *Visit) Param(name string) string { return v.echo.Param(name) }

// Query is a value of the query.
func (v *Visit) Query(name string) string { return v.echo.QueryParam(name) }

// Form is a value of the body.
func (v *Visit) Form(name string) string { return v.echo.Request().PostFormValue(name) }

// UserAgent is what the browser says of itself.
func (v *Visit) UserAgent() string { return v.echo.Request().UserAgent() }

// Part says whether only a part of the page is wanted, with this id, to be put
// into one that is open.
func (v *Visit) Part(id string) bool {
	h := v.echo.Request().Header
	return h.Get("HX-Request") == "true" && h.Get("HX-Request-Type") == "partial" && strings.HasSuffix(h.Get("HX-Target"), "#"+id)
}

// URL is an address of ours, with pairs of name and value as its query.
func (v *Visit) URL(path string, pairs ...string) string {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	if len(query) == 0 {
		return v.Base + path
	}
	return v.Base + path + "?" + query.Encode()
}

// Page is the shell of this visit's page.
func (v *Visit) Page(title string) ui.Page {
	p := ui.Page{Reader: v.Reader, Title: title, Operator: v.Profile.Name, Home: v.Base, Action: v.Base, Theme: v.theme, CSRF: v.csrf,
		Here: v.herePath(), Person: v.User.Name}
	if v.SignedIn() && p.Person == "" {
		p.Person = v.User.Email
	}
	if file, err := brand.File(v.Profile.BrandColour); err == nil {
		p.Sheet = static.Prefix + "brand/" + file
	}
	return p
}

// herePath is where this page can be read again: for the answer to a form, the
// page that the form stood on.
func (v *Visit) herePath() string {
	if v.echo.Request().Method == http.MethodPost || v.Stack == nil {
		return v.Base
	}
	inner := strings.TrimPrefix(v.echo.Request().URL.EscapedPath(), "/t/"+v.Stack.Ref.Name+"/")
	return v.Base + inner
}

// Redirect leads to another address after a form. 303 makes it a GET.
func (v *Visit) Redirect(to string) error { return v.echo.Redirect(http.StatusSeeOther, to) }

// toDoor leads a stranger to where one signs in, and back from there. A part
// of a page can't show the door, so the browser is told to go there.
func (v *Visit) toDoor() error {
	door := v.Base
	if v.echo.Request().Method == http.MethodGet && v.echo.Request().Header.Get("HX-Request") == "" {
		door = v.URL("", "next", v.echo.Request().RequestURI)
	}
	if v.echo.Request().Header.Get("HX-Request") == "true" {
		v.echo.Response().Header().Set("HX-Redirect", door)
		return v.echo.NoContent(http.StatusUnauthorized)
	}
	return v.Redirect(door)
}

// Next is where somebody wanted to go before signing in: a path of this
// tenant, or its start.
func (v *Visit) Next(wanted string) string {
	u, err := url.Parse(wanted)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(wanted, v.Base) || strings.HasPrefix(wanted, "//") || strings.ContainsAny(wanted, "\\\r\n") {
		return v.Base
	}
	return wanted
}

// Reload tells htmx to load the whole page again.
func (v *Visit) Reload() error {
	v.echo.Response().Header().Set("HX-Refresh", "true")
	return v.echo.NoContent(http.StatusOK)
}

// End ends a session: its tokens are void at once.
func (v *Visit) End(who identity.Principal) error {
	return v.Stack.Write(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		return v.site.Authority.EndSession(ctx, tx, who)
	})
}

// OwnName says whether the tenant's own host name was used, and gives it.
func (v *Visit) OwnName() (host string, own bool) {
	return v.echo.Request().Host, v.Base == "/"
}

// AtOwnName is an address of ours under the tenant's own host name; false if
// the host is not that name, on our port.
func (v *Visit) AtOwnName(host, path string) (string, bool) {
	u, err := url.Parse(v.site.PublicURL)
	if err != nil {
		return "", false
	}
	own := v.Stack.Ref.Name + ".localhost"
	if port := u.Port(); port != "" {
		own += ":" + port
	}
	if !strings.EqualFold(host, own) {
		return "", false
	}
	return u.Scheme + "://" + own + path, true
}

// Stranger is a visit to a page of no tenant.
func Stranger(s *Site, e echo.Context) *Visit {
	v := s.visit(e)
	v.securityHeaders("")
	v.keepChoices()
	return v
}
