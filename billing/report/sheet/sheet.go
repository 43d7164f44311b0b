package sheet

import (
	"fmt"
	"io"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// Format is how a file is written.
type Format string

// The formats.
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// Valid says whether there is such a format.
func (f Format) Valid() bool { return f == CSV || f == XLSX }

// MediaType is what the file is on the wire.
func (f Format) MediaType() string {
	if f == XLSX {
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return "text/csv; charset=utf-8"
}

// Column is a column with its head.
type Column struct {
	Head string
	// Digits is how many decimals its numbers show; they keep all that they have.
	Digits int32
}

// Cell is a value: a string, a money.Decimal, an int64, a calendar.Date, a
// time.Time (in the zone in which it is to be read) or nil for none.
type Cell any

// Writer writes rows.
type Writer interface {
	Row(cells ...Cell) error
	// Close ends the file. The writer beneath stays open.
	Close() error
}

// New begins a file with its heads.
func New(to io.Writer, format Format, title string, columns []Column) (Writer, error) {
	switch format {
	case CSV:
		return newCSV(to, columns)
	case XLSX:
		return newXLSX(to, title, columns)
	}
	return nil, fmt.Errorf("no such format: %q", format)
}

// text is a cell as CSV has it.
func text(c Cell) (value string, number bool) {
	switch v := c.(type) {
	case nil:
		return "", false
	case string:
		return v, false
	case money.Decimal:
		return v.String(), true
	case int64:
		return fmt.Sprint(v), true
	case int:
		return fmt.Sprint(v), true
	case calendar.Date:
		if v.IsZero() {
			return "", false
		}
		return v.String(), false
	case time.Time:
		if v.IsZero() {
			return "", false
		}
		return v.Format("2006-01-02T15:04:05Z07:00"), false
	}
	return fmt.Sprint(c), false
}
