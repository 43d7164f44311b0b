package api

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"tollhouse/api/oapi"
	"tollhouse/billing/usage"
)

// plainEvent is a debit's body as nearly all are: plain ASCII without escapes,
// each field at most once and of its type. It is read in one pass, where the
// general way takes five. What is not plain, right or wrong, is left to the
// general way, which alone tells faults.
type plainEvent struct {
	source string
	event  usage.Event
}

const (
	maxSourceName = 63 // as the document says
	maxDigits     = 18 // fit 64 bits
)

// plainly reads a request's body if it is plain; nil otherwise.
func plainly(r *http.Request, body []byte) *plainEvent {
	if r.URL.RawQuery != "" || r.Header.Get(echo.HeaderContentType) != jsonType {
		return nil
	}
	for _, c := range body {
		if c >= 0x7f || c == '\\' || c < ' ' {
			return nil
		}
	}
	var p plainEvent
	s := scanner{rest: string(body)}
	s.object(func(name string) bool {
		switch name {
		case "source":
			return s.text(&p.source)
		case "event":
			return s.event(&p.event)
		}
		return false
	})
	if s.broken || s.rest != "" || p.source == "" || len(p.source) > maxSourceName || p.event.ID == "" {
		return nil
	}
	return &p
}

// scanner reads JSON of known objects of texts and whole numbers. Once it meets
// something else it is broken and reads no more.
type scanner struct {
	rest   string
	broken bool
}

func (s *scanner) space() { s.rest = strings.TrimLeft(s.rest, " ") }

// take reads a sign, with space after it.
func (s *scanner) take(sign byte) bool {
	if s.broken || s.rest == "" || s.rest[0] != sign {
		s.broken = true
		return false
	}
	s.rest = s.rest[1:]
	s.space()
	return true
}

// object reads an object; field reads the value of a name and says whether it
// knows it. A name that stands twice breaks it, as does an object of none.
func (s *scanner) object(field func(name string) bool) bool {
	s.space()
	if !s.take('{') {
		return false
	}
	var seen [16]string
	for n := 0; n < len(seen); n++ {
		var name string
		if !s.text(&name) || !s.take(':') {
			return false
		}
		for _, other := range seen[:n] {
			if other == name {
				s.broken = true
				return false
			}
		}
		seen[n] = name
		if !field(name) || s.broken || s.rest == "" {
			s.broken = true
			return false
		}
		if s.rest[0] == '}' {
			return s.take('}')
		}
		if !s.take(',') {
			return false
		}
	}
	s.broken = true
	return false
}

func (s *scanner) text(into *string) bool {
	if s.broken || s.rest == "" || s.rest[0] != '"' {
		s.broken = true
		return false
	}
	end := strings.IndexByte(s.rest[1:], '"')
	if end < 0 {
		s.broken = true
		return false
	}
	*into, s.rest = s.rest[1:end+1], s.rest[end+2:]
	s.space()
	return true
}

// number reads a whole number, written as JSON has it: without a zero before it.
func (s *scanner) number(into **int64) bool {
	end := 0
	for end < len(s.rest) && s.rest[end] >= '0' && s.rest[end] <= '9' {
		end++
	}
	if s.broken || end == 0 || end > maxDigits || end > 1 && s.rest[0] == '0' {
		s.broken = true
		return false
	}
	n, err := strconv.ParseInt(s.rest[:end], 10, 64)
	if err != nil {
		s.broken = true
		return false
	}
	*into, s.rest = &n, s.rest[end:]
	s.space()
	return true
}

func (s *scanner) event(e *usage.Event) bool {
	return s.object(func(name string) bool {
		switch name {
		case "id":
			return s.text(&e.ID)
		case "kind":
			return s.text((*string)(&e.Kind))
		case "identity":
			return s.identity(&e.Identity)
		case "start":
			return s.text(&e.Start)
		case "end":
			return s.text(&e.End)
		case "quantity":
			return s.number(&e.Quantity)
		case "unit":
			return s.text((*string)(&e.Unit))
		case "destination":
			return s.text(&e.Destination)
		case "origin":
			return s.text(&e.Origin)
		case "quality":
			return s.text(&e.Quality)
		case "amount":
			return s.text(&e.Amount)
		}
		return false
	})
}

func (s *scanner) identity(i *usage.Identity) bool {
	return s.object(func(name string) bool {
		switch name {
		case "kind":
			return s.text((*string)(&i.Kind))
		case "value":
			return s.text(&i.Value)
		}
		return false
	})
}

// debitPlain charges an event that was read plainly, as DebitEvent does.
func (s *Server) debitPlain(e echo.Context, c *call) error {
	ctx := e.Request().Context()
	feed, record, err := c.recordOf(ctx, c.plain.source, c.plain.event)
	if err != nil {
		return err
	}
	d, err := c.stack.Online().Debit(ctx, c.stack.Ref, feed.ID, record)
	if err != nil {
		return err
	}
	return e.Blob(http.StatusOK, jsonType, appendDebit(make([]byte, 0, debitBytes), debitAnswer(d)))
}

// debitBytes is more than a debit's answer takes, as a rule.
const debitBytes = 384

// appendDebit writes a debit as its generated form does, without reflection.
func appendDebit(b []byte, d oapi.Debit) []byte {
	b = d.At.AppendFormat(append(b, `{"at":"`...), time.RFC3339Nano)
	b = append(append(b, `","charge":"`...), d.Charge.String()...)
	b = append(append(b, `","covered":"`...), d.Covered.String()...)
	b = append(append(b, `","currency":"`...), d.Currency.String()...)
	b = append(append(b, `","net":"`...), d.Net.String()...)
	b = append(append(b, `","paid":"`...), d.Paid.String()...)
	b = append(append(b, `","price":"`...), d.Price.String()...)
	b = strconv.AppendBool(append(b, `","repeat":`...), d.Repeat)
	b = append(append(b, `,"tax":"`...), d.Tax.String()...)
	return append(b, "\"}\n"...)
}
