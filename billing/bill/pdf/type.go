package pdf

import (
	_ "embed" // the typeface
	"strings"
	"sync"

	"tollhouse/billing/bill/pdf/tagged"
)

//go:embed fonts/IBMPlexSans-Regular.ttf
var regularFont []byte

//go:embed fonts/IBMPlexSans-SemiBold.ttf
var strongFont []byte

// typeface reads the fonts once.
var typeface = sync.OnceValues(func() ([]*tagged.Font, error) {
	regular, err := tagged.ParseFont("IBMPlexSans", regularFont)
	if err != nil {
		return nil, err
	}
	strong, err := tagged.ParseFont("IBMPlexSans-SemiBold", strongFont)
	return []*tagged.Font{regular, strong}, err
})

// style is how a piece of text is set.
type style struct {
	size   float64
	strong bool
	colour colour
}

// The few styles of a document. Two weights and three tones are enough.
var (
	body    = style{size: 9.5, colour: ink}
	strong  = style{size: 9.5, strong: true, colour: ink}
	small   = style{size: 8, colour: grey}
	fine    = style{size: 7, colour: grey}
	heading = style{size: 7.5, strong: true, colour: grey}
)

func (st style) in(c colour) style     { st.colour = c; return st }
func (st style) sized(p float64) style { st.size = p; return st }

func (st style) font() int {
	if st.strong {
		return 1
	}
	return 0
}

// at sets text with its left end at x, on the baseline y.
func (s *sheet) at(x, y float64, st style, text string) {
	if s.decor {
		s.Decor(x, y, st.font(), st.size, st.colour.set(), text)
		return
	}
	s.Text(x, y, st.font(), st.size, st.colour.set(), text)
}

// endingAt sets text with its right end at x.
func (s *sheet) endingAt(x, y float64, st style, text string) {
	s.at(x-s.width(st, text), y, st, text)
}

// width of a text, in points.
func (s *sheet) width(st style, text string) float64 {
	fonts, err := typeface()
	if err != nil {
		return 0
	}
	return fonts[st.font()].Width(st.size, text)
}

// wrap breaks text at spaces so that each line fits the width. It never breaks
// at a no-break space, and breaks inside a word only where the word alone is
// too wide.
func (s *sheet) wrap(st style, text string, width float64) []string {
	var lines []string
	line, space := "", s.width(st, " ")
	reached := 0.0
	for _, word := range strings.FieldsFunc(text, isBreak) {
		own := s.width(st, word)
		for own > width {
			fit := s.fitting(st, word, width)
			if line != "" {
				lines, line = append(lines, line), ""
			}
			lines, word = append(lines, word[:fit]), word[fit:]
			own = s.width(st, word)
		}
		switch {
		case line == "":
			line, reached = word, own
		case reached+space+own > width:
			lines, line, reached = append(lines, line), word, own
		default:
			line, reached = line+" "+word, reached+space+own
		}
	}
	return append(lines, line)
}

// fitting counts the bytes of a word's longest part that fits; at least one letter.
func (s *sheet) fitting(st style, word string, width float64) int {
	fit := 0
	for i, letter := range word {
		end := i + len(string(letter))
		if fit > 0 && s.width(st, word[:end]) > width {
			break
		}
		fit = end
	}
	return fit
}

func isBreak(r rune) bool { return r == ' ' || r == '\n' || r == '\t' || r == '\r' }
