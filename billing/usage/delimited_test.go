package usage

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

// call is a good Asterisk line with the given id; edit changes one piece of it.
func call(id string, edit ...string) string {
	line := `"","+4940555","+4930900","ctx","""A"" <1>","PJSIP/a","PJSIP/b","Dial","x,60",` +
		`"2026-06-01 08:00:00","2026-06-01 08:00:10","2026-06-01 08:01:11",71,61,"ANSWERED","DOCUMENTATION","` + id + `",""`
	return strings.NewReplacer(edit...).Replace(line)
}

func TestDelimited_oneBadLineCostsOneLine(t *testing.T) {
	m := preset(t, "asterisk-master-csv", "Europe/Berlin")
	for name, c := range map[string]struct {
		bad   string
		code  Reason
		field string
	}{
		"quote missing at end":     {call("x", `"ANSWERED"`, `"ANSWERED`), BadQuote, ""},
		"quote missing at start":   {call("x", `"ANSWERED"`, `ANSWERED"`), BadQuote, ""},
		"quote open at line end":   {call("x", `,""`, `,"`), BadQuote, ""},
		"not UTF-8":                {call("x", "PJSIP/a", "M\xfcller"), WrongEncoding, ""},
		"zero byte":                {call("x", "PJSIP/a", "a\x00b"), NULByte, ""},
		"over 64 KiB":              {call("x", "PJSIP/a", strings.Repeat("a", 65<<10)), LineTooLong, ""},
		"over 256 KiB":             {strings.Repeat("a", 256<<10), LineTooLong, ""},
		"too few fields":           {`"a","b"`, WrongColumns, ""},
		"too many fields":          {call("x") + strings.Repeat(`,"z"`, 300), WrongColumns, ""},
		"negative duration":        {call("x", ",71,61,", ",71,-61,"), NegativeQuantity, "quantity"},
		"duration is no number":    {call("x", ",71,61,", ",71,61.5,"), BadNumber, "quantity"},
		"duration overflows":       {call("x", ",71,61,", ",71,99999999999999999999,"), BadNumber, "quantity"},
		"duration missing":         {call("x", ",71,61,", ",71,,"), MissingField, "quantity"},
		"end before start":         {call("x", "08:01:11", "07:01:11"), EndBeforeStart, "end"},
		"1970":                     {call("x", "2026-", "1970-"), TooOld, "start"},
		"2099":                     {call("x", "2026-", "2099-"), InFuture, "end"},
		"no such day":              {call("x", "2026-06-01 08:00:10", "2026-02-30 08:00:10"), BadTime, "start"},
		"no such time (DST)":       {call("x", "2026-06-01 08:00:10", "2026-03-29 02:30:00"), BadTime, "start"},
		"time is no time":          {call("x", "2026-06-01 08:01:11", "yesterday"), BadTime, "end"},
		"no id":                    {call(""), MissingField, "key"},
		"no caller":                {call("x", `"+4940555"`, `""`), MissingField, "identity"},
		"no times":                 {call("x", `"2026-06-01 08:00:00","2026-06-01 08:00:10"`, `,`), MissingField, "start"},
		"a header of another file": {"accountcode,src,dst", WrongColumns, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := readAll(t, m, call("before")+"\n"+c.bad+"\n"+call("after")+"\r\n", Input{})
			if len(got) != 3 || got[0].Record == nil || got[2].Record == nil || got[2].Record.Key != "after" || got[2].Line != 3 {
				t.Fatalf("neighbours of the bad line are lost: %+v", got)
			}
			p := got[1].Problem
			if p == nil || p.Code != c.code || p.Field != c.field || p.Reason == "" {
				t.Fatalf("got %v, want %s on %q", p, c.code, c.field)
			}
			if _, listed := Describe(p.Code); !listed {
				t.Errorf("%s is not in the closed list", p.Code)
			}
			if len(got[1].Raw) > 3*RawBytes || strings.Contains(got[1].Raw, "\x00") {
				t.Errorf("raw text is not storable")
			}
		})
	}
}

func TestDelimited_halfWrittenLastLineIsHeld(t *testing.T) {
	got := readAll(t, preset(t, "asterisk-master-csv", "UTC"), call("1")+"\n"+call("2"), Input{})
	if len(got) != 2 || got[1].Problem == nil || got[1].Problem.Code != UnfinishedLine {
		t.Fatalf("%+v", got)
	}
}

