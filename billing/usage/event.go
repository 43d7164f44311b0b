package usage

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"tollhouse/billing/jsontext"
	"tollhouse/billing/money"
)

// Event is one use as JSON writes it, by API or in a file.
type Event struct {
	ID          string     `json:"id"`
	Kind        Kind       `json:"kind"`
	Identity    Identity   `json:"identity"`
	Start       string     `json:"start"`         // RFC 3339
	End         string     `json:"end,omitempty"` // RFC 3339; start and duration unless set
	Quantity    *int64     `json:"quantity"`
	Unit        money.Unit `json:"unit"`
	Destination string     `json:"destination,omitempty"`
	Origin      string     `json:"origin,omitempty"`
	Quality     string     `json:"quality,omitempty"`
	Amount      string     `json:"amount,omitempty"` // a decimal
}

// maxEventText bounds ids, identities and destinations of an event, in bytes.
const maxEventText = 255

// FromEvent turns an event into a record. A problem about its time comes with
// the record: its key may show it to be a repeat.
func (m Mapping) FromEvent(e Event, at time.Time) (Record, *Problem) {
	r, p := e.record()
	if p == nil {
		p = newWindow(at, m.maxAge()).check(&r)
	}
	return r, p
}

func (e Event) record() (Record, *Problem) {
	if p := e.checkText(); p != nil {
		return Record{}, p
	}
	if p := e.checkMeasure(); p != nil {
		return Record{}, p
	}
	r := Record{Key: e.ID, Kind: e.Kind, Identity: e.Identity, Quantity: *e.Quantity, Unit: e.Unit,
		Destination: e.Destination, Origin: e.Origin, Quality: e.Quality}
	var p *Problem
	if r.Amount, p = amount(e.Amount); p != nil {
		return Record{}, p
	}
	start, p := eventInstant("start", e.Start)
	if p != nil {
		return Record{}, p
	}
	end, hasEnd := instant{}, e.End != ""
	if hasEnd {
		if end, p = eventInstant("end", e.End); p != nil {
			return Record{}, p
		}
	}
	from, to, p := settleTimes(start, end, true, hasEnd, r.durationSeconds())
	if p != nil {
		return Record{}, p
	}
	r.Start, r.End = utc(from), utc(to)
	return r, nil
}

func eventInstant(field, text string) (instant, *Problem) {
	if text == "" {
		return instant{}, missingJSON(field)
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		return instant{}, &Problem{field, BadTime, quote(clip(text)) + " is no time", "RFC 3339, such as 2026-05-30T18:00:00Z"}
	}
	return instant{t.UnixMicro(), t.UnixMicro()}, nil
}

func missingJSON(field string) *Problem {
	return &Problem{field, MissingField, "is empty", "a value"}
}

func (e Event) checkText() *Problem {
	texts := [...]struct {
		field, value string
		needed       bool
	}{
		{"id", e.ID, true}, {"identity.value", e.Identity.Value, true},
		{"destination", e.Destination, false}, {"origin", e.Origin, false},
		{"quality", e.Quality, false},
	}
	for _, t := range texts {
		switch {
		case t.needed && t.value == "":
			return missingJSON(t.field)
		case t.field == "quality" && !plainQuality(t.value):
			return badQuality(t.value)
		case len(t.value) > maxEventText:
			return &Problem{t.field, UnknownValue, "is longer than 255 bytes", "at most 255 bytes"}
		case strings.IndexByte(t.value, 0) >= 0:
			return &Problem{t.field, NULByte, "holds a zero byte", "text without zero bytes"}
		}
	}
	return nil
}

func (e Event) checkMeasure() *Problem {
	switch {
	case !e.Kind.Valid():
		return &Problem{"kind", UnknownValue, quote(clip(string(e.Kind))) + " is no kind of usage", wantKind}
	case !e.Identity.Kind.Valid():
		return &Problem{"identity.kind", UnknownValue, quote(clip(string(e.Identity.Kind))) + " is unknown",
			"msisdn, login, line, imsi, stb, host or account"}
	case e.Quantity == nil:
		return missingJSON("quantity")
	case *e.Quantity < 0:
		return &Problem{"quantity", NegativeQuantity, "is negative", "0 or more"}
	case e.Unit != money.Second && e.Unit != money.Byte && e.Unit != money.Event:
		return &Problem{"unit", UnknownValue, quote(clip(string(e.Unit))) + " does not measure usage", "second, byte or event"}
	}
	return nil
}

// DecodeEvent reads one event; unknown fields are refused, so that a misspelt
// one is not lost.
func DecodeEvent(text []byte) (Event, *Problem) {
	var e Event
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(&e)
	if err == nil {
		if name, found := jsontext.Repeated(text); found {
			return e, &Problem{clip(name), BadStructure, "stands twice", "each field once"}
		}
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return e, nil
		}
		return e, &Problem{"", BadStructure, "more follows the object", "one JSON object"}
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		code := BadStructure
		if wrong.Field == "quantity" {
			code = BadNumber
		}
		return e, &Problem{wrong.Field, code, "is a " + wrong.Value, "a whole number or text, as the field asks"}
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return e, &Problem{clip(strings.Trim(name, `"`)), BadStructure, "is not a field of an event", "only the documented fields"}
	}
	return e, &Problem{"", BadStructure, "is no JSON object: " + clip(err.Error()), "one JSON object"}
}
