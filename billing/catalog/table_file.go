package catalog

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrTable says that a file of reference data has faults; see TableError.
var ErrTable = errors.New("file has faults")

// MaxTableBytes bounds a file of reference data.
const MaxTableBytes = 32 << 20

// toldFaults bounds how many faults of one file are told; all are counted.
const toldFaults = 200

// TableFault is a fault of one cell. Column is empty where the whole line is
// meant; Line is 0 where the whole file is.
type TableFault struct {
	Line   int
	Column string
	Value  string
	Want   string
}

// TableError is ErrTable with the first faults and their number.
type TableError struct {
	Faults []TableFault
	Total  int
}

// Error tells the first fault.
func (e *TableError) Error() string {
	f := e.Faults[0]
	return fmt.Sprintf("%v: line %d, column %q, value %.40q: want %s (%d in all)", ErrTable, f.Line, f.Column, f.Value, f.Want, e.Total)
}

// Is makes it ErrTable.
func (e *TableError) Is(target error) bool { return target == ErrTable }

func (e *TableError) add(line int, column, value, want string, args ...any) {
	if e.Total++; len(e.Faults) < toldFaults {
		e.Faults = append(e.Faults, TableFault{line, column, value, fmt.Sprintf(want, args...)})
	}
}

// asError is nil where there is no fault.
func (e *TableError) asError() error {
	if e.Total == 0 {
		return nil
	}
	return e
}

// Header says whether a file's first line names its columns.
type Header string

// HeaderAuto takes the first line for names if one of them is known.
const (
	HeaderAuto Header = ""
	HeaderYes  Header = "yes"
	HeaderNo   Header = "no"
)

// TableFormat says how a file is written. The zero value finds out by itself.
type TableFormat struct {
	Delimiter rune // 0: the one that the first line holds most often
	Header    Header
}

// column is one that a kind of file knows. Without a header they stand in
// their declared order.
type column struct {
	name     string
	also     []string // other names that files give it
	required bool
}

// tableRow is one line of a file.
type tableRow struct {
	*TableError
	line    int
	columns []column
	cells   []string
	places  []int // of each column among the cells; -1: not there
}

// get is the text of a column, as a spreadsheet means it.
func (r *tableRow) get(n int) string {
	if at := r.places[n]; at >= 0 && at < len(r.cells) {
		return plainCell(r.cells[at])
	}
	return ""
}

// fault tells what would be right in a column.
func (r *tableRow) fault(n int, want string, args ...any) {
	r.add(r.line, r.columns[n].name, r.get(n), want, args...)
}

// formulaText is the beginning of a cell written as ="0049", outside quotes.
var formulaText = regexp.MustCompile(`(^|[\n;,\t|])="`)

// plainCell takes off what spreadsheets put around a text so as not to read
// it as a number: ="0049" and '0049.
func plainCell(s string) string {
	s = strings.TrimSpace(s)
	if inner, is := strings.CutPrefix(s, `="`); is {
		return strings.TrimSpace(strings.TrimSuffix(inner, `"`))
	}
	return strings.TrimPrefix(s, "'")
}

// readTable reads a delimited file and hands over each line that is not
// empty. Names of columns it does not know are returned.
func readTable(content []byte, f TableFormat, columns []column, each func(*tableRow)) (ignored []string, err error) {
	faults := &TableError{}
	text := plainText(content, faults)
	if f.Delimiter == 0 {
		f.Delimiter = delimiterOf(text)
	}
	skipped := 0
	if first, rest, _ := bytes.Cut(text, []byte("\n")); bytes.HasPrefix(bytes.ToLower(first), []byte("sep=")) {
		text, skipped = rest, 1 // how a spreadsheet is told the delimiter
	}
	reader := csv.NewReader(bytes.NewReader(formulaText.ReplaceAll(text, []byte(`$1"`))))
	reader.Comma, reader.FieldsPerRecord, reader.ReuseRecord = f.Delimiter, -1, true
	row := &tableRow{TableError: faults, columns: columns}
	for faults.Total < 100*toldFaults {
		row.cells, err = reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			faults.add(bad.Line+skipped, "", "", "quotes around whole cells only, closed, and doubled inside them")
			break
		}
		if err != nil {
			return nil, err
		}
		row.line, _ = reader.FieldPos(0)
		row.line += skipped
		if row.places == nil {
			var header bool
			if header, ignored = row.place(f.Header); header {
				continue
			}
		}
		if !slices.ContainsFunc(row.cells, func(cell string) bool { return plainCell(cell) != "" }) {
			continue // a spreadsheet's empty line
		}
		each(row)
	}
	if row.places == nil && faults.Total == 0 {
		faults.add(0, "", "", "at least one line")
	}
	return ignored, faults.asError()
}

// place finds the columns by the names of the first line or, if that holds
// none, by their order.
func (r *tableRow) place(header Header) (isHeader bool, ignored []string) {
	r.places = make([]int, len(r.columns))
	known := 0
	for n := range r.places {
		r.places[n] = -1
		for at, cell := range r.cells {
			name := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(plainCell(cell)))
			if name == r.columns[n].name || slices.Contains(r.columns[n].also, name) {
				r.places[n] = at
				known++
				break
			}
		}
	}
	if header == HeaderNo || (header == HeaderAuto && known == 0) {
		for n := range r.places {
			r.places[n] = n
		}
		return false, nil
	}
	for at, cell := range r.cells {
		if !slices.Contains(r.places, at) && plainCell(cell) != "" {
			ignored = append(ignored, plainCell(cell))
		}
	}
	for n, c := range r.columns {
		if c.required && r.places[n] < 0 {
			r.add(r.line, c.name, "", "a column named %s", strings.Join(append([]string{c.name}, c.also...), ", "))
		}
	}
	return true, ignored
}

// plainText turns what spreadsheets save into UTF-8 without a mark.
func plainText(content []byte, faults *TableError) []byte {
	if bytes.HasPrefix(content, []byte("PK\x03\x04")) {
		faults.add(0, "", "", "text: save the workbook as CSV")
		return nil
	}
	if len(content) > MaxTableBytes {
		faults.add(0, "", "", "a file of at most %d MB", MaxTableBytes>>20)
		return nil
	}
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(content, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(content, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
		if !utf8.Valid(content) {
			faults.add(0, "", "", "text in UTF-8: save it as CSV UTF-8")
			return nil
		}
		return content
	}
	units := make([]uint16, 0, len(content)/2)
	for at := 2; at+1 < len(content); at += 2 {
		units = append(units, order.Uint16(content[at:]))
	}
	return []byte(string(utf16.Decode(units)))
}

// delimiterOf guesses the delimiter by the first line that is not empty.
func delimiterOf(text []byte) rune {
	first, _, _ := bytes.Cut(bytes.TrimLeft(text, "\r\n"), []byte("\n"))
	if told, is := bytes.CutPrefix(bytes.ToLower(bytes.TrimSpace(first)), []byte("sep=")); is && len(told) == 1 {
		return rune(told[0])
	}
	best, most := ',', 0
	for _, c := range ";,\t|" {
		if n := strings.Count(string(first), string(c)); n > most {
			best, most = c, n
		}
	}
	return best
}
