package document

import (
	"fmt"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// maxKeys bounds the keys of one block mapping. Lists, not keys, are what grows
// in a document.
const maxKeys = 1000

// boundYAML refuses, by its tokens, a text that the parser would work on for
// minutes: its time grows with the square of the keys of one block mapping and
// with that of the documents in one text.
func boundYAML(text []byte) error {
	keys := map[int]int{} // column → keys that began there, in the mappings that are open
	documents, brackets := 0, 0
	var before *token.Token
	for _, t := range lexer.Tokenize(string(text)) {
		column, line := t.Position.Column, t.Position.Line
		// Where a bracket is open, or a comment stands, columns mean nothing.
		begins := brackets == 0 && (before == nil || before.Position.Line != line)
		switch t.Type {
		case token.CommentType:
			continue
		case token.DocumentHeaderType, token.DocumentEndType:
			if documents++; documents > 2 {
				return refuse("", line, "holds several documents, must hold one")
			}
		case token.MappingKeyType:
			return refuse("", line, "a key must be a plain text")
		case token.MappingStartType, token.SequenceStartType:
			brackets++
		case token.MappingEndType, token.SequenceEndType:
			brackets--
		case token.MappingValueType:
			if before != nil && before.Position.Line == line {
				column = before.Position.Column
			}
			if brackets > 0 {
				break // flow mappings are read in one go
			}
			if keys[column]++; keys[column] > maxKeys {
				return refuse("", line, fmt.Sprintf("has more than %d keys side by side", maxKeys))
			}
		}
		if begins {
			closeInner(keys, column)
		}
		before = t
	}
	return nil
}

// closeInner forgets the mappings that a line further left has ended.
func closeInner(keys map[int]int, column int) {
	for inner := range keys {
		if inner > column {
			delete(keys, inner)
		}
	}
}
