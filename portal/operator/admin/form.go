package admin

import (
	"crypto/rand"
	"net/http"
	"strings"

	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// form is what somebody typed and what of it was refused. Key makes its effect
// happen once.
type form struct {
	Key    string
	Typed  map[string]string
	Faults []ui.Fault
}

// newForm is a form with what its fields begin with.
func newForm(values map[string]string) form { return form{Key: rand.Text(), Typed: values} }

// sentForm is a form as it came in, with its fields' texts trimmed.
func sentForm(v *web.Visit, fields ...string) form {
	f := form{Key: v.Form("key"), Typed: map[string]string{}}
	if f.Key == "" {
		f.Key = rand.Text()
	}
	for _, name := range fields {
		f.Typed[name] = strings.TrimSpace(v.Form(name))
	}
	return f
}

// refuse says what is wrong with a field.
func (f *form) refuse(field, message string) {
	f.Faults = append(f.Faults, ui.Fault{Field: field, Message: message})
}

// status is what a page with this form is answered with.
func (f form) status() int {
	if len(f.Faults) > 0 {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// field is one control with its value and fault.
func (f form) field(id, label, hint string) ui.Field {
	field := ui.Field{ID: id, Label: label, Hint: hint, Value: f.Typed[id]}
	for _, fault := range f.Faults {
		if fault.Field == id {
			field.Error = fault.Message
		}
	}
	return field
}

// optional is a field that may stay empty.
func (f form) optional(id, label, hint string) ui.Field {
	field := f.field(id, label, hint)
	field.Optional = true
	return field
}

// choices are the entries of a control, the field's value among them chosen.
func (f form) choices(field string, entries ...ui.Choice) []ui.Choice {
	for i := range entries {
		entries[i].Chosen = entries[i].Value == f.Typed[field]
	}
	return entries
}

// doneWords says what a form did; nothing for what is no word of ours.
func doneWords(r ui.Reader, what string) string {
	if what == "" || strings.Trim(what, "abcdefghijklmnopqrstuvwxyz.-") != "" {
		return ""
	}
	key := "admin.done." + what
	if words := r.T(key); words != key {
		return words
	}
	return ""
}

// number makes a field one for whole numbers.
func number(f ui.Field) ui.Field {
	f.InputMode = "numeric"
	return f
}

// address makes a field one for an email address.
func address(f ui.Field) ui.Field {
	f.Kind, f.Autocomplete = "email", "off"
	return f
}

// day makes a field one for a calendar day.
func day(f ui.Field) ui.Field {
	f.Kind = "date"
	return f
}
