package jsontext

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestRepeated(t *testing.T) {
	for text, want := range map[string]string{
		``:                                    "",
		`1`:                                   "",
		`{}`:                                  "",
		`{"a":1,"b":2}`:                       "",
		`{"a":1,"a":1}`:                       "a",
		`{"a":1,"A":1}`:                       "A",
		`{"a":1,"\u0061":1}`:                  "a",
		`{"a":{"b":1},"b":{"a":1}}`:           "",
		`{"a":{"b":1,"b":2}}`:                 "b",
		`[{"a":1},{"a":1}]`:                   "",
		`[{"a":1},{"a":1,"c":[],"a":[]}]`:     "a",
		`{"a":"a","b":"b"}`:                   "",
		`{"a":["a","a","a"]}`:                 "",
		`{"a":"\"","b":"{\"b\":1,\"b\":2}"}`:  "",
		`{"a\\":1,"a\\":2}`:                   `a\`,
		`{"":1,"":2}`:                         "",
		`{"a":[{"x":1},2,"y"],"x":1,"a":2}`:   "a",
		`{"a" : 1 , "b" : [ ] , "b" : null }`: "b",
	} {
		got, found := Repeated([]byte(text))
		if got != want || found != (want != "" || strings.HasPrefix(text, `{"":`)) {
			t.Errorf("%s: %q, %v", text, got, found)
		}
	}
}

func TestRepeatedOutside(t *testing.T) {
	for text, want := range map[string]bool{`{"a":[{"b":1,"b":2}],"b":3}`: false, `{"a":[{"a":1}],"a":3}`: true} {
		if _, found := RepeatedOutside([]byte(text)); found != want {
			t.Errorf("%s: %v", text, found)
		}
	}
}

// A hostile body costs no more than its length.
func TestRepeated_isLinear(t *testing.T) {
	var b strings.Builder
	for n := range 100_000 {
		fmt.Fprintf(&b, `"k%d":1,`, n)
	}
	began := time.Now()
	if name, found := Repeated([]byte("{" + b.String() + `"K77":1}`)); !found || name != "K77" {
		t.Errorf("%q, %v", name, found)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
}

func FuzzRepeated(f *testing.F) {
	f.Add(`{"a":1,"b":{"a":[{}]}}`)
	f.Add(`{"a":1,"a":2}`)
	f.Fuzz(func(t *testing.T, text string) {
		_, found := Repeated([]byte(text))
		if !json.Valid([]byte(text)) || found {
			return
		}
		// Without repeats, writing it anew keeps every name.
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			return
		}
		if got, want := names(value), written(text); got != want {
			t.Errorf("%s: %d names of %d are left", text, got, want)
		}
	})
}

func names(value any) (count int) {
	switch v := value.(type) {
	case map[string]any:
		for _, inner := range v {
			count += 1 + names(inner)
		}
	case []any:
		for _, inner := range v {
			count += names(inner)
		}
	}
	return count
}

// written counts names by the standard library's tokens.
func written(text string) (count int) {
	dec := json.NewDecoder(strings.NewReader(text))
	type frame struct{ object, key bool }
	var open []frame
	for {
		token, err := dec.Token()
		if err != nil {
			return count
		}
		top := len(open) - 1
		if delim, is := token.(json.Delim); is && (delim == '}' || delim == ']') {
			open = open[:top]
			continue
		}
		if top >= 0 && open[top].object {
			if open[top].key {
				count++
			}
			open[top].key = !open[top].key
		}
		if delim, is := token.(json.Delim); is {
			open = append(open, frame{object: delim == '{', key: delim == '{'})
		}
	}
}
