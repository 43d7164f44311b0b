package usage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"tollhouse/billing/money"
)

// Format is how a source writes.
type Format string

// The formats there are readers for.
const (
	Delimited    Format = "delimited"
	RADIUSDetail Format = "radius_detail"
	JSON         Format = "json"
)

// Mapping says, as data, how a source's files become records. It is stored with
// the source; NewMapping and ParseMapping check it.
type Mapping struct {
	Format       Format          `json:"format"`
	Zone         string          `json:"zone,omitempty"`          // IANA zone of local times; UTC unless set
	MaxAgeDays   int             `json:"max_age_days,omitempty"`  // older usage is held; 400 unless set
	IdentityKind IdentityKind    `json:"identity_kind,omitempty"` // not for json, whose events say it themselves
	Unit         money.Unit      `json:"unit,omitempty"`          // delimited: what the quantity counts
	Kinds        map[string]Kind `json:"kinds,omitempty"`         // delimited: the producer's words for kinds
	Text         *Text           `json:"text,omitempty"`          // delimited: how lines are cut
	Fields       *Fields         `json:"fields,omitempty"`        // delimited: where facts stand
	Filters      []Filter        `json:"filters,omitempty"`       // delimited: which lines count
}

// Text is how a delimited file is cut into fields.
type Text struct {
	Delimiter string   `json:"delimiter"`
	Quote     string   `json:"quote,omitempty"`  // doubled inside a field; none if empty
	Header    bool     `json:"header,omitempty"` // the first line repeats Columns and is checked
	Columns   []string `json:"columns"`
	Required  int      `json:"required,omitempty"` // lines may be shorter than Columns, not than this; all unless set
}

// Fields says where each fact of a record stands.
type Fields struct {
	Key              []string `json:"key,omitempty"` // columns that name a record together; none: file digest and line
	Identity         Source   `json:"identity"`
	Start            Source   `json:"start,omitzero"`
	End              Source   `json:"end,omitzero"`
	TimeLayout       string   `json:"time_layout"` // rfc3339, unix, unix_ms, or a layout of Go's reference time
	Quantity         Source   `json:"quantity"`
	QuantityMultiple int64    `json:"quantity_multiple,omitempty"` // 60 where the file counts minutes; 1 unless set
	Kind             Source   `json:"kind"`
	Destination      Source   `json:"destination,omitzero"`
	Origin           Source   `json:"origin,omitzero"`
	Quality          Source   `json:"quality,omitzero"`
	Amount           Source   `json:"amount,omitzero"` // the event's own, a decimal
}

// Source is where one fact comes from: the first of the columns that is not
// empty, or a constant.
type Source struct {
	Columns  []string `json:"columns,omitempty"`
	Constant string   `json:"constant,omitempty"`
}

// IsZero says whether the fact comes from nowhere.
func (s Source) IsZero() bool { return len(s.Columns) == 0 && s.Constant == "" }

// Filter looks at one column; a line with none of its values is left out or
// kept without charge.
type Filter struct {
	Column string   `json:"column"`
	Values []string `json:"values"`
	Else   Else     `json:"else"`
}

// Else is what becomes of a line that a filter does not let through.
type Else string

// What a filter can do.
const (
	Skip     Else = "skip"
	NoCharge Else = "no_charge"
)

// ErrMapping is wrapped by everything that is wrong with a mapping.
var ErrMapping = errors.New("mapping is not usable")

// FieldError says which field of a mapping is wrong and what would be right.
type FieldError struct {
	Field string // path in the JSON document
	Fault string
	Want  string
}

func (e FieldError) Error() string { return e.Field + ": " + e.Fault + "; wanted: " + e.Want }

// MappingError lists all faults of a mapping at once.
type MappingError struct{ Faults []FieldError }

func (e *MappingError) Error() string {
	texts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		texts[i] = f.Error()
	}
	return ErrMapping.Error() + ": " + strings.Join(texts, "; ")
}

func (e *MappingError) Unwrap() error { return ErrMapping }

// ParseMapping reads and checks a mapping; unknown fields are refused.
func ParseMapping(document []byte) (Mapping, error) {
	var m Mapping
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&m); err != nil {
		return Mapping{}, jsonFault(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Mapping{}, &MappingError{[]FieldError{{"", "more follows the document", "one JSON object"}}}
	}
	return m, m.Validate()
}

func jsonFault(err error) error {
	fault := FieldError{Fault: err.Error(), Want: "a mapping document as in docs/samples/usage"}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		fault = FieldError{wrong.Field, "is a " + wrong.Value, wrong.Type.String()}
	} else if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		fault = FieldError{strings.Trim(name, `"`), "is not a field of a mapping", "only the documented fields"}
	}
	return &MappingError{[]FieldError{fault}}
}

// maxAge is how old usage may be when it arrives.
func (m Mapping) maxAge() time.Duration {
	days := m.MaxAgeDays
	if days == 0 {
		days = defaultMaxAgeDays
	}
	return time.Duration(days) * 24 * time.Hour
}

func (m Mapping) location() (*time.Location, error) {
	if m.Zone == "" {
		return time.UTC, nil
	}
	if m.Zone == "Local" {
		return nil, fmt.Errorf("%w: the machine's own zone is no zone of a source", ErrMapping)
	}
	return time.LoadLocation(m.Zone)
}

// Keyless says whether the producer gives no ids, so that a repeat in another
// file can only be suspected.
func (m Mapping) Keyless() bool {
	return m.Format == Delimited && m.Fields != nil && len(m.Fields.Key) == 0
}

// Input is where a read begins and what it is judged by.
type Input struct {
	From   Position  // r already stands at this offset
	Digest Digest    // of the whole file; names records of a source without ids
	At     time.Time // business time: the window of believable dates follows it
}

// Read turns r into items, in order, and stops at the first error of emit or
// of r. Wrong lines are items with a problem, never errors; an error that
// wraps ErrEncoding or ErrHeader means the file as a whole is not what the
// mapping says. Memory stays the same however long r is.
func (m Mapping) Read(r io.Reader, in Input, emit func(*Item) error) error {
	if err := m.Validate(); err != nil {
		return err
	}
	switch m.Format {
	case RADIUSDetail:
		return readDetail(m, r, in, emit)
	case JSON:
		return readEvents(m, r, in, emit)
	default:
		return readDelimited(m, r, in, emit)
	}
}
