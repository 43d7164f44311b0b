package staff

import (
	"errors"
	"strconv"
	"strings"

	"tollhouse/portal/ui"
	"tollhouse/tenants"
)

// ownField is a control whose words begin with an area of their own.
func (f form) ownField(r ui.Reader, area, name string) ui.Field {
	return ui.Field{ID: area + "-" + name, Name: name, Label: r.T(area + ".field." + name), Value: f.values[name], Error: f.faults[name]}
}

func (f form) ownHinted(r ui.Reader, area, name string) ui.Field {
	field := f.ownField(r, area, name)
	field.Hint = r.T(area + ".want." + name)
	return field
}

// refusedBy takes what a domain said of fields, in an area's words; false if it
// said something else.
func (f *form) refusedBy(r ui.Reader, area string, err error) bool {
	var invalid *tenants.InvalidError
	if !errors.As(err, &invalid) {
		return false
	}
	for _, fault := range invalid.Fields {
		f.fault(fault.Field, r.T(area+".want."+fault.Field))
	}
	return true
}

// number reads a whole number; a fault where it is none. Nothing is zero.
func (f *form) number(r ui.Reader, area, name string) int {
	text := f.value(name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		f.fault(name, r.T(area+".want."+name))
	}
	return n
}

// lines are the texts of a field with one in each line.
func (f form) lines(name string) []string {
	return strings.FieldsFunc(f.value(name), func(c rune) bool { return c == '\n' || c == '\r' || c == ',' })
}

// beside tells the ids of a form apart from those of another on the page.
func beside(prefix string, field ui.Field) ui.Field {
	field.ID = prefix + "-" + field.ID
	return field
}
