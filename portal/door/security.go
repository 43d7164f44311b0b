package door

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

func (d *Door) registerSecurity(g *echo.Group, in func(Handler) echo.HandlerFunc) {
	at := "/" + d.Security
	g.GET(at, in(own(d.security)))
	g.GET(at+"/history", in(own(d.history)))
	for path, handle := range map[string]Handler{
		"/password": d.changePassword, "/factor": d.beginFactor, "/factor/confirm": d.confirmFactor, "/factor/remove": d.removeFactor,
		"/recovery": d.newRecoveryCodes, "/sessions/end-others": d.endOtherSessions, "/sessions/:session/end": d.endSession,
	} {
		g.POST(at+path, in(own(handle)))
		g.GET(at+path, in(func(v *web.Visit) error { return v.Redirect(d.url(v, d.Security)) }))
	}
}

// own lets a user look after itself. Visiting staff are no user here.
func own(handle Handler) Handler {
	return func(v *web.Visit) error {
		if v.Who.Kind != identity.UserPrincipal {
			return account.ErrNotFound
		}
		return handle(v)
	}
}

// securityView is a person's own way in.
type securityView struct {
	Done     string // what was done just now, in words
	HasTOTP  bool
	Codes    string // how many recovery codes are left
	FewCodes bool
	Sessions []sessionView
	Others   bool // there are sessions besides this one
	Events   []eventView
	Old, New ui.Field // of the password's form
	Hurdle   hurdle
	Removal  ui.Field // password that removing the factor wants
	Base     string   // address of this page; its forms stand below
}

// latestEvents is how much of the history stands on the page; few recovery
// codes are worth new ones.
const (
	latestEvents = 8
	fewCodes     = 3
)

func (d *Door) security(v *web.Visit) error {
	view := securityView{}
	for _, done := range []string{"password", "removed", "ended", "others"} {
		if v.Query("done") == done {
			view.Done = v.Reader.T("door.done." + done)
		}
	}
	return d.showSecurity(v, view)
}

func (d *Door) showSecurity(v *web.Visit, s securityView) error {
	r := v.Reader
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error { return d.loadSecurity(ctx, tx, v, &s) })
	if err != nil {
		return err
	}
	status := http.StatusOK
	if s.Old.Error != "" || s.New.Error != "" || s.Removal.Error != "" {
		status = http.StatusUnprocessableEntity
	}
	s.Base = d.url(v, d.Security)
	s.Old = passwordField("old", r.T("door.old"), "current-password", "", s.Old.Error)
	s.New = passwordField("new", r.T("door.new"), "new-password", r.T("door.new.hint"), s.New.Error)
	s.Removal = passwordField("password", r.T("door.old"), "current-password", r.T("door.remove.hint"), s.Removal.Error)
	title := r.T("door.security")
	return v.Show(s.Hurdle.statusOr(status), securityPage(d.Shell(v, title), v.Page(title), s))
}

func passwordField(id, label, autocomplete, hint, fault string) ui.Field {
	return ui.Field{ID: id, Label: label, Kind: "password", Autocomplete: autocomplete, Hint: hint, Error: fault}
}

func (d *Door) loadSecurity(ctx context.Context, tx tenant.Tx, v *web.Visit, s *securityView) (err error) {
	a, user := v.Authority(), v.Who.UserID
	if s.HasTOTP, err = a.HasTOTP(ctx, tx, user); err != nil {
		return err
	}
	if s.HasTOTP {
		left, err := a.RecoveryCodesLeft(ctx, tx, user)
		if err != nil {
			return err
		}
		s.Codes, s.FewCodes = v.Reader.N("door.codes.left", int64(left)), left <= fewCodes
	}
	sessions, err := a.Sessions(ctx, tx, user)
	if err != nil {
		return err
	}
	s.Sessions, s.Others = sessionsOf(v, sessions), len(sessions) > 1
	events, err := a.SignIns(ctx, tx, user, uuid.Nil, latestEvents)
	s.Events = eventsOf(v, events)
	return err
}

func (d *Door) changePassword(v *web.Visit) error {
	s := securityView{}
	err := v.Stack.ChangePassword(v.Context(), v.Who, identity.PasswordChange{Old: v.Form("old"), New: v.Form("new"),
		UserAgent: v.UserAgent(), Address: v.Address(), Device: v.Device()})
	switch {
	case errors.Is(err, identity.ErrSignIn):
		s.Old.Error = v.Reader.T("door.old.wrong")
		return d.showSecurity(v, s)
	case errors.Is(err, identity.ErrPassword):
		s.New.Error = v.Reader.T("door.new.hint")
		return d.showSecurity(v, s)
	}
	if h, told := hurdleOf(v, err, "signin.wrong"); told {
		s.Hurdle = h
		return d.showSecurity(v, s)
	}
	if err != nil {
		return err
	}
	return v.Redirect(d.url(v, d.Security, "done", "password"))
}

// write runs a command of the visitor's on its own way in, with its entry in
// the audit trail.
func write(v *web.Visit, action string, fn func(ctx context.Context, tx tenant.Tx) error) error {
	return v.Stack.Write(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		if err := fn(ctx, tx); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Caller: v.Caller(), Action: action, Object: "user", ObjectID: v.Who.UserID})
	})
}
