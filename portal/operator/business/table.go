package business

import (
	"bytes"
	"encoding/csv"
	"strings"

	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// Bounds of lists.
const (
	rowsAPage = 50
	rowsACSV  = 50_000 // more than that is a report of its own
)

// sheet is a table on its way to a spreadsheet.
type sheet struct {
	out  bytes.Buffer
	rows *csv.Writer
}

func newSheet(head ...string) *sheet {
	s := &sheet{}
	s.out.WriteString("\ufeff") // by it spreadsheets know UTF-8
	s.rows = csv.NewWriter(&s.out)
	s.add(head...)
	return s
}

// add writes a row. What a spreadsheet would take for a formula is made a text:
// names and references come from outside.
func (s *sheet) add(cells ...string) {
	safe := make([]string, len(cells))
	for i, cell := range cells {
		if safe[i] = cell; cell != "" && strings.ContainsRune("=+@\t\r", rune(cell[0])) || strings.HasPrefix(cell, "-") && strings.Trim(cell, "-.0123456789") != "" {
			safe[i] = "'" + cell
		}
	}
	_ = s.rows.Write(safe) // into memory
}

func (s *sheet) send(v *web.Visit, name string) error {
	s.rows.Flush()
	return v.Download(name+".csv", "text/csv; charset=utf-8", s.out.Bytes())
}

// filter is one control of a list's filters.
type filter struct {
	name, label string
	kind        string // of the input; a select if empty
	value       string
	choices     []ui.Choice
}

// pager is where a list goes on.
type pager struct{ first, next, told string }
