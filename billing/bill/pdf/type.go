package pdf

import (
	_ "embed" // the typeface
	"strings"

	"codeberg.org/go-pdf/fpdf"
)

//go:embed fonts/IBMPlexSans-Regular.ttf
var regularFont []byte

//go:embed fonts/IBMPlexSans-SemiBold.ttf
var strongFont []byte

const family = "plex"

func addFonts(f *fpdf.Fpdf) {
	f.AddUTF8FontFromBytes(family, "", regularFont)
	f.AddUTF8FontFromBytes(family, "B", strongFont)
}

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
func (s *sheet) use(st style) {
	weight := ""
	if st.strong {
		weight = "B"
	}
	s.SetFont(family, weight, st.size)
	s.SetTextColor(int(st.colour.r), int(st.colour.g), int(st.colour.b))
}

// at sets text with its left end at x, on the baseline y.
func (s *sheet) at(x, y float64, st style, text string) {
	s.use(st)
	s.Text(x, y, text)
}

// endingAt sets text with its right end at x.
func (s *sheet) endingAt(x, y float64, st style, text string) {
	s.use(st)
	s.Text(x-s.GetStringWidth(text), y, text)
}

// width of a text, in points.
func (s *sheet) width(st style, text string) float64 {
	s.use(st)
	return s.GetStringWidth(text)
}

// wrap breaks text at spaces so that each line fits the width. It never breaks
// at a no-break space, as the library's own splitting would, and breaks inside
// a word only where the word alone is too wide.
func (s *sheet) wrap(st style, text string, width float64) []string {
	s.use(st)
	var lines []string
	line := ""
	for _, word := range strings.Split(strings.Join(strings.FieldsFunc(text, isBreak), " "), " ") {
		for s.GetStringWidth(word) > width {
			fit := s.fitting(word, width)
			if line != "" {
				lines, line = append(lines, line), ""
			}
			lines, word = append(lines, word[:fit]), word[fit:]
		}
		joined := strings.TrimPrefix(line+" "+word, " ")
		if line != "" && s.GetStringWidth(joined) > width {
			lines, joined = append(lines, line), word
		}
		line = joined
	}
	return append(lines, line)
}

// fitting counts the bytes of a word's longest part that fits; at least one letter.
func (s *sheet) fitting(word string, width float64) int {
	fit := 0
	for i, letter := range word {
		end := i + len(string(letter))
		if fit > 0 && s.GetStringWidth(word[:end]) > width {
			break
		}
		fit = end
	}
	return fit
}

func isBreak(r rune) bool { return r == ' ' || r == '\n' || r == '\t' || r == '\r' }
