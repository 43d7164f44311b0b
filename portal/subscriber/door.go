package subscriber

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// doorView is the sign-in page.
type doorView struct {
	Email, Next string
	Ended, Out  bool // a session ended by itself, or was ended
	NoEmail     bool
	NoPassword  bool
	Wrong       bool // one of the two, or too many attempts: never which
	Staff       bool // signed in rightly, yet no subscriber
}

func (d doorView) faults(r ui.Reader) []ui.Fault {
	var faults []ui.Fault
	if d.NoEmail {
		faults = append(faults, ui.Fault{Field: "email", Message: r.T("signin.email.missing")})
	}
	if d.NoPassword {
		faults = append(faults, ui.Fault{Field: "password", Message: r.T("signin.pass.missing")})
	}
	return faults
}

func door(v *web.Visit, d doorView) error {
	status := http.StatusOK
	if d.NoEmail || d.NoPassword || d.Wrong || d.Staff {
		status = http.StatusUnprocessableEntity
	}
	return v.Show(status, doorPage(v.Page(v.Reader.T("signin.title")), d, v.Profile.SupportContact))
}

func signIn(v *web.Visit) error {
	d := doorView{Email: strings.TrimSpace(v.Form("email")), Next: v.Form("next")}
	password := v.Form("password")
	d.NoEmail, d.NoPassword = d.Email == "", password == ""
	if d.NoEmail || d.NoPassword {
		return door(v, d)
	}
	in, err := v.Stack.SignIn(v.Context(), identity.Credentials{Email: d.Email, Password: password, UserAgent: v.UserAgent()})
	if errors.Is(err, identity.ErrSignIn) {
		d.Wrong = true
		return door(v, d)
	}
	if err != nil {
		return err
	}
	if in.User.Role != identity.Subscriber || in.User.AccountID == nil {
		d.Staff = true
		if err := v.End(identity.Principal{UserID: in.User.ID, Session: in.Session}); err != nil {
			return err
		}
		return door(v, d)
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
	return v.Redirect(v.URL("", "out", "1"))
}

// read runs fn on one snapshot of the visitor's operator.
func read(v *web.Visit, fn func(ctx context.Context, tx tenant.Tx) error) error {
	return v.Stack.Read(v.Context(), fn)
}
