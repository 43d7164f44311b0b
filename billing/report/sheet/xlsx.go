package sheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// Bounds of the format.
const (
	maxRows   = 1_048_576
	maxText   = 32_767
	maxDigits = 15 // a spreadsheet's number holds no more
	maxTitle  = 31
)

// The styles, by their place in cellXfs. Number formats begin after them.
const (
	styleText = iota
	styleHead
	styleDate
	styleTime
	styleNumber // with all its decimals
	firstDigits
)

// xlsxWriter writes the one sheet as it goes; what comes after it is small.
type xlsxWriter struct {
	file   *zip.Writer
	sheet  *bufio.Writer
	styles []int // of a column's numbers
	row    int
}

const (
	contentTypes = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>`
	rootRelations = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	bookRelations = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`
	book = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="%s" sheetId="1" r:id="rId1"/></sheets></workbook>`
	sheetHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/><cols>`
	sheetFoot = `</sheetData></worksheet>`
)

func newXLSX(to io.Writer, title string, columns []Column) (*xlsxWriter, error) {
	w := &xlsxWriter{file: zip.NewWriter(to)}
	var digits []int32
	for _, c := range columns {
		if c.Digits > 0 && !slices.Contains(digits, c.Digits) {
			digits = append(digits, c.Digits)
		}
	}
	for _, c := range columns {
		style := styleNumber
		if i := slices.Index(digits, c.Digits); i >= 0 {
			style = firstDigits + i
		}
		w.styles = append(w.styles, style)
	}
	parts := []struct{ name, text string }{
		{"[Content_Types].xml", contentTypes}, {"_rels/.rels", rootRelations}, {"xl/_rels/workbook.xml.rels", bookRelations},
		{"xl/workbook.xml", fmt.Sprintf(book, escape(sheetName(title)))}, {"xl/styles.xml", styleSheet(digits)},
	}
	for _, p := range parts {
		part, err := w.file.Create(p.name)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(part, p.text); err != nil {
			return nil, err
		}
	}
	part, err := w.file.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return nil, err
	}
	w.sheet = bufio.NewWriter(part)
	w.put(sheetHead)
	for i, c := range columns {
		w.put(fmt.Sprintf(`<col min="%d" max="%[1]d" width="%d" customWidth="1"/>`, i+1, min(max(utf8.RuneCountInString(c.Head)+4, 12), 40)))
	}
	w.put(`</cols><sheetData>`)
	w.begin()
	for i, c := range columns {
		w.inline(i, styleHead, c.Head)
	}
	return w, w.end()
}

func (w *xlsxWriter) put(text string) { _, _ = w.sheet.WriteString(text) } // a fault stays with the writer and comes back with Flush

func (w *xlsxWriter) begin() {
	w.row++
	w.put(`<row r="` + strconv.Itoa(w.row) + `">`)
}

func (w *xlsxWriter) end() error {
	_, err := w.sheet.WriteString(`</row>`)
	return err
}

// Row writes one row; past the format's bound it is an error, not a short file.
func (w *xlsxWriter) Row(cells ...Cell) error {
	if w.row >= maxRows {
		return fmt.Errorf("a sheet holds %d rows: choose a shorter span, or CSV", maxRows)
	}
	w.begin()
	for i, c := range cells {
		w.cell(i, c)
	}
	return w.end()
}

func (w *xlsxWriter) cell(i int, c Cell) {
	switch v := c.(type) {
	case nil:
	case money.Decimal:
		w.decimal(i, v)
	case int64:
		w.decimal(i, money.NewDecimal(v))
	case int:
		w.decimal(i, money.NewDecimal(int64(v)))
	case calendar.Date:
		if !v.IsZero() {
			w.number(i, styleDate, strconv.FormatInt(serial(v), 10))
		}
	case time.Time:
		if !v.IsZero() {
			seconds := int64(v.Hour()*3600 + v.Minute()*60 + v.Second())
			w.number(i, styleTime, strconv.FormatInt(serial(calendar.DateOf(v, v.Location())), 10)+fraction(seconds))
		}
	default:
		if value, _ := text(c); value != "" {
			w.inline(i, styleText, value)
		}
	}
}

// decimal writes a number with all its digits, or a text where a spreadsheet
// would round it.
func (w *xlsxWriter) decimal(i int, d money.Decimal) {
	plain := d.String()
	if len(strings.TrimLeft(strings.NewReplacer("-", "", ".", "").Replace(plain), "0")) > maxDigits {
		w.inline(i, styleText, plain)
		return
	}
	style := styleNumber
	if i < len(w.styles) {
		style = w.styles[i]
	}
	w.number(i, style, plain)
}

func (w *xlsxWriter) number(i, style int, value string) {
	w.put(`<c r="` + column(i) + strconv.Itoa(w.row) + `" s="` + strconv.Itoa(style) + `"><v>` + value + `</v></c>`)
}

func (w *xlsxWriter) inline(i, style int, value string) {
	if len(value) > maxText {
		value = strings.ToValidUTF8(value[:maxText], "")
	}
	w.put(`<c r="` + column(i) + strconv.Itoa(w.row) + `" s="` + strconv.Itoa(style) + `" t="inlineStr"><is><t xml:space="preserve">` + escape(value) + `</t></is></c>`)
}

// Close ends sheet and file.
func (w *xlsxWriter) Close() error {
	w.put(sheetFoot)
	if err := w.sheet.Flush(); err != nil {
		return err
	}
	return w.file.Close()
}

// serial counts days as spreadsheets do: 1900-01-01 is 1, and 1900-02-29, which
// never was, is counted.
func serial(d calendar.Date) int64 {
	return int64(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Sub(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)) / (24 * time.Hour))
}

// fraction is a time of day as a part of the day, to ten digits: far below a second.
func fraction(seconds int64) string {
	return fmt.Sprintf(".%010d", (seconds*10_000_000_000+43_200)/86_400)
}

func column(i int) string {
	name := ""
	for n := i + 1; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

func escape(value string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(strings.ToValidUTF8(value, "")))
	return out.String()
}

// sheetName is a title without what a sheet's name may not hold.
func sheetName(title string) string {
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`[]:*?/\'`, r) || r < ' ' {
			return -1
		}
		return r
	}, title)
	runes := []rune(name)
	if len(runes) > maxTitle {
		runes = runes[:maxTitle]
	}
	if len(runes) == 0 {
		return "Table"
	}
	return string(runes)
}

func styleSheet(digits []int32) string {
	var formats, styles strings.Builder
	for i, d := range digits {
		fmt.Fprintf(&formats, `<numFmt numFmtId="%d" formatCode="#,##0.%s"/>`, 170+i, strings.Repeat("0", int(d)))
		fmt.Fprintf(&styles, `<xf numFmtId="%d" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>`, 170+i)
	}
	return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="` + strconv.Itoa(2+len(digits)) + `"><numFmt numFmtId="168" formatCode="yyyy\-mm\-dd"/><numFmt numFmtId="169" formatCode="yyyy\-mm\-dd\ hh:mm:ss"/>` + formats.String() +
		`</numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="` + strconv.Itoa(firstDigits+len(digits)) + `">` +
		`<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/><xf numFmtId="168" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="169" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
		styles.String() + `</cellXfs></styleSheet>`
}
