package desk

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"tollhouse/api/problem"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// form is one act of a clerk.
type form struct {
	section      frame.Section
	title, lead  string
	action, back string // addresses
	backTo       string // what back is called
	key          string
	fields       []control
	effects      []string // what comes of it, in words
	submit       string   // what its button says; empty: it can't be sent
	danger       bool     // it can't be undone
	confirm      bool     // the effect is shown; sending it again carries it out
	refused      string   // why it was refused, where no field is to blame
	second       string   // what the button says that lays it before a second person; empty: none
}

// How a control is drawn.
type drawing int

const (
	line drawing = iota
	selects
	radios
	area
	check
	hidden
)

// control is a field with how it is drawn.
type control struct {
	ui.Field
	kind    drawing
	choices []ui.Choice
	ticked  bool
}

func (c control) name() string {
	if c.Name != "" {
		return c.Name
	}
	return c.ID
}

// told is what was chosen or typed, in words.
func (c control) told(r ui.Reader) string {
	switch c.kind {
	case hidden:
		return ""
	case check:
		if c.ticked {
			return r.T("desk.yes")
		}
		return r.T("desk.no")
	}
	for _, choice := range c.choices {
		if choice.Value == c.Value {
			return choice.Label
		}
	}
	return c.Value
}

func (f form) faults() []ui.Fault {
	fields := make([]ui.Field, len(f.fields))
	for i, c := range f.fields {
		fields[i] = c.Field
	}
	return ui.FaultsOf(fields...)
}

func (f form) summary(r ui.Reader) string {
	if f.refused != "" {
		return f.refused
	}
	return r.N("desk.form.faults", int64(len(f.faults())))
}

func (f form) tone() ui.Tone {
	if f.danger {
		return ui.Warn
	}
	return ui.Info
}

// show answers with the form. A refused one has a new key: it is sent anew.
func (f form) show(v *web.Visit, status int) error {
	if f.key = v.Form("key"); f.key == "" || status != http.StatusOK {
		f.key = command.NewKey()
	}
	if f.section == "" {
		f.section = frame.Subscribers
	}
	return v.Show(status, formPage(frame.Of(v, f.section, f.title), f))
}

// settle decides on a sent form: with faults it comes back; the first time its
// effect is shown; then it is carried out.
func (f form) settle(v *web.Visit, twice bool, c *command.Command, tell func(f *form, err error) bool) error {
	if len(f.faults()) > 0 {
		return f.show(v, http.StatusUnprocessableEntity)
	}
	if twice && (v.Form("confirmed") == "" || v.Form("again") != "") {
		f.confirm = v.Form("again") == ""
		return f.show(v, http.StatusOK)
	}
	next, err := command.CarryOut(v, c)
	if err == nil {
		return v.Lead(next)
	}
	if tell != nil && tell(&f, err) {
		return f.show(v, http.StatusUnprocessableEntity)
	}
	p, known := problem.Of(err)
	if !known || p.Status == http.StatusNotFound || p.Status == http.StatusForbidden || p.Status >= http.StatusInternalServerError {
		return err
	}
	f.refused, f.effects = refusal(v.Reader, err), nil
	return f.show(v, http.StatusUnprocessableEntity)
}

// refusal says in the reader's language why a command was refused.
func refusal(r ui.Reader, err error) string {
	for _, known := range refusals {
		if errors.Is(err, known.err) {
			return r.T("desk.refused." + known.key)
		}
	}
	return r.T("desk.refused.other")
}

// chosen marks the choice with a value.
func chosen(choices []ui.Choice, value string) []ui.Choice {
	for i := range choices {
		choices[i].Chosen = choices[i].Value == value
	}
	return choices
}

// maxReason bounds a reason, in characters.
const maxReason = 300

// reasonControl is the reason that an act asks for.
func reasonControl(v *web.Visit, fault string) control {
	r := v.Reader
	return control{kind: area, Field: ui.Field{ID: "reason", Label: r.T("desk.reason"), Hint: r.T("desk.reason.hint"), Value: v.Form("reason"),
		MaxLength: strconv.Itoa(maxReason), Error: fault}}
}

// sent says whether a form was sent, and is not being looked at.
func sent(v *web.Visit) bool { return v.Form("csrf") != "" }

// idOf is an id of the path that must be one.
func idOf(v *web.Visit, name string) uuid.UUID { return parseID(v.Param(name)) }
