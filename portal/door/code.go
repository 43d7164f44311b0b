package door

import (
	"net/http"

	"tollhouse/billing/identity"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// codeView is the sign-in by a code that is sent: first where to, then the
// code. Whether anybody was sent one is not told.
type codeView struct {
	Contact, Next string
	Sent          bool
	Hurdle        hurdle
	Missing       bool
	Action, Again string // addresses: of the form, and of the sign-in by password
	Resend        string // of the form that sends another code
}

func (c codeView) contactField(r ui.Reader) ui.Field {
	f := ui.Field{ID: "contact", Label: r.T("door.contact"), Value: c.Contact, Autocomplete: "username", Hint: r.T("door.contact.hint"), MaxLength: "254"}
	if c.Missing && !c.Sent {
		f.Error = r.T("door.contact.missing")
	}
	return f
}

func (c codeView) field(r ui.Reader) ui.Field {
	f := codeField(r, r.T("door.code"))
	if c.Missing {
		f.Error = r.T("door.code.missing")
	}
	return f
}

func (d *Door) showCode(v *web.Visit, c codeView) error {
	status := http.StatusOK
	if c.Missing {
		status = http.StatusUnprocessableEntity
	}
	c.Action, c.Again, c.Resend = d.url(v, "sign-in/code"), d.url(v, d.Entrance), d.url(v, "sign-in/code")
	if c.Sent {
		c.Action = d.url(v, "sign-in/code/enter")
	}
	return v.Show(c.Hurdle.statusOr(status), codePage(v.Page(v.Reader.T("door.code.title")), c))
}

func (d *Door) askForCode(v *web.Visit) error {
	if v.SignedIn() {
		return v.Redirect(v.Next(v.Query("next")))
	}
	return d.showCode(v, codeView{Next: v.Query("next")})
}

func (d *Door) sendCode(v *web.Visit) error {
	c := codeView{Contact: typed(v, "contact"), Next: v.Form("next")}
	if c.Missing = c.Contact == ""; c.Missing {
		return d.showCode(v, c)
	}
	err := v.Stack.SendCode(v.Context(), identity.CodeRequest{Contact: c.Contact, Address: v.Address(), Device: v.Device()})
	if h, told := hurdleOf(v, err, "door.code.wrong"); told {
		c.Hurdle = h
		return d.showCode(v, c)
	}
	if err != nil {
		return err
	}
	c.Sent = true
	return d.showCode(v, c)
}

func (d *Door) signInWithCode(v *web.Visit) error {
	c := codeView{Contact: typed(v, "contact"), Next: v.Form("next"), Sent: true}
	code := typed(v, "code")
	if c.Missing = code == ""; c.Missing {
		return d.showCode(v, c)
	}
	in, err := v.Stack.SignInWithCode(v.Context(), identity.CodeCredentials{Contact: c.Contact, Code: code,
		UserAgent: v.UserAgent(), Address: v.Address(), Device: v.Device()})
	return d.arrived(v, in, err, c.Next, func(h hurdle) error {
		c.Hurdle = h
		return d.showCode(v, c)
	}, "door.code.wrong")
}
