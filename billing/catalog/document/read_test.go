package document

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestRead_sameValuesFromBothSyntaxes(t *testing.T) {
	const asYAML = "\ufeffa: 0.10\nb: [1, '2', x: true]\nc: |\n  two\n  lines\nd: null\ne: 2026-05-01T08:00:00+02:00\n"
	const asJSON = `{"a": 0.10, "b": [1, "2", {"x": true}], "c": "two\nlines\n", "d": null, "e": "2026-05-01T08:00:00+02:00"}`
	want := map[string]any{
		"a": json.Number("0.10"),
		"b": []any{json.Number("1"), "2", map[string]any{"x": true}},
		"c": "two\nlines\n", "d": nil, "e": "2026-05-01T08:00:00+02:00",
	}
	for _, text := range []string{asYAML, asJSON} {
		got, _, err := Read([]byte(text))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %#v, %v", got, err)
		}
	}
}

func TestLines_ofTheClosestParent(t *testing.T) {
	_, lines, err := Read([]byte("a: 1\nb:\n- x: 1\n- x: 2\n  y:\n  - 5\n"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"": 1, "a": 1, "b": 2, "b[0]": 3, "b[1].x": 4, "b[1].y[0]": 6, "b[1].z": 4, "b[1].y[7].q": 5, "c": 1} {
		if got := lines.Of(path); got != want {
			t.Errorf("%q is on line %d, want %d", path, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("a: [1, {b: c}]"))
	f.Add([]byte(`{"a": [1, {"b": "c"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		value, lines, err := Read(text)
		if err != nil {
			return
		}
		if _, err := json.Marshal(value); err != nil || len(lines) == 0 {
			t.Fatalf("%v: %v", value, err)
		}
	})
}
