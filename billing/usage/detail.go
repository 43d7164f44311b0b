package usage

import (
	"errors"
	"io"
	"strings"
)

// detail reads FreeRADIUS accounting detail files: a date line, attribute lines
// that begin with a tab, an empty line. A position to resume at is always
// behind a whole stanza.
type detail struct {
	outbox
	parser packetParser
	window window
	stanza stanza
}

// stanza collects the lines of one packet.
type stanza struct {
	line    int64 // of its first line; 0: none is open
	text    []byte
	problem *Problem // found while collecting
}

func readDetail(m Mapping, r io.Reader, in Input, emit func(*Item) error) error {
	zone, err := m.location()
	if err != nil {
		return err
	}
	d := &detail{
		outbox: outbox{emit: emit},
		parser: packetParser{identity: m.IdentityKind, clock: newClock("", zone)},
		window: newWindow(in.At, m.maxAge()),
	}
	lines := newLines(r, in.From)
	for {
		before := lines.at
		text, state, err := lines.next()
		if errors.Is(err, io.EOF) {
			return d.end(lines.at, unfinished("the file ends before the empty line that closes this record"))
		}
		if err != nil {
			return err
		}
		if err := d.line(text, state, before, lines.at); err != nil {
			return err
		}
	}
}

func unfinished(reason string) *Problem {
	return &Problem{"", UnfinishedLine, reason, "a whole record with an empty line after it"}
}

func (d *detail) line(text []byte, state lineState, before, after Position) error {
	isAttribute := len(text) > 0 && (text[0] == '\t' || text[0] == ' ')
	if len(text) == 0 && state == lineWhole {
		return d.end(after, nil)
	}
	if !isAttribute && d.stanza.line != 0 {
		// The writer died in the middle of the last one; this date line is sound.
		if err := d.end(before, unfinished("the next record begins before this one has ended")); err != nil {
			return err
		}
	}
	d.stanza.add(text, state, after.Line)
	return nil
}

func (s *stanza) add(text []byte, state lineState, line int64) {
	if s.line == 0 {
		s.line = line
	}
	if state == lineTooLong || len(s.text)+len(text) > maxLineBytes {
		s.problem = &Problem{"", LineTooLong, "the record is longer than 65,536 bytes", "a shorter record"}
		return
	}
	s.text = append(append(s.text, text...), '\n')
	if state == lineUnfinished {
		s.problem = unfinished("the last line has no line break, so the record may be half-written")
	}
}

// end closes the stanza, if one is open, for the given fault or in good order.
func (d *detail) end(next Position, fault *Problem) error {
	if d.stanza.line == 0 {
		return nil
	}
	raw, line, problem := strings.TrimSuffix(string(d.stanza.text), "\n"), d.stanza.line, d.stanza.problem
	d.stanza = stanza{text: d.stanza.text[:0]}
	d.place(line, next, raw)
	if problem == nil {
		problem = fault
	}
	if p := textProblem(lineWhole, raw); p != nil {
		problem = p
	}
	if problem != nil {
		return d.hold(problem)
	}
	usage, p := d.parser.parse(raw, &d.record)
	switch {
	case p != nil:
		return d.hold(p)
	case !usage:
		return d.skip()
	}
	return d.deliver(d.window)
}
