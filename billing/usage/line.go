package usage

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxLineBytes is the longest line that is read; a longer one is passed over.
const maxLineBytes = 64 << 10

// ErrEncoding means that a file as a whole is not UTF-8 text.
var ErrEncoding = errors.New("not UTF-8 text")

type lineState uint8

const (
	lineWhole lineState = iota
	lineTooLong
	lineUnfinished // the last one, with no line break after it
)

// lines walks over a stream line by line in fixed memory.
type lines struct {
	in  *bufio.Reader
	at  Position
	bom bool // the byte order mark has been looked for
}

func newLines(r io.Reader, from Position) *lines {
	return &lines{in: bufio.NewReaderSize(r, maxLineBytes+2), at: from, bom: from.Offset > 0}
}

// next returns the next line without its break; it is valid until the next
// call. At the end it returns io.EOF. Afterwards at is behind the line.
func (l *lines) next() ([]byte, lineState, error) {
	if !l.bom {
		if err := l.openText(); err != nil {
			return nil, 0, err
		}
	}
	text, err := l.in.ReadSlice('\n')
	l.at.Offset += int64(len(text))
	switch {
	case err == nil:
		l.at.Line++
		return trimBreak(text), lineWhole, nil
	case errors.Is(err, bufio.ErrBufferFull):
		head := bytes.Clone(text[:RawBytes])
		return head, lineTooLong, l.skip()
	case errors.Is(err, io.EOF) && len(text) > 0:
		l.at.Line++
		return text, lineUnfinished, nil
	}
	return nil, 0, err
}

// piece returns what stands up to a line break, or as much of it as fits; it
// is valid until the next call. broke says that the break was reached.
func (l *lines) piece() (text []byte, broke bool, err error) {
	if !l.bom {
		if err := l.openText(); err != nil {
			return nil, false, err
		}
	}
	text, err = l.in.ReadSlice('\n')
	l.at.Offset += int64(len(text))
	switch {
	case err == nil:
		l.at.Line++
		return text, true, nil
	case errors.Is(err, bufio.ErrBufferFull), errors.Is(err, io.EOF) && len(text) > 0:
		return text, false, nil
	}
	return nil, false, err
}

// skip passes over the rest of a line that is too long.
func (l *lines) skip() error {
	for {
		text, err := l.in.ReadSlice('\n')
		l.at.Offset += int64(len(text))
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == nil || errors.Is(err, io.EOF):
			l.at.Line++
			return nil
		}
		return err
	}
}

// openText drops a UTF-8 byte order mark and refuses UTF-16, with a mark or,
// as some Windows programs write it, without.
func (l *lines) openText() error {
	l.bom = true
	head, err := l.in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		n, err := l.in.Discard(3)
		l.at.Offset += int64(n)
		return err
	}
	if isUTF16(head) {
		return fmt.Errorf("%w: the file is UTF-16; have it written, or converted (iconv -f UTF-16 -t UTF-8), as UTF-8", ErrEncoding)
	}
	return nil
}

func isUTF16(head []byte) bool {
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return true
	}
	if len(head) < 4 {
		return false
	}
	little := head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0
	big := head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0
	return little || big
}

func trimBreak(text []byte) []byte {
	text = text[:len(text)-1]
	if n := len(text); n > 0 && text[n-1] == '\r' {
		text = text[:n-1]
	}
	return text
}
