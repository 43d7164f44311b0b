package intake

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// table is one CSV file, its columns found by their names.
type table struct {
	file   string
	kind   Kind
	at     map[string]int
	rows   []record
	found  *findings
	broken bool     // what stands in it is not known whole
	asked  []string // columns that are facts which an offering asks for
}

type record struct {
	line   int
	fields []string
}

var byteOrderMark = []byte("\ufeff")

// readTable reads a CSV file: separated by commas or semicolons, with or
// without a byte order mark, lines ended as on any system. What is wrong with
// the file is found; what can be read of it is returned.
//
// facts are the columns that offerings ask for besides ours; room bounds the
// lines.
func readTable(file string, kind Kind, content []byte, facts []string, room int, found *findings) *table {
	t := &table{file: file, kind: kind, at: map[string]int{}, found: found, broken: true}
	content = bytes.TrimPrefix(content, byteOrderMark)
	if !utf8.Valid(content) || bytes.IndexByte(content, 0) >= 0 {
		t.fault(0, "", Unreadable, "", "a text in UTF-8")
		return t
	}
	reader := csv.NewReader(bytes.NewReader(content))
	reader.Comma, reader.FieldsPerRecord, reader.ReuseRecord = separator(content), -1, false
	header, err := reader.Read()
	if err != nil {
		t.fault(1, "", Unreadable, "", "a first line with the names of the columns")
		return t
	}
	if !t.readHeader(header, facts) {
		return t
	}
	for {
		fields, err := reader.Read()
		if errors.Is(err, io.EOF) {
			t.broken = false
			return t
		}
		if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
			t.fault(parse.Line, "", Unreadable, "", "fields that are quoted whole or not at all, quotes inside doubled")
			return t
		}
		line, _ := reader.FieldPos(0)
		switch {
		case len(fields) == 1 && strings.TrimSpace(fields[0]) == "":
			continue
		case len(fields) != len(header):
			t.fault(line, "", Wrong, strconv.Itoa(len(fields))+" fields", strconv.Itoa(len(header))+" fields, as in the first line")
			continue
		case len(t.rows) >= room:
			t.fault(line, "", TooMuch, "", "at most "+strconv.Itoa(MaxRows)+" lines of a kind: make several batches")
			return t
		}
		t.rows = append(t.rows, record{line, fields})
	}
}

// separator is whichever of comma and semicolon the header has more of.
func separator(content []byte) rune {
	header, _, _ := bytes.Cut(content, []byte("\n"))
	if bytes.Count(header, []byte(";")) > bytes.Count(header, []byte(",")) {
		return ';'
	}
	return ','
}

func (t *table) readHeader(header, facts []string) bool {
	before := t.found.errors
	known := map[string]bool{}
	for _, c := range columns[t.kind] {
		known[c.Name] = true
	}
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(name))
		_, twice := t.at[name]
		switch {
		case twice:
			t.fault(1, name, Twice, name, "each column once")
		case !known[name] && t.kind == Services && slices.Contains(facts, name):
			t.asked = append(t.asked, name)
		case !known[name]:
			t.fault(1, name, UnknownName, name, "one of "+strings.Join(names(t.kind), ", "))
		}
		t.at[name] = i
	}
	for _, c := range columns[t.kind] {
		if _, there := t.at[c.Name]; c.Required && !there {
			t.fault(1, c.Name, NoColumn, "", "a column "+c.Name+": "+c.Want)
		}
	}
	return t.found.errors == before
}

func names(kind Kind) []string {
	list := make([]string, len(columns[kind]))
	for i, c := range columns[kind] {
		list[i] = c.Name
	}
	return list
}

func (t *table) fault(line int, column string, code Code, value, want string) {
	t.found.add(Finding{File: t.file, Line: line, Column: column, Code: code, Value: value, Want: want})
}

// row reads one line's fields; what is wrong with them is found on the way.
type row struct {
	*table
	record
}

// secretColumns are never told back.
var secretColumns = map[string]bool{"password": true, "internet.password": true}

// fault finds something wrong with a field. An empty want takes the column's own.
func (r row) fault(column string, code Code, want string) {
	value := r.text(column)
	if secretColumns[column] {
		value = ""
	}
	if want == "" {
		want = wanted(r.kind, column)
	}
	r.table.fault(r.line, column, code, value, want)
}

func wanted(kind Kind, column string) string {
	for _, c := range columns[kind] {
		if c.Name == column {
			return c.Want
		}
	}
	return ""
}

// text is a field without blanks around it; empty where there is no column.
func (r row) text(column string) string {
	at, there := r.at[column]
	if !there {
		return ""
	}
	return strings.TrimSpace(r.fields[at])
}

// needed is a field that must not be empty.
func (r row) needed(column string) string {
	text := r.line1(column)
	if text == "" {
		r.fault(column, Missing, "")
	}
	return text
}

// line1 is a field that stands on one line and is not overlong.
func (r row) line1(column string) string {
	text := r.text(column)
	if strings.ContainsAny(text, "\r\n") || utf8.RuneCountInString(text) > maxField {
		r.fault(column, Wrong, "a text of up to 1000 characters on one line")
		return ""
	}
	return text
}

func (r row) oneOf(column, otherwise string, allowed ...string) string {
	text := r.text(column)
	if text == "" {
		if otherwise == "" {
			r.fault(column, Missing, "")
		}
		return otherwise
	}
	for _, a := range allowed {
		if text == a {
			return text
		}
	}
	r.fault(column, Wrong, "")
	return otherwise
}

// date is nil for an empty field.
func (r row) date(column string) *calendar.Date {
	text := r.text(column)
	if text == "" {
		return nil
	}
	d, err := calendar.ParseDate(text)
	if err != nil {
		r.fault(column, Wrong, wantDate)
		return nil
	}
	return &d
}

func (r row) neededDate(column string) (d calendar.Date, ok bool) {
	if r.text(column) == "" {
		r.fault(column, Missing, "")
		return d, false
	}
	if found := r.date(column); found != nil {
		return *found, true
	}
	return d, false
}

// decimal is nil for an empty field; digits bounds its decimals.
func (r row) decimal(column string, digits int32) *money.Decimal {
	text := r.text(column)
	if text == "" {
		return nil
	}
	d, err := money.ParseDecimal(text)
	if err != nil || d.Digits() > digits || d.Abs().Cmp(tooLarge) >= 0 {
		r.fault(column, Wrong, "a number with a point and at most "+strconv.Itoa(int(digits))+" decimals, such as 12.50")
		return nil
	}
	return &d
}

// tooLarge keeps sums of a batch inside the ledger's numeric(29, 9).
var tooLarge = money.MustDecimal("1000000000000000")

func (r row) neededDecimal(column string, digits int32) (d money.Decimal, ok bool) {
	if r.text(column) == "" {
		r.fault(column, Missing, "")
		return d, false
	}
	if found := r.decimal(column, digits); found != nil {
		return *found, true
	}
	return d, false
}

// whole is a whole number from lowest to highest; nil for an empty field.
func (r row) whole(column string, lowest, highest int) *int {
	text := r.text(column)
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < lowest || n > highest {
		r.fault(column, Wrong, "")
		return nil
	}
	return &n
}
