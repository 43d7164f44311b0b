package document

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// repeated writes a line n times, each with its number.
func repeated(n int, line string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, line, i)
	}
	return b.String()
}

func TestRead_refusesSoonWhatTheParserWouldTakeMinutesFor(t *testing.T) {
	cases := map[string]string{
		"many keys":             repeated(80_000, "k%d: 1\n"),
		"many keys further in":  "a:\n" + repeated(80_000, "  k%d: 1\n"),
		"many keys in a list":   "a:\n- x: 1\n" + repeated(80_000, "  k%d: 1\n"),
		"many keys with values": repeated(40_000, "k%d:\n  a: 1\n"),
		"comments between":      "a:\n" + repeated(40_000, "  k%d: 1\n# c\n"),
		"brackets between":      "a:\n" + repeated(40_000, "  k%d: {\n}\n"),
		"lists between":         "a:\n" + repeated(40_000, "  k%d: [\nb\n]\n"),
		"keys in two lines":     repeated(40_000, "? k%d\n: 1\n"),
		"quoted keys":           repeated(40_000, "'k%d' : 1\n"),
		"ended documents":       repeated(100_000, "k%d: 1\n...\n"),
		"many documents":        strings.Repeat("---\n", 250_000),
		"documents with a body": strings.Repeat("---\na: 1\n", 100_000),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			if _, _, err := Read([]byte(text)); err == nil {
				t.Error("was taken")
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestRead_takesLongLists(t *testing.T) {
	for name, text := range map[string]string{
		"of texts":          "a:\n" + repeated(10_000, "  - '%d'\n"),
		"of mappings":       "a:\n" + repeated(5_000, "- code: x%d\n  names:\n    en: a\n  amount: '1'\n"),
		"of flow mappings":  "a:\n" + repeated(5_000, "  - {code: x%d, amount: '1'}\n"),
		"with one document": "---\na: 1\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := Read([]byte(text)); err != nil {
				t.Error(err)
			}
		})
	}
}
