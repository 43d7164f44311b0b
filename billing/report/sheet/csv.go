package sheet

import (
	"encoding/csv"
	"io"
	"strings"
)

type csvWriter struct {
	rows *csv.Writer
	line []string
}

func newCSV(to io.Writer, columns []Column) (*csvWriter, error) {
	if _, err := io.WriteString(to, "\ufeff"); err != nil { // by it spreadsheets know UTF-8
		return nil, err
	}
	w := &csvWriter{rows: csv.NewWriter(to)}
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = Safe(c.Head)
	}
	return w, w.rows.Write(heads)
}

func (w *csvWriter) Row(cells ...Cell) error {
	w.line = w.line[:0]
	for _, c := range cells {
		value, number := text(c)
		if !number {
			value = Safe(value)
		}
		w.line = append(w.line, value)
	}
	return w.rows.Write(w.line)
}

func (w *csvWriter) Close() error {
	w.rows.Flush()
	return w.rows.Error()
}

// Safe makes a text of what a spreadsheet would take for a formula.
func Safe(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}
