package web

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/locale"
	"tollhouse/portal/ui"
	"tollhouse/tenants"
)

// StaffVisit is one request for a page of hosting staff.
type StaffVisit struct {
	turn
	Who tenants.Actor // zero for a stranger
}

// staffPath is where staff's pages stand, unless under staff's own host name.
const staffPath = "/staff/"

// StaffOpen answers a request at the staff's door, signed in or not.
func (s *Site) StaffOpen(handle func(*StaffVisit) error) echo.HandlerFunc {
	return s.staffPage(func(v *StaffVisit) error {
		if err := v.checkForm(); err != nil {
			return err
		}
		return handle(v)
	})
}

// StaffOnly answers staff who have a permission; "" wants none but to be
// signed in.
func (s *Site) StaffOnly(permission tenants.Permission, handle func(*StaffVisit) error) echo.HandlerFunc {
	return s.staffPage(func(v *StaffVisit) error {
		if !v.SignedIn() {
			return v.toDoor("sign-in")
		}
		if permission != "" && !v.Who.Role.May(permission) {
			return fmt.Errorf("%s needs %s: %w", v.Who.Role, permission, identity.ErrForbidden)
		}
		if err := v.checkForm(); err != nil {
			return err
		}
		return handle(v)
	})
}

func (s *Site) staffPage(handle func(*StaffVisit) error) echo.HandlerFunc {
	return func(e echo.Context) error {
		v := &StaffVisit{turn: s.turn(e, staffDoor)}
		v.shell = v.Page
		return v.run(maxFormBytes, func(ctx context.Context) error {
			if err := v.arrive(ctx); err != nil {
				return err
			}
			return handle(v)
		})
	}
}

// arrive finds who is speaking. Staff work in one zone, so that times agree
// between colleagues and logs.
func (v *StaffVisit) arrive(ctx context.Context) error {
	if strings.HasPrefix(v.echo.Request().RequestURI, staffPath) {
		v.Base = staffPath
	}
	v.here = func(path string) string { return v.Base + strings.TrimPrefix(path, staffPath) }
	v.keepChoices()
	v.csrf = v.formToken()
	v.Reader = ui.Reader{Locale: locale.Locale{Language: v.language("", "en"), Country: "GB"}, Zone: time.UTC,
		Today: calendar.DateOf(v.site.Now(), time.UTC)}
	token, _ := v.session()
	if token == "" {
		return nil
	}
	who, err := v.site.Staff.Authenticate(ctx, token)
	if errors.Is(err, tenants.ErrToken) {
		v.ended = true
		return nil
	}
	if err != nil {
		return err
	}
	who.Trace = v.trace
	v.Who = who
	v.echo.Set("actor", who.String())
	return nil
}

// SignedIn says whether staff are speaking.
func (v *StaffVisit) SignedIn() bool { return v.Who.ID != uuid.Nil }

// May says whether the visitor has a permission.
func (v *StaffVisit) May(permission tenants.Permission) bool { return v.Who.Role.May(permission) }

// Page is the shell of this visit's page.
func (v *StaffVisit) Page(title string) ui.Page {
	return ui.Page{Reader: v.Reader, Title: title, Home: v.Base, Action: v.Base, Theme: v.theme, CSRF: v.csrf, Here: v.herePath(), Person: v.Who.Email}
}

// Next is where somebody wanted to go before signing in, or the start.
func (v *StaffVisit) Next(wanted string) string { return v.next(wanted, v.Base, v.Base) }

// At is wall time, which staff's pages go by.
func (v *StaffVisit) At() time.Time { return v.site.Now() }

// TenantURL is an address of a tenant's pages: under its own host name where
// staff came by theirs.
func (v *StaffVisit) TenantURL(name, path string, pairs ...string) string {
	base := "/t/" + name + "/"
	host := v.echo.Request().Host
	if _, rest, named := strings.Cut(host, "staff."); named && v.Base == "/" {
		base = v.echo.Scheme() + "://" + name + "." + rest + "/"
	}
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	if len(query) == 0 {
		return base + path
	}
	return base + path + "?" + query.Encode()
}

// GoOn has the browser go to another site once this page is shown: a form's
// own redirect may not lead there.
func (v *StaffVisit) GoOn(to string) { v.echo.Response().Header().Set("Refresh", "1; url="+to) }
