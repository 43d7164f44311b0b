package usage

import "strings"

// field is one field of a line as it stands there, without outer quotes.
type field struct {
	text    string
	escaped bool // holds doubled quotes
}

// splitter cuts one line into fields. It looks at one line only: a quote that
// is not closed spoils its own line and nothing after it.
type splitter struct {
	delimiter byte
	quote     byte // 0: none
	fields    []field
}

// split fails with false at a quote that is out of place.
func (s *splitter) split(line string) bool {
	s.fields = s.fields[:0]
	for {
		f, rest, more, ok := s.cut(line)
		if !ok || len(s.fields) > maxColumns {
			return ok // one too many is seen by the count of columns
		}
		s.fields = append(s.fields, f)
		if !more {
			return true
		}
		line = rest
	}
}

func (s *splitter) cut(line string) (f field, rest string, more, ok bool) {
	if s.quote != 0 && line != "" && line[0] == s.quote {
		return s.cutQuoted(line[1:])
	}
	end := strings.IndexByte(line, s.delimiter)
	if end < 0 {
		f.text = line
	} else {
		f.text, rest, more = line[:end], line[end+1:], true
	}
	ok = s.quote == 0 || strings.IndexByte(f.text, s.quote) < 0
	return f, rest, more, ok
}

func (s *splitter) cutQuoted(line string) (f field, rest string, more, ok bool) {
	for from := 0; ; {
		at := strings.IndexByte(line[from:], s.quote)
		if at < 0 {
			return field{}, "", false, false
		}
		at += from
		switch {
		case at+1 == len(line):
			f.text = line[:at]
			return f, "", false, true
		case line[at+1] == s.delimiter:
			f.text = line[:at]
			return f, line[at+2:], true, true
		case line[at+1] == s.quote:
			f.escaped = true
			from = at + 2
		default:
			return field{}, "", false, false
		}
	}
}

// value is the field with doubled quotes made single.
func (s *splitter) value(i int) string {
	if i >= len(s.fields) {
		return ""
	}
	f := s.fields[i]
	if !f.escaped {
		return f.text
	}
	q := string(rune(s.quote))
	return strings.ReplaceAll(f.text, q+q, q)
}
