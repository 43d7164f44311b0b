package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"
)

// plain sells calls at a hundredth of a euro a second, by the second, and a
// monthly fee of ten: what is owed can be reckoned in the head.
const plain = `
code: plain
names: {en: Plain}
billing: postpaid
services: [voice]
currency: EUR
tax: {category: standard, included: false}
prices:
  recurring: [{code: fee, names: {en: Monthly fee}, amount: "10.00", months: 1, timing: arrears, prorate: day}]
usage:
- code: calls
  names: {en: Calls}
  kind: voice
  rules: [{code: any, destinations: ["*"], price: "0.01", per: 1 s}]
`

// call is a line of Master.csv.
type call struct {
	from, clid, start, answer, end string
	seconds                        int
	unique                         string
}

func (c call) String() string {
	return fmt.Sprintf(`"","%s","+4930901820","from-internal","%s","PJSIP/a-01","PJSIP/b-02","Dial","PJSIP/x@carrier,60","%s","%s","%s",%d,%d,"ANSWERED","DOCUMENTATION","%s",""`,
		c.from, c.clid, c.start, c.answer, c.end, c.seconds, c.seconds, c.unique)
}

// answered is a good call of January 2026.
func answered(n, subscribers int) call {
	second := n % 40
	at := fmt.Sprintf("2026-01-%02d 10:%02d:%02d", 2+n/3600%20, n/60%60, n%60)
	end := fmt.Sprintf("2026-01-%02d 11:%02d:%02d", 2+n/3600%20, n/60%60, n%60)
	return call{from: line(n % subscribers), clid: "Müller", start: at, answer: at, end: end, seconds: 1 + second, unique: fmt.Sprintf("good.%d", n)}
}

// spoil makes a line wrong in one way; its reason is what suspense has to say.
var spoil = []struct {
	reason string
	line   func(c call) string
}{
	{"wrong_encoding", func(c call) string { c.clid = "M\xfcller"; return c.String() }},
	{"bad_quote", func(c call) string { return strings.Replace(c.String(), `"ANSWERED"`, `"ANSWERED`, 1) }},
	{"negative_quantity", func(c call) string { c.seconds = -c.seconds; return c.String() }},
	{"too_old", func(c call) string {
		c.start, c.answer, c.end = "1970-01-01 01:00:00", "1970-01-01 01:00:05", "1970-01-01 01:01:00"
		return c.String()
	}},
	{"in_future", func(c call) string {
		c.start, c.answer, c.end = "2099-05-01 10:00:00", "2099-05-01 10:00:05", "2099-05-01 10:01:00"
		return c.String()
	}},
	{"unknown_subscriber", func(c call) string { c.from = "+494099999999"; return c.String() }},
	{"bad_time", func(c call) string { c.answer = "yesterday"; return c.String() }},
	{"bad_number", func(c call) string { return strings.Replace(c.String(), `,"ANSWERED"`, `x,"ANSWERED"`, 1) }},
	{"wrong_columns", func(c call) string { return `"cut","off"` }},
	{"nul_byte", func(c call) string { return "\x00\x00" + c.String() }},
	{"line_too_long", func(c call) string { c.clid = strings.Repeat("z", 70_000); return c.String() }},
}

// TestSuspense_goodLinesCount: a file with every fault we know of among many
// good lines. The good ones are charged, the bad ones wait with line and reason.
func TestSuspense_goodLinesCount(t *testing.T) {
	const lines, subscribers, each = 12_000, 3, 97 // every 97th line is spoilt
	c := shared(t).newOperator(t, "scherben", plain)
	accounts := make([]string, subscribers)
	for n := range accounts {
		accounts[n] = c.connect(t, "plain", n)
	}
	c.post(t, "/usage-sources", map[string]string{"name": "pbx", "preset": "asterisk-master-csv", "zone": "Europe/Berlin"}, nil)
	c.advance(t, "2026-01-25T12:00:00Z")

	var text strings.Builder
	reasons := map[int64]string{} // by line number
	owed := make([]int, subscribers)
	for n := range lines {
		good := answered(n, subscribers)
		if n%each > 0 {
			owed[n%subscribers] += good.seconds
			text.WriteString(good.String() + "\n")
			continue
		}
		fault := spoil[n/each%len(spoil)]
		reasons[int64(n+1)] = fault.reason
		text.WriteString(fault.line(good) + "\n")
	}
	reasons[lines+1] = "unfinished_line"
	text.WriteString(answered(lines, subscribers).String()[:60]) // its writer is still at it

	f := c.upload(t, "pbx", []byte(text.String()))
	if f.State != "done" || f.Lines != lines+1 || f.Suspended != int64(len(reasons)) || f.Accepted != f.Lines-f.Suspended {
		t.Errorf("the file: %+v, want %d in suspense", f, len(reasons))
	}
	wantReasons(t, c, f.ID, reasons)
	for n, account := range accounts {
		if got, want := c.unbilled(t, account), fmt.Sprintf("%d.%02d", owed[n]/100, owed[n]%100); got != want {
			t.Errorf("subscriber %d owes %s, want %s", n, got, want)
		}
	}
	c.wantControlSums(t)

	// Another encoding as a whole is refused as a whole.
	var foreign []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + answered(1, 1).String() + "\n")) {
		foreign = append(foreign, byte(unit), byte(unit>>8))
	}
	if f := c.upload(t, "pbx", foreign); f.State != "failed" || f.Error == "" || f.Accepted != 0 {
		t.Errorf("a file in UTF-16: %+v", f)
	}
}

func (c caller) upload(t *testing.T, source string, text []byte) usageFile {
	t.Helper()
	var f usageFile
	c.post(t, "/usage-files?source="+source, upload(text), &f)
	return c.read(t, f.ID)
}

func (c caller) unbilled(t *testing.T, account string) string {
	t.Helper()
	var a struct{ Unbilled struct{ Amount string } }
	c.get(t, "/accounts/"+account, &a)
	return a.Unbilled.Amount
}

func wantReasons(t *testing.T, c caller, file string, want map[int64]string) {
	t.Helper()
	type item struct {
		Line      int64
		Reason    string
		Means, Do string
	}
	items := pages[item](t, c, "/suspense", url.Values{"file": {file}})
	for _, i := range items {
		if want[i.Line] != i.Reason || i.Means == "" || i.Do == "" {
			t.Errorf("line %d waits for %s (%s %s), want %q", i.Line, i.Reason, i.Means, i.Do, want[i.Line])
		}
	}
	if len(items) != len(want) {
		t.Errorf("%d lines wait, want %d", len(items), len(want))
	}
}
