package usage

import (
	"strings"
	"unicode/utf8"
)

// outbox hands items to the caller; it owns the one item and the one record
// that all of them share.
type outbox struct {
	emit   func(*Item) error
	item   Item
	record Record
}

// place begins the next item.
func (o *outbox) place(line int64, next Position, raw string) {
	o.item = Item{Line: line, Next: next, Raw: raw}
	if len(raw) > RawBytes {
		o.item.Raw, o.item.Cut = raw[:RawBytes], true
	}
}

func (o *outbox) skip() error {
	o.item.Skipped = true
	return o.emit(&o.item)
}

// hold emits a problem. What stood there is made fit to be stored as text.
func (o *outbox) hold(p *Problem) error {
	o.item.Problem = p
	o.item.Raw = storable(o.item.Raw)
	return o.emit(&o.item)
}

// deliver emits the record, with a problem if its time is not believable.
func (o *outbox) deliver(w window) error {
	o.record.Line = o.item.Line
	o.item.Record = &o.record
	if p := w.check(&o.record); p != nil {
		return o.hold(p)
	}
	return o.emit(&o.item)
}

// storable makes invalid bytes visible: PostgreSQL's text takes neither those
// nor zero bytes.
func storable(raw string) string {
	if utf8.ValidString(raw) && strings.IndexByte(raw, 0) < 0 {
		return raw
	}
	return strings.ReplaceAll(strings.ToValidUTF8(raw, "\uFFFD"), "\x00", "\u2400")
}

// textProblem checks what every text format needs of a line.
func textProblem(state lineState, line string) *Problem {
	switch {
	case state == lineTooLong:
		return &Problem{"", LineTooLong, "the line is longer than 65,536 bytes", "a shorter line"}
	case strings.IndexByte(line, 0) >= 0:
		return &Problem{"", NULByte, "the line holds a zero byte", "text without zero bytes"}
	case !utf8.ValidString(line):
		return &Problem{"", WrongEncoding, "the line is not UTF-8", "UTF-8 text"}
	case state == lineUnfinished:
		return &Problem{"", UnfinishedLine, "the last line has no line break, so it may be half-written", "a whole line"}
	}
	return nil
}
