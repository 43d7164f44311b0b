package usage

import (
	"bytes"
	"errors"
	"io"
)

// events reads JSON events: one after another, or as an array, with or without
// line breaks. What stands between objects (commas, brackets, line breaks) is
// passed over, so that reading can resume behind any of them.
//
// A broken object must not swallow its neighbours. JSON has no line breaks
// inside strings, so one with a quote missing ends with its line; and no object
// of ours holds an array of objects, so a brace that begins a line begins a new
// object unless a colon stands before it.
type events struct {
	outbox
	window window

	object    []byte
	line      int64 // where the object begins; 0: none is open
	depth     int
	last      byte // the last one that is no space
	inString  bool
	escaped   bool
	tooLong   bool
	stray     bool // text that is no object; it ends with its line
	lineStart bool
	inArray   bool

	// After tail, an offset, the line holds no more than what parts objects, and
	// ends at behind. An object that ends there takes the rest along, so that a
	// file's last line is read when its last object is.
	tail   int64
	behind Position
}

func readEvents(m Mapping, r io.Reader, in Input, emit func(*Item) error) error {
	e := &events{outbox: outbox{emit: emit}, window: newWindow(in.At, m.maxAge()), lineStart: true}
	lines := newLines(r, in.From)
	for {
		line := lines.at.Line
		text, broke, err := lines.piece()
		if errors.Is(err, io.EOF) {
			return e.eof(lines.at)
		}
		if err != nil {
			return err
		}
		if broke {
			text = text[:len(text)-1]
		}
		first := lines.at.Offset - int64(len(text))
		if broke {
			first--
		}
		e.tail, e.behind = -1, lines.at
		if broke {
			e.tail = first + int64(len(bytes.TrimRight(text, " \t\r,")))
		}
		for i, c := range text {
			if err := e.step(c, Position{first + int64(i), line}); err != nil {
				return err
			}
		}
		if broke {
			if err := e.breakLine(lines.at); err != nil {
				return err
			}
		}
	}
}

// step takes one byte, which stands at the given position.
func (e *events) step(c byte, at Position) error {
	space := c == ' ' || c == '\t' || c == '\r'
	if e.line != 0 && c == '{' && e.lineStart && !e.inString && e.last != ':' {
		if err := e.finish(at, notJSON); err != nil {
			return err
		}
	}
	e.lineStart = e.lineStart && space
	if e.line == 0 {
		switch {
		case space || c == ',':
			return nil
		case c == '[' || c == ']':
			e.inArray = c == '['
			return nil
		}
		e.begin(at.Line + 1)
		e.stray = c != '{'
	}
	e.keep(c)
	if !space {
		e.last = c
	}
	if !e.stray && e.nest(c) {
		next := Position{at.Offset + 1, at.Line}
		if next.Offset == e.tail {
			next = e.behind
		}
		return e.finish(next, nil)
	}
	return nil
}

var notJSON = &Problem{"", BadStructure, "the text is no JSON object", "one whole JSON object for each use"}

func (e *events) begin(line int64) {
	e.object, e.line = e.object[:0], line
	e.depth, e.inString, e.escaped, e.tooLong, e.stray = 0, false, false, false, false
}

// keep remembers the object's text as far as it may go.
func (e *events) keep(c byte) {
	if len(e.object) < maxLineBytes {
		e.object = append(e.object, c)
	} else {
		e.tooLong = true
	}
}

// nest follows strings and braces; true at the brace that closes the object.
func (e *events) nest(c byte) bool {
	switch {
	case e.escaped:
		e.escaped = false
	case e.inString:
		e.escaped = c == '\\'
		e.inString = c != '"'
	case c == '"':
		e.inString = true
	case c == '{':
		e.depth++
	case c == '}':
		e.depth--
		return e.depth == 0
	}
	return false
}

// breakLine ends what a line break ends: stray text, and a string.
func (e *events) breakLine(next Position) error {
	e.lineStart = true
	switch {
	case e.line == 0:
		return nil
	case e.stray:
		return e.finish(next, notJSON)
	case e.inString:
		return e.finish(next, &Problem{"", BadQuote, "a quote is not closed on its line", "a JSON string with both quotes"})
	}
	e.keep('\n')
	return nil
}

func (e *events) eof(end Position) error {
	if e.line == 0 && !e.inArray {
		return nil
	}
	if e.line == 0 {
		e.begin(end.Line + 1)
	}
	return e.finish(end, &Problem{"", UnfinishedLine,
		"the file ends before this object, or the array it is in, is closed", "a whole JSON text"})
}

// finish emits the object that was collected.
func (e *events) finish(next Position, fault *Problem) error {
	raw := string(e.object)
	e.place(e.line, next, raw)
	e.line = 0
	state := lineWhole
	if e.tooLong {
		state = lineTooLong
	}
	if p := textProblem(state, raw); p != nil {
		return e.hold(p)
	}
	if fault != nil {
		return e.hold(fault)
	}
	event, p := DecodeEvent([]byte(raw))
	if p == nil {
		e.record, p = event.record()
	}
	if p != nil {
		return e.hold(p)
	}
	return e.deliver(e.window)
}
