package staff

import (
	"context"
	"errors"
	"net/http"

	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/tenants"
)

// doorView is where staff sign in.
type doorView struct {
	Form      form
	Wrong     string // why they could not
	Note      string
	Next      string
	Action    string
	Challenge string // a second factor is wanted
}

func (p pages) door(v *web.StaffVisit) error {
	if v.SignedIn() {
		return v.Redirect(v.Next(v.Query("next")))
	}
	view := doorView{Form: newForm(nil), Next: v.Query("next")}
	switch {
	case v.Query("out") != "":
		view.Note = v.Reader.T("staff.door.out")
	case v.Ended():
		view.Note = v.Reader.T("staff.door.ended")
	}
	return p.showDoor(v, view, http.StatusOK)
}

func (p pages) showDoor(v *web.StaffVisit, view doorView, status int) error {
	view.Action = v.URL("sign-in")
	if view.Challenge != "" {
		view.Action = v.URL("sign-in/factor")
	}
	return v.Show(status, doorPage(v.Page(v.Reader.T("staff.door.title")), view))
}

func (p pages) signIn(v *web.StaffVisit) error {
	f := sent(v, "email")
	view := doorView{Form: f, Next: v.Form("next")}
	for _, name := range []string{"email", "password"} {
		if v.Form(name) == "" {
			f.fault(name, v.Reader.T("staff.want."+name))
		}
	}
	if f.wrong() {
		view.Form.order = []string{"email", "password"}
		return p.showDoor(v, view, http.StatusUnprocessableEntity)
	}
	session, err := p.Staff.SignInAt(v.Context(), tenants.Attempt{Email: f.value("email"), Password: v.Form("password"), Place: place(v)})
	return p.arrived(v, view, session, err)
}

func place(v *web.StaffVisit) tenants.SignInPlace {
	return tenants.SignInPlace{UserAgent: v.UserAgent(), Address: v.Address()}
}

// arrived goes on after a factor: in, to the second, or back with what stood in
// the way.
func (p pages) arrived(v *web.StaffVisit, view doorView, session tenants.Session, err error) error {
	var factor *tenants.FactorWantedError
	switch {
	case errors.As(err, &factor):
		view.Challenge = factor.Challenge
		return p.showDoor(v, view, http.StatusOK)
	case errors.Is(err, tenants.ErrCredentials):
		view.Wrong = v.Reader.T("staff.door.wrong")
		return p.showDoor(v, view, http.StatusUnauthorized)
	case errors.Is(err, tenants.ErrFactorCode):
		view.Wrong = v.Reader.T("staff.door.code.wrong")
		return p.showDoor(v, view, http.StatusUnauthorized)
	case err != nil:
		return err
	}
	v.KeepSession(session.Token, session.Expires)
	return v.Redirect(v.Next(view.Next))
}

func (p pages) secondFactor(v *web.StaffVisit) error {
	view := doorView{Form: newForm(nil), Next: v.Form("next"), Challenge: v.Form("challenge")}
	session, err := p.Staff.CompleteSignIn(v.Context(), v.Form("challenge"), v.Form("code"), place(v))
	if errors.Is(err, tenants.ErrCredentials) { // the challenge is over
		view.Challenge = ""
	}
	return p.arrived(v, view, session, err)
}

func (p pages) signOut(v *web.StaffVisit) error {
	if v.SignedIn() {
		err := p.write(v, func(ctx context.Context, tx tenants.Tx) error { return tenants.SignOut(ctx, tx, v.Who) })
		if err != nil {
			return err
		}
	}
	v.DropSession()
	return v.Redirect(v.URL("sign-in", "out", "1"))
}

func (d doorView) code(r ui.Reader) ui.Field {
	return ui.Field{ID: "code", Label: r.T("staff.field.code"), Hint: r.T("staff.want.code"), Autocomplete: "one-time-code", InputMode: "text", Autofocus: true}
}
