package usage

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMapping_presetsSurviveJSON(t *testing.T) {
	for _, p := range Presets("Europe/Berlin") {
		text, err := json.Marshal(p.Mapping)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseMapping(text)
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		again, _ := json.Marshal(back)
		if string(again) != string(text) {
			t.Errorf("%s: %s became %s", p.Name, text, again)
		}
	}
}

func TestMapping_faultsNameTheField(t *testing.T) {
	good := `{"format":"delimited","zone":"Europe/Berlin","identity_kind":"line","unit":"second","text":{"delimiter":";","columns":["id","who","at","secs"]},` +
		`"fields":{"key":["id"],"identity":{"columns":["who"]},"start":{"columns":["at"]},"time_layout":"unix","quantity":{"columns":["secs"]},"kind":{"constant":"voice"}}}`
	if _, err := ParseMapping([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, field string }{
		{`"delimited"`, `"xml"`, "format"},
		{`Europe/Berlin`, `Mars/Base`, "zone"},
		{`"line"`, `"name"`, "identity_kind"},
		{`"unit":"second"`, `"unit":"EUR"`, "unit"},
		{`";"`, `";;"`, "text.delimiter"},
		{`"secs"]`, `"at"]`, "text.columns[3]"},
		{`"key":["id"]`, `"key":["nr"]`, "fields.key[0]"},
		{`"start":{"columns":["at"]},`, ``, "fields.start"},
		{`"unix"`, `"hh:mm"`, "fields.time_layout"},
		{`"unix"`, `"2006-01-02 15:04:05 MST"`, "fields.time_layout"},
		{`{"constant":"voice"}`, `{"constant":"video"}`, "fields.kind.constant"},
		{`{"columns":["secs"]}`, `{"constant":"-1"}`, "fields.quantity.constant"},
		{`"zone"`, `"zones"`, "zones"},
		{`"unix"`, `7`, "fields.time_layout"},
		{`"unit"`, `"filters":[{"column":"x","values":["1"],"else":"skip"}],"unit"`, "filters[0].column"},
	} {
		text := replaceOnce(t, good, c.from, c.to)
		_, err := ParseMapping([]byte(text))
		var fault *MappingError
		if !errors.As(err, &fault) || !errors.Is(err, ErrMapping) {
			t.Errorf("%s → %s: %v", c.from, c.to, err)
			continue
		}
		if !slices.ContainsFunc(fault.Faults, func(f FieldError) bool { return f.Field == c.field }) {
			t.Errorf("%s → %s: want field %s in %v", c.from, c.to, c.field, err)
		}
	}
}

func TestClock_agreesWithPackageTime(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "Asia/Jakarta", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		c := newClock(layoutLocal, zone)
		at := time.Date(2024, 2, 27, 0, 0, 0, 0, time.UTC)
		for range 60000 {
			at = at.Add(17*time.Minute + 13*time.Second)
			text := at.In(zone).Format(layoutLocal)
			got, err := c.parse(text)
			if err != nil {
				t.Fatalf("%s in %s: %v", text, name, err)
			}
			if got.unixMicro != at.UnixMicro() && got.again != at.UnixMicro() {
				t.Fatalf("%s in %s: got %s, want %s", text, name, utc(got.unixMicro), at)
			}
		}
	}
}

func TestClock_layouts(t *testing.T) {
	berlin, _ := time.LoadLocation("Europe/Berlin")
	for _, c := range []struct{ layout, text, want string }{
		{layoutRFC3339, "2026-06-01T10:00:00.25+02:00", "2026-06-01T08:00:00.25Z"},
		{layoutUnix, "1780300800", "2026-06-01T08:00:00Z"},
		{layoutUnixMillis, "1780300800250", "2026-06-01T08:00:00.25Z"},
		{"02.01.2006 15:04:05", "01.06.2026 10:00:00", "2026-06-01T08:00:00Z"},
		{"20060102150405-0700", "20260601100000+0200", "2026-06-01T08:00:00Z"},
		{"20060102150405-0700", "20260601080000+0000", "2026-06-01T08:00:00Z"},
	} {
		clock := newClock(c.layout, berlin)
		got, err := clock.parse(c.text)
		if err != nil || utc(got.unixMicro).Format(time.RFC3339Nano) != c.want {
			t.Errorf("%s by %s: %s %v", c.text, c.layout, utc(got.unixMicro), err)
		}
	}
}

func replaceOnce(t *testing.T, text, from, to string) string {
	t.Helper()
	out := strings.Replace(text, from, to, 1)
	if out == text {
		t.Fatalf("%s does not occur", from)
	}
	return out
}
