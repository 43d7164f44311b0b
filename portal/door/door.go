package door

import (
	"errors"
	"net/http"
	"strings"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"

	"tollhouse/billing/identity"
	"tollhouse/portal/web"
)

// Paths of the doors below a tenant's address.
const (
	SubscriberPath = ""
	ConsolePath    = "console/"
)

// Door is one entrance of a tenant.
type Door struct {
	Path     string                                           // below the tenant's address: SubscriberPath or ConsolePath
	Entrance string                                           // where one signs in, below Path; "": at its start
	Security string                                           // where a person's own security stands, below Path
	Words    string                                           // of the texts that differ: door.lead.<words>, door.elsewhere.<words>
	Admits   func(identity.User) bool                         // who belongs here
	Shell    func(v *web.Visit, title string) templ.Component // of pages behind the door, around its children
}

// Handler answers a visit.
type Handler = func(*web.Visit) error

// Register adds a door's addresses to a group that stands at its Path. open
// lets everybody in, in only those who are signed in at this door.
func (d *Door) Register(g *echo.Group, open, in func(Handler) echo.HandlerFunc) {
	if d.Entrance != "" {
		g.GET("/"+d.Entrance, open(d.Enter))
	}
	g.POST("/sign-in", open(d.signIn))
	g.POST("/sign-in/factor", open(d.completeSignIn))
	g.GET("/sign-in/code", open(d.askForCode))
	g.POST("/sign-in/code", open(d.sendCode))
	g.POST("/sign-in/code/enter", open(d.signInWithCode))
	g.POST("/sign-out", open(d.signOut))
	g.GET("/reset", open(d.askForReset))
	g.POST("/reset", open(d.sendReset))
	g.GET("/"+setPassword, open(d.newPassword))
	g.POST("/"+setPassword, open(d.setPassword))
	d.registerSecurity(g, in)
	// A GET of an address that only takes forms, after a reload say, leads to the door.
	for _, path := range []string{"/sign-in", "/sign-in/factor", "/sign-in/code/enter", "/sign-out"} {
		if path != "/"+d.Entrance {
			g.GET(path, open(func(v *web.Visit) error { return v.Redirect(d.url(v, d.Entrance)) }))
		}
	}
}

// url is an address of this door.
func (d *Door) url(v *web.Visit, path string, pairs ...string) string {
	return v.URL(d.Path+path, pairs...)
}

// setPassword is where links in messages lead that let their holder set a
// password.
const setPassword = "set-password"

// PasswordLink is what a message's link to set a password begins with; the
// token follows. path is the door's: SubscriberPath or ConsolePath.
func PasswordLink(v *web.Visit, path string) string {
	return v.PublicLink(path + setPassword + "?token=")
}

// settle begins the session of somebody who has shown all that was wanted, if
// they belong at this door, and says whether they do.
func (d *Door) settle(v *web.Visit, in identity.SignedIn) (admitted bool, err error) {
	if !d.Admits(in.User) {
		return false, v.End(identity.Principal{UserID: in.User.ID, Session: in.Session})
	}
	v.KeepSession(in.Token, in.Expires)
	v.KeepDevice(in.Device)
	return true, nil
}

// hurdle is why somebody did not come in, in words; the zero value is none.
type hurdle struct {
	Title, More string
	status      int
}

// hurdleOf tells what stands between somebody and the way in; false for a
// fault that is none of theirs. wrong is what an ErrSignIn means here.
func hurdleOf(v *web.Visit, err error, wrong string) (hurdle, bool) {
	r := v.Reader
	var tooMany *identity.TooManyError
	switch {
	case errors.As(err, &tooMany):
		v.RetryAfter(tooMany.Seconds())
		return hurdle{r.T("door.many"), r.T("door.many.more", "wait", waitWords(r, tooMany.Seconds())), http.StatusTooManyRequests}, true
	case errors.Is(err, identity.ErrBusy):
		v.RetryAfter(busySeconds)
		return hurdle{r.T("door.busy"), r.T("door.busy.more"), http.StatusServiceUnavailable}, true
	case errors.Is(err, identity.ErrSignIn):
		return hurdle{r.T(wrong), r.T(wrong + ".more"), http.StatusUnprocessableEntity}, true
	}
	return hurdle{}, false
}

// busySeconds is when it is worth another try while many sign in at once.
const busySeconds = 5

func (h hurdle) statusOr(other int) int {
	if h.status != 0 {
		return h.status
	}
	return other
}

// elsewhere tells somebody that this is the wrong door for them.
func (d *Door) elsewhere(v *web.Visit) hurdle {
	key := "door.elsewhere." + d.Words
	return hurdle{v.Reader.T(key), v.Reader.T(key + ".more"), http.StatusUnprocessableEntity}
}

// typed is what a person typed into a field, without the spaces around it.
func typed(v *web.Visit, name string) string { return strings.TrimSpace(v.Form(name)) }
