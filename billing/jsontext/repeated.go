// Package jsontext looks at JSON as it was written, where decoding hides
// something.
//
// It owns the search for names that stand twice in one object. It does not own
// decoding (encoding/json) or what a document means.
//
// Always true:
//   - Its work grows with the length of the text, whatever the text is.
package jsontext

import (
	"bytes"
	"encoding/json"
	"strings"
)

// object is an object or a list that is open.
type object struct {
	names  int             // where its names begin in scanner.names; -1 for a list
	folded map[string]bool // of an object with many names
	key    bool            // a name comes next
}

// manyNames is from where on names are looked up rather than compared.
const manyNames = 16

// Repeated gives the first name that stands twice in one object of a valid JSON
// text. Readers take the first, the last or either: two of them that stand on
// one request would see two requests (RFC 8259, 4). Names that differ in case
// only count as one, since decoding takes them as one.
func Repeated(text []byte) (name string, found bool) { return repeated(text, len(text)) }

// RepeatedOutside is Repeated for the outermost object alone: what is inside
// is judged by itself.
func RepeatedOutside(text []byte) (name string, found bool) { return repeated(text, 1) }

func repeated(text []byte, levels int) (name string, found bool) {
	var names [][]byte
	var open []object
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{':
			open = append(open, object{names: len(names), key: true})
		case '[':
			open = append(open, object{names: -1})
		case '}', ']':
			if len(open) == 0 {
				return "", false
			}
			if last := open[len(open)-1]; last.names >= 0 {
				names = names[:last.names]
			}
			open = open[:len(open)-1]
		case ',':
			if n := len(open); n > 0 {
				open[n-1].key = open[n-1].names >= 0
			}
		case '"':
			end := closing(text, i+1)
			if n := len(open); n > 0 && n <= levels && open[n-1].key {
				this := unescaped(text[i:min(end+1, len(text))])
				if open[n-1].knows(names, this) {
					return string(this), true
				}
				names = append(names, this)
				open[n-1].key = false
			}
			i = end
		}
	}
	return "", false
}

// knows says whether the object has a name already, and remembers it.
func (o *object) knows(names [][]byte, name []byte) bool {
	own := names[o.names:]
	if len(own) < manyNames {
		for _, other := range own {
			if bytes.EqualFold(other, name) {
				return true
			}
		}
		return false
	}
	if o.folded == nil {
		o.folded = make(map[string]bool, 2*manyNames)
		for _, other := range own {
			o.folded[folded(other)] = true
		}
	}
	this := folded(name)
	known := o.folded[this]
	o.folded[this] = true
	return known
}

func folded(name []byte) string { return strings.ToLower(strings.ToUpper(string(name))) }

// closing is where the text's quote that ends a string stands.
func closing(text []byte, i int) int {
	for ; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(text)
}

// unescaped is the name within its quotes, as it reads.
func unescaped(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return bytes.Trim(quoted, `"`)
	}
	var name string
	if json.Unmarshal(quoted, &name) != nil {
		return quoted
	}
	return []byte(name)
}
