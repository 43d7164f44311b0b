package document

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// MaxBytes bounds a document; price lists with ten thousand prefixes stay
	// well below.
	MaxBytes = 4 << 20
	maxDepth = 32
)

// Read parses YAML, or JSON if the text begins with a brace. Values are
// map[string]any, []any, string, json.Number, bool and nil. The error is an
// *InvalidError.
func Read(text []byte) (any, Lines, error) {
	switch {
	case len(text) > MaxBytes:
		return nil, nil, refuse("", 1, fmt.Sprintf("larger than %d bytes", MaxBytes))
	case !utf8.Valid(text):
		return nil, nil, refuse("", lineOf(text, invalidAt(text)), "not UTF-8 text")
	}
	lines := Lines{"": 1}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	read := readYAML
	if begin := bytes.TrimLeft(text, " \t\r\n"); len(begin) > 0 && begin[0] == '{' {
		read = readJSON
	}
	value, err := read(text, lines)
	if err == nil {
		err = refuseZeroBytes(value, "", lines)
	}
	return value, lines, err
}

// refuseZeroBytes finds what escapes can write into a text and a database
// cannot keep.
func refuseZeroBytes(value any, path string, lines Lines) error {
	switch v := value.(type) {
	case string:
		if strings.IndexByte(v, 0) >= 0 {
			return refuse(path, lines.Of(path), "holds a zero byte; it must be text without one")
		}
	case []any:
		for i, item := range v {
			if err := refuseZeroBytes(item, childIndex(path, i), lines); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if strings.IndexByte(key, 0) >= 0 {
				return refuse(path, lines.Of(path), "has a key with a zero byte; it must be text without one")
			}
			if err := refuseZeroBytes(v[key], childKey(path, key), lines); err != nil {
				return err
			}
		}
	}
	return nil
}

func refuse(path string, line int, message string) error {
	return &InvalidError{[]Finding{{Path: path, Line: line, Message: message}}}
}

func lineOf(text []byte, offset int) int {
	return 1 + bytes.Count(text[:min(max(offset, 0), len(text))], []byte("\n"))
}

func invalidAt(text []byte) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(text)
}
