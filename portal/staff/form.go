package staff

import (
	"errors"
	"strings"

	"github.com/google/uuid"

	"tollhouse/portal/ui"
	"tollhouse/portal/web"
	"tollhouse/tenants"
)

// form is what stands in a form, and what was wrong with it.
type form struct {
	Key    string // makes its effect happen once
	Open   bool   // its dialog is shown at once: it was refused
	values map[string]string
	faults map[string]string
	order  []string // names of fields, as the summary lists them
}

func newForm(values map[string]string) form {
	return form{Key: uuid.NewString(), values: values, faults: map[string]string{}}
}

// sent is a form as it came in.
func sent(v *web.StaffVisit, names ...string) form {
	f := form{Key: v.Form("key"), values: map[string]string{}, faults: map[string]string{}, order: names}
	for _, name := range names {
		f.values[name] = strings.TrimSpace(v.Form(name))
	}
	return f
}

func (f form) value(name string) string { return f.values[name] }

func (f form) ticked(name string) bool { return f.values[name] != "" }

// refused takes what a domain said of fields; false if it said something else.
func (f *form) refused(r ui.Reader, err error) bool {
	var invalid *tenants.InvalidError
	if !errors.As(err, &invalid) {
		return false
	}
	for _, fault := range invalid.Fields {
		f.fault(fault.Field, wanted(r, fault.Field))
	}
	return true
}

// refusedAs is refused for a domain that names fields otherwise than the form.
func (f *form) refusedAs(r ui.Reader, err error, names map[string]string) bool {
	var invalid *tenants.InvalidError
	if !errors.As(err, &invalid) {
		return false
	}
	for _, fault := range invalid.Fields {
		name := fault.Field
		if own, known := names[name]; known {
			name = own
		}
		f.fault(name, wanted(r, name))
	}
	return true
}

func (f *form) fault(name, text string) {
	f.faults[name], f.Open = text, true
}

func (f form) wrong() bool { return len(f.faults) > 0 }

func (f form) status() int {
	if f.wrong() {
		return 422
	}
	return 200
}

// wanted says what a field must hold, in the reader's words.
func wanted(r ui.Reader, field string) string {
	name := field
	if strings.HasPrefix(field, "tax_rates") {
		name = "tax_rates"
	}
	if strings.HasPrefix(field, "add_ons") {
		name = "add_ons"
	}
	return r.T("staff.want." + name)
}

// field is a control with its words; a hint where there are words for one.
func (f form) field(r ui.Reader, name string) ui.Field {
	return ui.Field{ID: name, Label: r.T("staff.field." + name), Value: f.values[name], Error: f.faults[name]}
}

func (f form) hinted(r ui.Reader, name string) ui.Field {
	field := f.field(r, name)
	field.Hint = r.T("staff.want." + name)
	return field
}

func optional(field ui.Field) ui.Field {
	field.Optional = true
	return field
}

func kind(field ui.Field, kind string) ui.Field {
	field.Kind = kind
	return field
}

// in prefixes the ids of a form that stands on a page beside another.
func in(prefix string, field ui.Field) ui.Field {
	field.Name, field.ID = field.ID, prefix+"-"+field.ID
	return field
}

// bare is a field in a table whose column says what it is.
func bare(field ui.Field) ui.Field {
	field.Bare = true
	return field
}

// summary lists what is wrong, in the order of the fields.
func (f form) summary() []ui.Fault {
	var list []ui.Fault
	for _, name := range f.order {
		if text := f.faults[name]; text != "" {
			list = append(list, ui.Fault{Field: name, Message: text})
		}
	}
	return list
}

func email(field ui.Field) ui.Field {
	field.Kind, field.Autocomplete = "email", "username"
	return field
}

func password(field ui.Field, complete string) ui.Field {
	field.Kind, field.Autocomplete, field.Value = "password", complete, ""
	return field
}

// tick is a field to be ticked, which says so in one word.
func tick(field ui.Field) ui.Field {
	field.Value = "yes"
	return field
}

func labelled(field ui.Field, label string) ui.Field {
	field.Label = label
	return field
}
