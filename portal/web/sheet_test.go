package web

import (
	"encoding/csv"
	"strings"
	"testing"
)

func TestSheet_noCellIsAFormula(t *testing.T) {
	cells := []struct{ cell, want string }{
		{"=HYPERLINK(\"http://evil.example\")", "'=HYPERLINK(\"http://evil.example\")"},
		{"+4915112345678", "'+4915112345678"}, {"@SUM(A1)", "'@SUM(A1)"}, {"\t=1+1", "'\t=1+1"}, {"\r=1+1", "'\r=1+1"}, {"\n=1", "'\n=1"},
		{"-2+3", "'-2+3"}, {"-1-2", "'-1-2"}, {"-", "'-"}, {"--1", "'--1"}, {"-1.2.3", "'-1.2.3"}, {"-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"},
		{"-12.50", "-12.50"}, {"-7", "-7"}, {"0", "0"}, {"12.50", "12.50"}, {"−40,11", "−40,11"},
		{"", ""}, {"Jonas", "Jonas"}, {"a=b", "a=b"}, {"two\nlines, \"quoted\"", "two\nlines, \"quoted\""},
	}
	sheet := NewSheet("cell", "beside")
	for _, c := range cells {
		sheet.Add(c.cell, "beside")
	}
	sheet.rows.Flush()
	text, marked := strings.CutPrefix(sheet.out.String(), "\ufeff")
	if !marked {
		t.Error("nothing tells that it is UTF-8")
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != len(cells)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, c := range cells {
		if got := rows[i+1][0]; got != c.want {
			t.Errorf("%q became %q, want %q", c.cell, got, c.want)
		}
	}
}
