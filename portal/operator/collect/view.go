package collect

import (
	"strings"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// view is a page: what was done or refused, figures, then tables at the left,
// facts and forms at the right.
type view struct {
	crumb, crumbTo string
	tone           ui.Tone
	state          string
	links          []link
	done           string
	refused        string // in words
	faults         []ui.Fault
	stats          []ui.Stat
	tables         []table
	facts          []fact
	factsTitle     string
	forms          []form // at the right
	wide           []form // at the left, after the tables
}

type link struct{ label, href string }
type fact struct{ name, value string }

// form is one way to change something.
type form struct {
	id, title, action, do string
	effect                string
	fields                []control
	hidden                [][2]string
	key                   string
	get, quiet, upload    bool
	more                  [][2]string // further buttons: value of "act" and words
}

// control is one field of a form.
type control struct {
	ui.Field
	choices []ui.Choice
	rows    string // of a text
	box     bool
	ticked  bool
}

type table struct {
	id, title   string
	heads       []string
	nums        string // a letter a column: n for numbers
	rows        [][]cell
	none, more  string
	first, next string
	told        string
}

// cell is a part of a row. A cell with an act holds a button.
type cell struct {
	text, href, sub string
	tone            ui.Tone
	act             *form
}

func (t table) num(column int) bool { return column < len(t.nums) && t.nums[column] == 'n' }

func (d *view) sided() bool { return len(d.facts)+len(d.forms) > 0 }

// newForm begins a form with a key, so that it is carried out once.
func newForm(id, title, action, do string, fields ...control) form {
	return form{id: id, title: title, action: action, do: do, fields: fields, key: command.NewKey()}
}

// field keeps what was sent; fault is what is wrong with it.
func field(v *web.Visit, id, label, kind string, optional bool, fault string) control {
	return control{Field: ui.Field{ID: id, Label: v.Reader.T(label), Kind: kind, Value: v.Form(id), Optional: optional, Error: fault}}
}

// blame gathers what is wrong with the fields of forms.
func (d *view) blame(forms ...form) {
	for _, f := range forms {
		for _, c := range f.fields {
			d.faults = append(d.faults, ui.FaultsOf(c.Field)...)
		}
	}
}

func number(v *web.Visit, n int) string { return v.Reader.Number(money.NewDecimal(int64(n))) }

// day writes an optional day.
func day(v *web.Visit, d *calendar.Date) string {
	if d == nil {
		return "–"
	}
	return v.Reader.Date(*d)
}

func trimmed(v *web.Visit, id string) string { return strings.TrimSpace(v.Form(id)) }
