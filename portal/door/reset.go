package door

import (
	"errors"
	"net/http"

	"tollhouse/billing/identity"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// resetView asks where to send a link that lets its reader set a password.
type resetView struct {
	Email   string
	Sent    bool
	Missing bool
	Hurdle  hurdle
	Action  string
	Again   string // address of the sign-in
}

func (s resetView) field(r ui.Reader) ui.Field {
	f := ui.Field{ID: "email", Label: r.T("signin.email"), Kind: "email", Value: s.Email, Autocomplete: "username", MaxLength: "254"}
	if s.Missing {
		f.Error = r.T("signin.email.missing")
	}
	return f
}

func (d *Door) showReset(v *web.Visit, s resetView) error {
	status := http.StatusOK
	if s.Missing {
		status = http.StatusUnprocessableEntity
	}
	s.Action, s.Again = d.url(v, "reset"), d.url(v, d.Entrance)
	return v.Show(s.Hurdle.statusOr(status), resetPage(v.Page(v.Reader.T("door.reset.title")), s))
}

func (d *Door) askForReset(v *web.Visit) error { return d.showReset(v, resetView{}) }

// sendReset answers the same whoever was asked for.
func (d *Door) sendReset(v *web.Visit) error {
	s := resetView{Email: typed(v, "email")}
	if s.Missing = s.Email == ""; s.Missing {
		return d.showReset(v, s)
	}
	err := v.Stack.SendReset(v.Context(), identity.ResetRequest{Email: s.Email, Address: v.Address(), Link: PasswordLink(v, d.Path)})
	if h, told := hurdleOf(v, err, "signin.wrong"); told {
		s.Hurdle = h
		return d.showReset(v, s)
	}
	if err != nil {
		return err
	}
	s.Sent = true
	return d.showReset(v, s)
}

// passwordView sets a password by a link from a message: after a reset, or as
// the first one.
type passwordView struct {
	Token  string
	Fault  string
	Dead   bool // the link is good no more
	Action string
	Reset  string // address that sends another link
}

func (p passwordView) field(r ui.Reader) ui.Field {
	return ui.Field{ID: "password", Label: r.T("door.new"), Kind: "password", Autocomplete: "new-password", Hint: r.T("door.new.hint"), Error: p.Fault}
}

func (d *Door) showPassword(v *web.Visit, p passwordView) error {
	status := http.StatusOK
	if p.Fault != "" || p.Dead {
		status = http.StatusUnprocessableEntity
	}
	p.Action, p.Reset = d.url(v, setPassword), d.url(v, "reset")
	return v.Show(status, passwordPage(v.Page(v.Reader.T("door.set.title")), p))
}

// newPassword does not look whether the token is good: that is told to who
// sends a password, and only once.
func (d *Door) newPassword(v *web.Visit) error {
	if v.Query("token") == "" {
		return v.Redirect(d.url(v, d.Entrance))
	}
	return d.showPassword(v, passwordView{Token: v.Query("token")})
}

func (d *Door) setPassword(v *web.Visit) error {
	p := passwordView{Token: v.Form("token")}
	err := v.Stack.ResetPassword(v.Context(), p.Token, v.Form("password"))
	switch {
	case errors.Is(err, identity.ErrPassword):
		p.Fault = v.Reader.T("door.new.hint")
		return d.showPassword(v, p)
	case errors.Is(err, identity.ErrResetToken):
		p.Dead = true
		return d.showPassword(v, p)
	case err != nil:
		return err
	}
	v.DropSession()
	return v.Redirect(d.url(v, d.Entrance, "set", "1"))
}
