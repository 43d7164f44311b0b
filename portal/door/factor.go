package door

import (
	"net/http"

	"tollhouse/billing/identity"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// factorView asks for the second factor of somebody who has shown the first.
type factorView struct {
	Challenge, Next string
	Hurdle          hurdle
	Missing         bool
	Action, Again   string // addresses: of the form, and of the beginning
}

func (d *Door) showFactor(v *web.Visit, f factorView) error {
	status := http.StatusOK
	if f.Missing {
		status = http.StatusUnprocessableEntity
	}
	f.Action, f.Again = d.url(v, "sign-in/factor"), d.url(v, d.Entrance)
	return v.Show(f.Hurdle.statusOr(status), factorPage(v.Page(v.Reader.T("door.factor.title")), f))
}

func (f factorView) field(r ui.Reader) ui.Field {
	field := codeField(r, r.T("door.factor.code"))
	field.Hint, field.InputMode, field.MaxLength = r.T("door.factor.hint"), "", "40"
	if f.Missing {
		field.Error = r.T("door.code.missing")
	}
	return field
}

// codeField takes a short code, which phones fill in by themselves.
func codeField(r ui.Reader, label string) ui.Field {
	return ui.Field{ID: "code", Label: label, Autocomplete: "one-time-code", InputMode: "numeric", MaxLength: "12", Mono: true, Autofocus: true}
}

func (d *Door) completeSignIn(v *web.Visit) error {
	f := factorView{Challenge: v.Form("challenge"), Next: v.Form("next")}
	code := typed(v, "code")
	if f.Missing = code == ""; f.Missing {
		return d.showFactor(v, f)
	}
	in, err := v.Stack.CompleteSignIn(v.Context(), identity.SecondFactor{Challenge: f.Challenge, Code: code,
		UserAgent: v.UserAgent(), Address: v.Address(), Device: v.Device()})
	return d.arrived(v, in, err, f.Next, func(h hurdle) error {
		f.Hurdle = h
		return d.showFactor(v, f)
	}, "door.factor.wrong")
}
