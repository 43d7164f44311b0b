package reference

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strconv"
	"strings"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// view is a page: what was done or refused, then tables at the left, facts
// and forms at the right.
type view struct {
	crumb, crumbTo string
	tone           ui.Tone
	state          string
	links          []link // at the heading
	done           string
	notes          []note
	title          string // of faults
	faults         []ui.Fault
	tables         []table
	facts          []fact
	factsTitle     string
	forms          []form
}

type link struct{ label, href, icon string }
type note struct {
	tone ui.Tone
	text string
}
type fact struct{ name, value, href string }

// form is one way to change something.
type form struct {
	id, title, action, do string
	effect                string // what it does
	fields                []control
	hidden                [][2]string
	key                   string
	upload, bad, get      bool
	quiet                 bool // no card of its own: a button
}

// control is one field of a form.
type control struct {
	ui.Field
	choices []ui.Choice // a list to choose from, if there are some
	box     bool        // to tick
	ticked  bool
}

type table struct {
	id, title         string
	heads             []string
	nums              string // a letter a column: n for numbers
	rows              [][]cell
	none, more, icon  string
	first, next, told string
	years             bool // first and next are the years beside
}

// cell is a part of a row. A cell with an act holds a button.
type cell struct {
	text, href string
	tone       ui.Tone
	code       bool
	act        *form
}

func (t table) num(column int) bool { return column < len(t.nums) && t.nums[column] == 'n' }

// newForm begins a form with a key, so that it is carried out once.
func newForm(id, title, action, do string, fields ...control) form {
	return form{id: id, title: title, action: action, do: do, fields: fields, key: command.NewKey()}
}

func input(f ui.Field) control { return control{Field: f} }

// text is a field that keeps what was sent.
func text(v *web.Visit, id, label string, optional bool) ui.Field {
	return ui.Field{ID: id, Label: v.Reader.T(label), Value: v.Form(id), Optional: optional}
}

// fieldsOf are those of a form's controls that are wrong.
func (d *view) blame(forms ...form) {
	for _, f := range forms {
		for _, c := range f.fields {
			d.faults = append(d.faults, ui.FaultsOf(c.Field)...)
		}
	}
	if len(d.faults) > 0 && d.title == "" {
		d.title = "ref.refused"
	}
}

// faultsTable tells what is wrong with a file, line by line.
func faultsTable(v *web.Visit, err *catalog.TableError) table {
	r := v.Reader
	t := table{id: "faults", title: r.N("ref.faults", int64(err.Total), "n", number(v, err.Total)), nums: "n",
		heads: []string{r.T("ref.line"), r.T("ref.column"), r.T("ref.value"), r.T("ref.want")}}
	if err.Total > len(err.Faults) {
		t.told = r.T("ref.faults.first", "n", number(v, len(err.Faults)))
	}
	for _, f := range err.Faults {
		line := "–"
		if f.Line > 0 {
			line = number(v, f.Line)
		}
		t.rows = append(t.rows, []cell{{text: line}, {text: f.Column, code: f.Column != ""}, {text: f.Value}, {text: f.Want}})
	}
	return t
}

func number(v *web.Visit, n int) string { return v.Reader.Number(money.NewDecimal(int64(n))) }

// formatFields are how a file is written.
func formatFields(v *web.Visit) []control {
	r := v.Reader
	choices := func(id, key string, values ...string) (list []ui.Choice) {
		for _, value := range values {
			list = append(list, ui.Choice{Value: value, Label: r.T(key + "." + value), Chosen: v.Form(id) == value})
		}
		return list
	}
	return []control{
		{Field: ui.Field{ID: "delimiter", Label: r.T("ref.delimiter")}, choices: choices("delimiter", "ref.delimiter", "auto", "comma", "semicolon", "tab", "pipe")},
		{Field: ui.Field{ID: "header", Label: r.T("ref.header")}, choices: choices("header", "ref.header", "auto", "yes", "no")},
	}
}

func formatOf(v *web.Visit) catalog.TableFormat {
	f := catalog.TableFormat{Delimiter: map[string]rune{"comma": ',', "semicolon": ';', "tab": '\t', "pipe": '|'}[v.Form("delimiter")]}
	if header := v.Form("header"); header == "yes" || header == "no" {
		f.Header = catalog.Header(header)
	}
	return f
}

// nameFields are a name in each language.
func nameFields(v *web.Visit, names catalog.Names) []control {
	var fields []control
	for _, language := range []string{"en", "id", "ru"} {
		f := ui.Field{ID: "name_" + language, Label: v.Reader.T("ref.name." + language), Value: names[language], Optional: true, MaxLength: "100", Lang: language}
		if sent := v.Form(f.ID); sent != "" {
			f.Value = sent
		}
		fields = append(fields, input(f))
	}
	return fields
}

func namesOf(v *web.Visit) catalog.Names {
	names := catalog.Names{}
	for _, language := range []string{"en", "id", "ru"} {
		if name := strings.TrimSpace(v.Form("name_" + language)); name != "" {
			names[language] = name
		}
	}
	return names
}

// named is a name, or the code where there is none.
func named(v *web.Visit, names catalog.Names, code string) string {
	if name := names.In(v.Reader.Locale.Language); name != "" {
		return name
	}
	return code
}

// upload reads a form's file; nil if there is none.
func upload(v *web.Visit) (content []byte, name string, err error) {
	head := v.File("file")
	if head == nil {
		return nil, "", nil
	}
	file, err := head.Open()
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = file.Close() }() // it was only read
	content, err = readAll(file)
	return content, head.Filename, err
}

func fileField(v *web.Visit, hint, fault string) control {
	return input(ui.Field{ID: "file", Label: v.Reader.T("ref.file"), Hint: v.Reader.T(hint), Kind: "file", Error: fault})
}

func dateField(v *web.Visit, id, label string) (calendar.Date, ui.Field) {
	f := ui.Field{ID: id, Label: v.Reader.T(label), Kind: "date", Value: v.Form(id)}
	day, err := calendar.ParseDate(f.Value)
	if err != nil {
		f.Error = v.Reader.T("ref.day.not")
	}
	return day, f
}

func pastBox(v *web.Visit, open bool) control {
	c := control{Field: ui.Field{ID: "past", Label: v.Reader.T("ref.past"), Hint: v.Reader.T("ref.past.hint"), Optional: true}, box: true, ticked: v.Form("past") != ""}
	if open {
		c.Error = v.Reader.T("ref.past.not")
	}
	return c
}

func isPast(err error) bool { return errors.Is(err, catalog.ErrPastDay) }

func year(v *web.Visit) int {
	n, err := strconv.Atoi(v.Query("year"))
	if err != nil || n < 2000 || n > 2099 {
		return v.Reader.Today.Year
	}
	return n
}

func (d *view) sided() bool { return len(d.facts)+len(d.forms) > 0 }

// readAll reads a file whose size the form's bound has limited already.
func readAll(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, uploadAtMost)) }

// part tells a form with one file from the same form with another.
func part(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
