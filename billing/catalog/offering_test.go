package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tollhouse/billing/catalog/document"
)

func samples(t *testing.T) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("../../docs/samples/offerings/*.yaml")
	if err != nil || len(paths) < 4 {
		t.Fatalf("%d samples, %v", len(paths), err)
	}
	texts := map[string][]byte{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts[filepath.Base(path)] = text
	}
	return texts
}

func TestSchema_sameAsInDocs(t *testing.T) {
	public, err := os.ReadFile("../../docs/offering.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(public, SchemaJSON) {
		t.Error("docs/offering.schema.json and billing/catalog/offering.schema.json differ; copy one over the other")
	}
}

func TestSamples_cleanAndStableInBothSyntaxes(t *testing.T) {
	for name, text := range samples(t) {
		t.Run(name, func(t *testing.T) {
			o, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range Check(o) {
				t.Error(f)
			}
			if strings.TrimSuffix(name, ".yaml") != o.Code {
				t.Errorf("is named for %s", o.Code)
			}
			exported, err := o.YAML()
			if err != nil {
				t.Fatal(err)
			}
			asJSON, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			for _, again := range [][]byte{exported, asJSON} {
				back, err := Parse(again)
				if err != nil {
					t.Fatalf("%v\n%s", err, again)
				}
				if twice, err := back.YAML(); err != nil || !bytes.Equal(twice, exported) {
					t.Fatalf("exported again, %v:\n%s\nfirst:\n%s", err, twice, exported)
				}
			}
		})
	}
}

// base is an offering that Parse and Check accept; tests put faults into it.
const base = `code: x
names: {en: X}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
`

func TestParse_namesTheField(t *testing.T) {
	rule := func(s string) string {
		return base + "usage:\n- code: calls\n  names: {en: Calls}\n  kind: voice\n  rules:\n  - {code: a, destinations: ['*'], " + s + "}\n"
	}
	for _, row := range []struct{ name, text, want string }{
		{"missing", "code: x\nnames: {en: X}\n", "billing: is missing"},
		{"unknown key", base + "colour: red\n", "colour: is no key of this document (7)"},
		{"unknown key deep", rule("price: 1, per: 1 min, prise: 2"), "usage[0].rules[0].prise: is no key of this document (12)"},
		{"wrong word", strings.Replace(base, "postpaid", "later", 1), "billing: must be one of prepaid, postpaid (3)"},
		{"unknown currency", strings.Replace(base, "EUR", "XYZ", 1), "currency: must be the three capital letters of an ISO 4217 currency (5)"},
		{"currency in small letters", strings.Replace(base, "EUR", "eur", 1), "currency: must be the three capital letters"},
		{"negative price", rule("price: -1, per: 1 min"), "usage[0].rules[0].price: must be a decimal"},
		{"a price as text", rule("price: cheap, per: 1 min"), "usage[0].rules[0].price: must be a decimal"},
		{"exponent", rule("price: 1e3, per: 1 min"), "usage[0].rules[0].price: must be a decimal"},
		{"no such unit", rule("price: 1, per: 1 mn"), "usage[0].rules[0].per: must be a quantity"},
		{"time of day", rule("price: 1, per: 1 min, windows: [{from: '08:00', to: '25:00'}]"), "usage[0].rules[0].windows[0].to: must be a time of day"},
		{"no name", strings.Replace(base, "{en: X}", "{}", 1), "names: "},
		{"twice", base + "code: y\n", "key stands twice (7)"},
		{"not YAML", "code: [x", "not YAML"},
		{"tag", "code: !!binary aGFsbG8=", "anchors, aliases, tags"},
		{"alias", "a: &a [x]\nb: *a\n", "anchors, aliases, tags"},
		{"two documents", base + "---\n" + base, "holds 2 documents"},
		{"empty", "", "holds 0 documents"},
		{"a list", "- a\n", "got array, want object"},
		{"not UTF-8", "code: \xff", "not UTF-8"},
		{"broken JSON", `{"code": "x"`, "not JSON"},
		{"JSON key twice", "{\"code\": \"x\",\n\"code\": \"y\"}", "code: key stands twice (2)"},
		{"zero byte in YAML", strings.Replace(base, "{en: X}", `{en: "a\0b"}`, 1), "names.en: holds a zero byte; it must be text without one (2)"},
		{"zero byte in JSON", `{"code": "x", "names": {"en": "a\u0000b"}}`, "names.en: holds a zero byte"},
		{"zero byte in a key", strings.Replace(base, "{en: X}", `{"e\0": X}`, 1), "names: has a key with a zero byte"},
		{"too deep", strings.Repeat("[", 100) + strings.Repeat("]", 100), "nested too deeply"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Parse([]byte(row.text))
			var invalid *document.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("got %v", err)
			}
			var all []string
			for _, f := range invalid.Findings {
				all = append(all, fmt.Sprintf("%s (%d)", f, f.Line))
			}
			if !strings.Contains(strings.Join(all, "\n"), row.want) {
				t.Errorf("got %q, want %q", all, row.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(base))
	f.Add([]byte(`{"code":"x","usage":[{"rules":[{}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := Parse(text)
		if err != nil {
			return
		}
		Check(o)
		exported, err := o.YAML()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(exported); err != nil {
			t.Fatalf("%v\n%s", err, exported)
		}
	})
}

func TestQuantity(t *testing.T) {
	for text, want := range map[string]int64{"60 s": 60, "1.5 min": 90, "2 h": 7200, "100 GB": 100e9, "1 GiB": 1 << 30, "7": 7, "0.5 kB": 500} {
		q, err := ParseQuantity(text)
		if err != nil || q.Base() != want || q.String() != text {
			t.Errorf("%q is %d, %v", text, q.Base(), err)
		}
	}
	for _, text := range []string{"", "GB", "1GB", "1 gb", "-1 GB", "0.5", "1  GB", "1 GB ", "99999999999 TiB"} {
		if _, err := ParseQuantity(text); !errors.Is(err, ErrQuantity) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
