package door

import (
	"errors"
	"net/http"

	"tollhouse/billing/identity"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// signInView is the sign-in page.
type signInView struct {
	Email, Next     string
	Note            string // what was done before, such as leaving; empty for nothing
	Ended           bool   // a session ended by itself
	Hurdle          hurdle
	NoEmail         bool
	NoPassword      bool
	Contact         string // of the operator's support
	Lead            string
	Action          string
	ByCode, Forgot  string // addresses
	TitleKey, DoKey string
}

// Enter shows where one signs in. Who is in already is led on.
func (d *Door) Enter(v *web.Visit) error {
	if v.SignedIn() {
		return v.Redirect(v.Next(v.Query("next")))
	}
	view := signInView{Next: v.Query("next"), Ended: v.Ended()}
	for _, done := range []string{"out", "set"} {
		if v.Query(done) != "" {
			view.Note, view.Ended = v.Reader.T("door.done."+done), false
		}
	}
	return d.show(v, view)
}

func (d *Door) show(v *web.Visit, s signInView) error {
	r, status := v.Reader, http.StatusOK
	if s.NoEmail || s.NoPassword {
		status = http.StatusUnprocessableEntity
	}
	s.Lead, s.Contact = r.T("door.lead."+d.Words), v.Profile.SupportContact
	s.Action, s.ByCode, s.Forgot = d.url(v, "sign-in"), d.url(v, "sign-in/code", "next", s.Next), d.url(v, "reset")
	if s.Next == "" {
		s.ByCode = d.url(v, "sign-in/code")
	}
	return v.Show(s.Hurdle.statusOr(status), signInPage(v.Page(r.T("signin.title")), s))
}

func (s signInView) fields(r ui.Reader) (email, password ui.Field) {
	email = ui.Field{ID: "email", Label: r.T("signin.email"), Kind: "email", Value: s.Email, Autocomplete: "username"}
	password = ui.Field{ID: "password", Label: r.T("signin.password"), Kind: "password", Autocomplete: "current-password"}
	if s.NoEmail {
		email.Error = r.T("signin.email.missing")
	}
	if s.NoPassword {
		password.Error = r.T("signin.pass.missing")
	}
	return email, password
}

func (d *Door) signIn(v *web.Visit) error {
	s := signInView{Email: typed(v, "email"), Next: v.Form("next")}
	password := v.Form("password")
	s.NoEmail, s.NoPassword = s.Email == "", password == ""
	if s.NoEmail || s.NoPassword {
		return d.show(v, s)
	}
	in, err := v.Stack.SignIn(v.Context(), identity.Credentials{Email: s.Email, Password: password, UserAgent: v.UserAgent(), Address: v.Address(), Device: v.Device()})
	return d.arrived(v, in, err, s.Next, func(h hurdle) error {
		s.Hurdle = h
		return d.show(v, s)
	}, "signin.wrong")
}

// arrived goes on after a first factor: in, to the second factor, or back with
// what stood in the way. wrong are the words for a refusal.
func (d *Door) arrived(v *web.Visit, in identity.SignedIn, err error, next string, refuse func(hurdle) error, wrong string) error {
	var wanted *identity.SecondFactorError
	if errors.As(err, &wanted) {
		return d.showFactor(v, factorView{Challenge: wanted.Challenge, Next: next})
	}
	if h, told := hurdleOf(v, err, wrong); told {
		return refuse(h)
	}
	if err != nil {
		return err
	}
	admitted, err := d.settle(v, in)
	if err != nil {
		return err
	}
	if !admitted {
		return refuse(d.elsewhere(v))
	}
	return v.Redirect(v.Next(next))
}

func (d *Door) signOut(v *web.Visit) error {
	if v.SignedIn() {
		if err := v.End(v.Who); err != nil {
			return err
		}
	}
	v.DropSession()
	return v.Redirect(d.url(v, d.Entrance, "out", "1"))
}
