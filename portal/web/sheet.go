package web

import (
	"bytes"
	"encoding/csv"
	"regexp"
	"strings"
)

// Sheet is a table on its way to a spreadsheet: CSV in UTF-8 (RFC 4180).
type Sheet struct {
	out  bytes.Buffer
	rows *csv.Writer
}

// NewSheet begins a table with its heads.
func NewSheet(heads ...string) *Sheet {
	s := &Sheet{}
	s.out.WriteString("\ufeff") // by it spreadsheets know UTF-8
	s.rows = csv.NewWriter(&s.out)
	s.Add(heads...)
	return s
}

// Add writes a row. What a spreadsheet would take for a formula is made a text
// by an apostrophe (OWASP, CSV injection): names and references come from
// outside. Plain numbers stay numbers, below zero as well.
func (s *Sheet) Add(cells ...string) {
	safe := make([]string, len(cells))
	for i, cell := range cells {
		if safe[i] = cell; isFormula(cell) {
			safe[i] = "'" + cell
		}
	}
	_ = s.rows.Write(safe) // into memory
}

var belowZero = regexp.MustCompile(`^-[0-9]+(\.[0-9]+)?$`)

func isFormula(cell string) bool {
	return cell != "" && strings.ContainsRune("=+-@\t\r\n", rune(cell[0])) && !belowZero.MatchString(cell)
}

// SendSheet answers with a table as a file.
func (v *turn) SendSheet(name string, s *Sheet) error {
	s.rows.Flush()
	return v.Download(name+".csv", "text/csv; charset=utf-8", s.out.Bytes())
}
