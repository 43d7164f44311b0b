package sheet_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/report/sheet"
)

var columns = []sheet.Column{{Head: "name"}, {Head: "amount", Digits: 2}, {Head: "day"}, {Head: "at"}}

func write(t *testing.T, format sheet.Format, rows ...[]sheet.Cell) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := sheet.New(&out, format, "A/B: c*", columns)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Row(r...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

type cell struct {
	Ref    string `xml:"r,attr"`
	Type   string `xml:"t,attr"`
	Style  int    `xml:"s,attr"`
	Value  string `xml:"v"`
	Text   string `xml:"is>t"`
	Reckon string `xml:"f"`
}

func readXLSX(t *testing.T, file []byte) (rows [][]cell) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(r)
		var any struct{}
		if err := xml.Unmarshal(text, &any); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if f.Name != "xl/worksheets/sheet1.xml" {
			continue
		}
		var s struct {
			Rows []struct {
				Cells []cell `xml:"c"`
			} `xml:"sheetData>row"`
		}
		if err := xml.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		for _, row := range s.Rows {
			rows = append(rows, row.Cells)
		}
	}
	return rows
}

func TestXLSX_typedAndExact(t *testing.T) {
	t.Parallel()
	berlin, _ := time.LoadLocation("Europe/Berlin")
	rows := readXLSX(t, write(t, sheet.XLSX, []sheet.Cell{"=1+1<&>", money.MustDecimal("-1234.100000001"), day("2026-05-01"), time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC).In(berlin)},
		[]sheet.Cell{"+4930", money.MustDecimal("1234567890123456.78"), nil, nil}))
	first := rows[1]
	if c := first[0]; c.Type != "inlineStr" || c.Text != "=1+1<&>" || c.Reckon != "" {
		t.Errorf("text %+v", c)
	}
	if c := first[1]; c.Type != "" || c.Value != "-1234.100000001" || c.Style < 5 {
		t.Errorf("amount %+v", c)
	}
	if c := first[2]; c.Value != "46143" {
		t.Errorf("day %+v", c)
	}
	if c := first[3]; c.Value != "46143.5000000000" {
		t.Errorf("instant %+v", c)
	}
	if c := rows[2][1]; c.Type != "inlineStr" || c.Text != "1234567890123456.78" {
		t.Errorf("an amount that no spreadsheet can hold: %+v", c)
	}
}

func TestCSV_noFormula(t *testing.T) {
	t.Parallel()
	file := write(t, sheet.CSV, []sheet.Cell{"=cmd|' /C calc'!A0", money.MustDecimal("-5.20"), day("2026-05-01"), nil}, []sheet.Cell{"-x", money.MustDecimal("5.2"), nil, nil})
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(file), "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if rows[1][0] != "'=cmd|' /C calc'!A0" || rows[1][1] != "-5.2" || rows[1][2] != "2026-05-01" || rows[2][0] != "'-x" {
		t.Errorf("%q", rows)
	}
}

func TestXLSX_manyRowsInLittleMemory(t *testing.T) {
	w, err := sheet.New(io.Discard, sheet.XLSX, "many", columns)
	if err != nil {
		t.Fatal(err)
	}
	row := []sheet.Cell{"Somebody with a name", money.MustDecimal("12.34"), day("2026-05-01"), time.Unix(0, 0)}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 100_000 {
		if err := w.Row(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if after.HeapAlloc > before.HeapAlloc+8<<20 {
		t.Errorf("%d bytes are held", after.HeapAlloc-before.HeapAlloc)
	}
}

func day(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}
