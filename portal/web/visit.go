package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/locale"
	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
	"tollhouse/portal/brand"
	"tollhouse/portal/static"
	"tollhouse/portal/ui"
)

// Visit is one request for a page of a tenant: a subscriber's or the console's.
type Visit struct {
	turn
	Stack   *billing.Stack
	Profile account.Profile
	Who     identity.Principal // zero for a stranger
	User    identity.User      // the same; zero for visiting staff
	Visits  []visit.Visit      // hosting staff who are in now; for the console's people
	at      time.Time
}

// settle notes which tenant it is, for addresses, cookies and the log. The
// tenant's own host name is told by what was asked for: a path without /t/ can
// only have come that way.
func (v *Visit) settle() {
	if strings.HasPrefix(v.echo.Request().RequestURI, "/t/") {
		v.Base = "/t/" + v.Stack.Ref.Name + "/"
	}
	v.here = func(path string) string { return v.Base + strings.TrimPrefix(path, "/t/"+v.Stack.Ref.Name+"/") }
	v.echo.Set("tenant", v.Stack.Ref.Name) // under this name the API's log and figures look for it
	v.keepChoices()
	v.csrf = v.formToken()
}

// arrive reads who the operator is and who is speaking.
func (v *Visit) arrive(ctx context.Context, tx tenant.Tx) (err error) {
	if v.Profile, err = account.GetProfile(ctx, tx); err != nil {
		return err
	}
	v.at = tx.At
	if err = v.recognise(ctx, tx); err != nil {
		return err
	}
	if v.door == consoleDoor && v.SignedIn() {
		if v.Visits, err = visit.Current(ctx, tx, v.site.Now()); err != nil {
			return err
		}
	}
	v.Reader = ui.Reader{
		Locale: locale.Locale{Language: v.language(v.User.Language, string(v.Profile.Language)), Country: v.Profile.Country},
		Zone:   v.Profile.Zone, Today: calendar.DateOf(tx.At, v.Profile.Zone),
	}
	return nil
}

// recognise finds who a session cookie speaks for. A token of another tenant,
// an ended session and a user of the other door are strangers alike.
func (v *Visit) recognise(ctx context.Context, tx tenant.Tx) error {
	token, expires := v.session()
	if token == "" {
		return nil
	}
	who, err := v.site.Authority.Authenticate(ctx, tx, token)
	if errors.Is(err, identity.ErrUnauthenticated) || err == nil && !v.door.admits(who) {
		v.ended = true
		return nil
	}
	if err != nil {
		return err
	}
	v.Who = who
	v.echo.Set("actor", who.Actor())
	if who.Kind != identity.UserPrincipal {
		return nil // visiting staff: no user of the operator, and never renewed
	}
	if v.User, err = v.site.Authority.GetUser(ctx, tx, who.UserID); err != nil {
		return err
	}
	if expires.Sub(v.site.Now()) > identity.MaxTokenLife/2 {
		return nil
	}
	renewed, err := v.site.Authority.Renew(ctx, tx, who)
	if err != nil {
		return err
	}
	v.keepSession(renewed.Token, renewed.Expires)
	return nil
}

// admits says whether a principal belongs at a door. Keys are for programs.
func (d door) admits(who identity.Principal) bool {
	if who.Kind == identity.KeyPrincipal {
		return false
	}
	return (who.Role == identity.Subscriber) == (d == subscriberDoor)
}

// At is the operator's business time when the visit began.
func (v *Visit) At() time.Time { return v.at }

// SignedIn says whether somebody is speaking who belongs at this door.
func (v *Visit) SignedIn() bool { return v.Who.UserID != uuid.Nil }

// May says whether the visitor has a permission.
func (v *Visit) May(permission identity.Permission) bool { return v.Who.Require(permission) == nil }

// Caller is on whose behalf commands run, for the audit trail.
func (v *Visit) Caller() audit.Caller {
	return audit.Caller{Actor: v.Who.Actor(), Trace: v.trace, WallAt: v.site.Now()}
}

// Console is an address of the operator's console, with pairs of name and value
// as its query.
func (v *Visit) Console(path string, pairs ...string) string { return v.URL("console/"+path, pairs...) }

// ConsoleFor is such an address for who may go there; "" for others, as they
// are shown no link that would refuse them.
func (v *Visit) ConsoleFor(wants identity.Permission, path string, pairs ...string) string {
	if !v.May(wants) {
		return ""
	}
	return v.Console(path, pairs...)
}

// PublicLink is an address of this tenant as a message may carry it.
func (v *Visit) PublicLink(path string) string {
	return v.TenantLink(v.Stack.Ref.Name, path)
}

// TenantLink is an address of any tenant, such as this one's copy.
func (v *Visit) TenantLink(name, path string) string {
	return v.site.PublicURL + "/t/" + name + "/" + path
}

// Page is the shell of this visit's page.
func (v *Visit) Page(title string) ui.Page {
	p := ui.Page{Reader: v.Reader, Title: title, Operator: v.Profile.Name, Home: v.Base, Action: v.Base, Theme: v.theme, CSRF: v.csrf,
		Here: v.herePath(), Person: v.User.Name}
	if v.door == consoleDoor {
		p.Home, p.Action = v.Console(""), v.Console("")
	}
	if v.SignedIn() && p.Person == "" {
		p.Person = v.User.Email
	}
	if file, err := brand.File(v.Profile.BrandColour); err == nil {
		p.Sheet = static.Prefix + "brand/" + file
	}
	if v.Profile.Logo != "" {
		p.Logo = v.URL("logo/" + v.Profile.Logo + ".png")
	}
	return p
}

// Next is where somebody wanted to go before signing in: a path of this
// tenant, or its start.
func (v *Visit) Next(wanted string) string {
	if v.door == consoleDoor {
		return v.next(wanted, v.Console(""), v.Console(""))
	}
	return v.next(wanted, v.Base, v.Base)
}

// End ends a session: its tokens are void at once.
func (v *Visit) End(who identity.Principal) error {
	return v.Stack.Write(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		return v.site.Authority.EndSession(ctx, tx, who)
	})
}

// Authority signs people in and keeps their sessions, codes and roles.
func (v *Visit) Authority() *identity.Authority { return v.site.Authority }

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
	v := &Visit{turn: s.turn(e, subscriberDoor)}
	v.shell = v.Page
	v.securityHeaders("")
	v.keepChoices()
	return v
}

// SendFile answers with a file of ours that pages show, such as an operator's
// logo. It may be kept for an hour, and is never taken for a page.
func (v *Visit) SendFile(kind string, body []byte) error {
	h := v.echo.Response().Header()
	h.Set("Cache-Control", "private, max-age=3600")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	return v.echo.Blob(http.StatusOK, kind, body)
}