func TestDelimited_wholeFileRefused(t *testing.T) {
	m := preset(t, "asterisk-master-csv", "UTC")
	withHeader := m
	text := *m.Text
	text.Header = true
	withHeader.Text = &text
	for name, c := range map[string]struct {
		m    Mapping
		text string
		want error
	}{
		"UTF-16 with a mark":    {m, "\xff\xfe\"\x00a\x00", ErrEncoding},
		"UTF-16 big endian":     {m, "\xfe\xff\x00\"\x00a", ErrEncoding},
		"UTF-16 without a mark": {m, "\"\x00a\x00", ErrEncoding},
		"another header":        {withHeader, "a,b\n", ErrHeader},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.m.Read(strings.NewReader(c.text), Input{At: juneAt}, func(*Item) error { return nil })
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
	head := strings.Join(text.Columns, ",") + "\n"
	if got := readAll(t, withHeader, "\ufeff"+head+call("1")+"\n", Input{}); len(got) != 1 || got[0].Record == nil || got[0].Line != 2 {
		t.Errorf("a byte order mark and a right header are passed over: %+v", got)
	}
}

func TestDelimited_resumesAfterAnyItem(t *testing.T) {
	text := call("1") + "\r\n\n" + call("2", `"ANSWERED"`, `"ANSWERED`) + "\n" + call("3") + "\n" + call("4")
	checkResume(t, preset(t, "asterisk-master-csv", "Europe/Berlin"), "\ufeff"+text)
}

// checkResume reads from behind each item and wants the same rest.
func checkResume(t *testing.T, m Mapping, text string) {
	t.Helper()
	var whole []Item
	var records []Record
	collect := func(from Position) (items []Item, records []Record) {
		err := m.Read(strings.NewReader(text[from.Offset:]), Input{At: juneAt, From: from}, func(i *Item) error {
			items = append(items, *i)
			if i.Record != nil {
				records = append(records, *i.Record)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return items, records
	}
	whole, records = collect(Position{})
	for n, item := range whole {
		rest, _ := collect(item.Next)
		if len(rest) != len(whole)-n-1 {
			t.Fatalf("after item %d: %d items, want %d", n, len(rest), len(whole)-n-1)
		}
		for i, r := range rest {
			if w := whole[n+1+i]; r.Line != w.Line || r.Next != w.Next || r.Raw != w.Raw {
				t.Fatalf("after item %d: %+v, want %+v", n, r, w)
			}
		}
	}
	if len(records) == 0 {
		t.Fatal("the text has no good records")
	}
}

func TestDelimited_hourThatComesTwice(t *testing.T) {
	m := preset(t, "asterisk-master-csv", "Europe/Berlin")
	at := time.Date(2026, 10, 26, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		start, end, seconds, wantStart, wantEnd string
	}{
		"an hour between the same two readings": {"02:30:00", "02:30:00", "3600", "00:30:00", "01:30:00"},
		"over the change":                       {"02:50:00", "02:10:00", "1200", "00:50:00", "01:10:00"},
		"before it":                             {"02:10:00", "02:20:00", "600", "00:10:00", "00:20:00"},
		"after it":                              {"02:30:00", "03:00:00", "1800", "01:30:00", "02:00:00"},
	} {
		t.Run(name, func(t *testing.T) {
			line := call("1", "2026-06-01 08:00:10", "2026-10-25 "+c.start, "2026-06-01 08:01:11", "2026-10-25 "+c.end, ",71,61,", ",71,"+c.seconds+",")
			got := readAll(t, m, line+"\n", Input{At: at})
			r := got[0].Record
			if r == nil || r.Start.Format(time.TimeOnly) != c.wantStart || r.End.Format(time.TimeOnly) != c.wantEnd {
				t.Fatalf("got %+v %v", r, got[0].Problem)
			}
		})
	}
}

func TestDelimited_filterLeavesOutOrKeepsWithoutCharge(t *testing.T) {
	m := preset(t, "asterisk-master-csv", "UTC")
	busy := call("1", `"ANSWERED"`, `"BUSY"`) + "\n"
	if got := readAll(t, m, busy, Input{}); got[0].Record == nil || !got[0].Record.NoCharge {
		t.Errorf("kept without charge: %+v", got)
	}
	m.Filters = []Filter{{Column: "disposition", Values: []string{"ANSWERED"}, Else: Skip}}
	if got := readAll(t, m, busy, Input{}); !got[0].Skipped || got[0].Record != nil {
		t.Errorf("left out: %+v", got)
	}
}

// endless writes the same good lines again and again up to a size.
type endless struct {
	line string
	left int64
	rest string
}

func (e *endless) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if e.rest == "" {
			if e.left <= 0 {
				break
			}
			e.rest = e.line
			e.left -= int64(len(e.line))
		}
		c := copy(p[n:], e.rest)
		n += c
		e.rest = e.rest[c:]
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func TestRead_memoryStaysFlat(t *testing.T) {
	stanza := "Tue Jun  2 00:00:00 2026\n\tUser-Name = \"u\"\n\tAcct-Session-Id = \"1\"\n\tNAS-IP-Address = 10.0.0.1\n" +
		"\tAcct-Status-Type = Stop\n\tAcct-Input-Octets = 1\n\tAcct-Output-Octets = 1\n\tTimestamp = 1780333200\n\n"
	event := `{"id":"1","kind":"message","identity":{"kind":"msisdn","value":"1"},"start":"2026-06-01T00:00:00Z","quantity":1,"unit":"event"},`
	for name, c := range map[string]struct {
		m    Mapping
		line string
		size int64
	}{
		"delimited":            {preset(t, "asterisk-master-csv", "Europe/Berlin"), call("1") + "\n", 300 << 20},
		"no line break at all": {preset(t, "asterisk-master-csv", "Europe/Berlin"), "aaaaaaaa", 100 << 20},
		"detail":               {preset(t, "freeradius-detail", "Asia/Jakarta"), stanza, 60 << 20},
		"detail never closed":  {preset(t, "freeradius-detail", "Asia/Jakarta"), "\tUser-Name = \"u\"\n", 60 << 20},
		"json on one line":     {preset(t, "json-events", ""), event, 20 << 20},
		"json never closed":    {preset(t, "json-events", ""), `{"a":`, 60 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			runtime.GC()
			var before, now runtime.MemStats
			runtime.ReadMemStats(&before)
			var n, peak int64
			err := c.m.Read(&endless{line: c.line, left: c.size}, Input{At: juneAt}, func(*Item) error {
				if n++; n%50000 == 1 {
					runtime.GC()
					runtime.ReadMemStats(&now)
					peak = max(peak, int64(now.HeapAlloc)-int64(before.HeapAlloc))
				}
				return nil
			})
			if err != nil || n == 0 {
				t.Fatal(n, err)
			}
			if peak > 4<<20 {
				t.Errorf("%d bytes of heap grew to %d above the start", c.size, peak)
			}
		})
	}
}

func FuzzDelimited(f *testing.F) {
	f.Add(call("1") + "\n" + call("2"))
	f.Add("\ufeff\"\",\"\"\"\"\n\r\n\x00")
	f.Add(strings.Repeat(`"`, 99) + "\n")
	m := preset(f, "asterisk-master-csv", "Europe/Berlin")
	f.Fuzz(func(t *testing.T, text string) { checkInvariants(t, m, text) })
}

// checkInvariants: every byte is accounted for once, in order, and a record is
// whole. The last item ends at the end.
func checkInvariants(t *testing.T, m Mapping, text string) {
	var last Position
	err := m.Read(strings.NewReader(text), Input{At: juneAt}, func(i *Item) error {
		if i.Next.Offset <= last.Offset && i.Problem == nil || i.Next.Offset < last.Offset || i.Line < 1 {
			return fmt.Errorf("item goes back: %+v after %+v", i, last)
		}
		last = i.Next
		if r := i.Record; r != nil && i.Problem == nil {
			if r.Key == "" || !r.Kind.Valid() || r.Quantity < 0 || r.End.Before(r.Start) || r.Start.Year() < 2025 || r.End.Year() > 2026 {
				return fmt.Errorf("record is not whole: %+v", r)
			}
		}
		if i.Record == nil && i.Problem == nil && !i.Skipped {
			return fmt.Errorf("item says nothing: %+v", i)
		}
		if i.Problem != nil && storable(i.Raw) != i.Raw {
			return fmt.Errorf("raw is not storable: %q", i.Raw)
		}
		return nil
	})
	if err != nil && !errors.Is(err, ErrEncoding) {
		t.Fatal(err)
	}
	if last.Offset > int64(len(text)) {
		t.Fatalf("read %d of %d bytes", last.Offset, len(text))
	}
}

func BenchmarkDelimited(b *testing.B) {
	m := preset(b, "asterisk-master-csv", "Europe/Berlin")
	line := call("1780294442.26") + "\n"
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	err := m.Read(&endless{line: line, left: int64(b.N) * int64(len(line))}, Input{At: juneAt}, func(*Item) error { return nil })
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}
