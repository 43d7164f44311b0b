package usage

import (
	"strings"
	"testing"
)

func event(id string, edit ...string) string {
	text := `{"id":"` + id + `","kind":"voice","identity":{"kind":"msisdn","value":"+49151"},"start":"2026-06-01T10:00:00+02:00",` +
		`"end":"2026-06-01T10:01:01+02:00","quantity":61,"unit":"second","destination":"+4930"}`
	return strings.NewReplacer(edit...).Replace(text)
}

func TestEvents_arrayLinesAndOneLine(t *testing.T) {
	m := preset(t, "json-events", "")
	pretty := strings.NewReplacer(",", ",\n ", ":{", ":\n{").Replace(event("b"))
	for name, text := range map[string]string{
		"array":            "[" + event("a") + ",\n" + event("b") + "]\n",
		"array on a line":  "[" + event("a") + "," + event("b") + "]",
		"a line each":      event("a") + "\n" + event("b") + "\n",
		"no break at end":  event("a") + "\r\n" + event("b"),
		"indented, nested": "\ufeff[\n" + event("a") + ",\n" + pretty + "\n]",
	} {
		t.Run(name, func(t *testing.T) {
			got := readAll(t, m, text, Input{})
			if len(got) != 2 || got[0].Record == nil || got[1].Record == nil || got[1].Record.Key != "b" || got[1].Record.Quantity != 61 {
				t.Fatalf("%+v", got)
			}
		})
	}
}

func TestEvents_oneBadObjectCostsOneObject(t *testing.T) {
	m := preset(t, "json-events", "")
	for name, c := range map[string]struct {
		bad   string
		code  Reason
		field string
	}{
		"quote missing":     {event("x", `"voice"`, `"voice`), BadQuote, ""},
		"last quote open":   {event("x", `"+4930"}`, `"+4930}`), BadQuote, ""},
		"brace missing":     {event("x", `"+4930"}`, `"+4930"`), BadStructure, ""},
		"no object":         {`what is this`, BadStructure, ""},
		"unknown field":     {event("x", `"unit"`, `"units"`), BadStructure, "units"},
		"fraction":          {event("x", `:61,`, `:61.5,`), BadNumber, "quantity"},
		"text for number":   {event("x", `:61,`, `:"61",`), BadNumber, "quantity"},
		"negative":          {event("x", `:61,`, `:-61,`), NegativeQuantity, "quantity"},
		"no quantity":       {event("x", `"quantity":61,`, ``), MissingField, "quantity"},
		"no id":             {event(""), MissingField, "id"},
		"unknown kind":      {event("x", `"voice"`, `"video"`), UnknownValue, "kind"},
		"unknown unit":      {event("x", `"second"`, `"EUR"`), UnknownValue, "unit"},
		"unknown identity":  {event("x", `"msisdn"`, `"name"`), UnknownValue, "identity.kind"},
		"no identity":       {event("x", `"+49151"`, `""`), MissingField, "identity.value"},
		"local time":        {event("x", `10:00:00+02:00`, `10:00:00`), BadTime, "start"},
		"end before start":  {event("x", `10:01:01`, `09:01:01`), EndBeforeStart, "end"},
		"1970":              {event("x", `2026-`, `1970-`), TooOld, "start"},
		"2099":              {event("x", `2026-`, `2099-`), InFuture, "end"},
		"not UTF-8":         {event("x", `+4930`, "\xff"), WrongEncoding, ""},
		"zero byte in text": {event("x", `+4930`, `\u0000`), NULByte, "destination"},
		"too long":          {event("x", `+4930`, strings.Repeat("4", 70000)), LineTooLong, ""},
		"long id":           {event(strings.Repeat("x", 256)), UnknownValue, "id"},
	} {
		t.Run(name, func(t *testing.T) {
			got := readAll(t, m, event("before")+"\n"+c.bad+"\n"+event("after")+"\n", Input{})
			if len(got) != 3 || got[0].Record == nil || got[2].Record == nil || got[2].Record.Key != "after" || got[2].Line != 3 {
				t.Fatalf("neighbours are lost: %+v", got)
			}
			if p := got[1].Problem; p == nil || p.Code != c.code || p.Field != c.field {
				t.Fatalf("got %v, want %s on %q", p, c.code, c.field)
			}
		})
	}
}

func TestEvents_halfWrittenIsHeld(t *testing.T) {
	m := preset(t, "json-events", "")
	for _, text := range []string{event("a") + "\n" + event("b")[:40], "[" + event("a") + "," + event("b")[:40], "[" + event("a") + ",\n"} {
		got := readAll(t, m, text, Input{})
		if len(got) != 2 || got[1].Problem == nil || got[1].Problem.Code != UnfinishedLine {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestEvents_resumesAfterAnyItem(t *testing.T) {
	checkResume(t, preset(t, "json-events", ""), "["+event("a")+",\n"+event("b")+", "+event("c")+"\nstray\n"+event("d", "voice", "x")+"]\n")
}

func FuzzEvents(f *testing.F) {
	f.Add("[" + event("a") + ",\n" + event("b", `"+4930"}`, `"+4930`) + "\n" + event("c"))
	f.Add(`{"a":{"b":[{}]}}{`)
	f.Add("\"\n{\n{")
	m := preset(f, "json-events", "")
	f.Fuzz(func(t *testing.T, text string) { checkInvariants(t, m, text) })
}

// A file is read to its end when its last object is: its line break is no line
// of its own.
func TestEvents_lastObjectEndsItsLine(t *testing.T) {
	text := event("a") + "\n" + event("b") + " \r\n"
	var end Position
	err := preset(t, "json-events", "").Read(strings.NewReader(text), Input{}, func(item *Item) error {
		end = item.Next
		return nil
	})
	if want := (Position{int64(len(text)), 2}); err != nil || end != want {
		t.Errorf("the end is at %+v (%v), want %+v", end, err, want)
	}
}
