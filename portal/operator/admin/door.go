package admin

import (
	"errors"
	"net/http"
	"strings"

	"tollhouse/billing/identity"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// doorView is the console's sign-in page.
type doorView struct {
	Email, Next string
	Ended, Out  bool // a session ended by itself, or was ended
	NoEmail     bool
	NoPassword  bool
	Wrong       bool // one of the two, or too many attempts: never which
	Subscriber  bool // signed in rightly, at the wrong door
}

func (d doorView) refused() bool { return d.NoEmail || d.NoPassword || d.Wrong || d.Subscriber }

func (d doorView) email(r ui.Reader) ui.Field {
	f := ui.Field{ID: "email", Label: r.T("signin.email"), Kind: "email", Value: d.Email, Autocomplete: "username"}
	if d.NoEmail {
		f.Error = r.T("signin.email.missing")
	}
	return f
}

func (d doorView) password(r ui.Reader) ui.Field {
	f := ui.Field{ID: "password", Label: r.T("signin.password"), Kind: "password", Autocomplete: "current-password"}
	if d.NoPassword {
		f.Error = r.T("signin.pass.missing")
	}
	return f
}

// door is where everybody signs in to the console. Who is signed in already is
// led on.
func door(v *web.Visit) error {
	if v.SignedIn() {
		return v.Redirect(v.Next(v.Query("next")))
	}
	return showDoor(v, doorView{Next: v.Query("next"), Ended: v.Ended(), Out: v.Query("out") != ""})
}

func showDoor(v *web.Visit, d doorView) error {
	status := http.StatusOK
	if d.refused() {
		status = http.StatusUnprocessableEntity
	}
	return v.Show(status, doorPage(v.Page(v.Reader.T("admin.door.title")), d, v.Base))
}

func signIn(v *web.Visit) error {
	d := doorView{Email: strings.TrimSpace(v.Form("email")), Next: v.Form("next")}
	password := v.Form("password")
	d.NoEmail, d.NoPassword = d.Email == "", password == ""
	if d.NoEmail || d.NoPassword {
		return showDoor(v, d)
	}
	in, err := v.Stack.SignIn(v.Context(), identity.Credentials{Email: d.Email, Password: password, UserAgent: v.UserAgent()})
	if errors.Is(err, identity.ErrSignIn) {
		d.Wrong = true
		return showDoor(v, d)
	}
	if err != nil {
		return err
	}
	if in.User.Role == identity.Subscriber {
		d.Subscriber = true
		if err := v.End(identity.Principal{UserID: in.User.ID, Session: in.Session}); err != nil {
			return err
		}
		return showDoor(v, d)
	}
	v.KeepSession(in.Token, in.Expires)
	return v.Redirect(v.Next(d.Next))
}

func signOut(v *web.Visit) error {
	if v.SignedIn() {
		if err := v.End(v.Who); err != nil {
			return err
		}
	}
	v.DropSession()
	return v.Redirect(v.Console("sign-in", "out", "1"))
}
