package usage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"tollhouse/billing/money"
)

const (
	defaultMaxAgeDays = 400
	maxAgeDaysLimit   = 3660
	maxColumns        = 256
)

// Validate checks everything and reports all faults together.
func (m Mapping) Validate() error {
	var v faults
	v.check(slices.Contains([]Format{Delimited, RADIUSDetail, JSON}, m.Format),
		"format", quote(string(m.Format))+" is unknown", "delimited, radius_detail or json")
	_, err := m.location()
	v.check(err == nil, "zone", quote(m.Zone)+" is unknown", "an IANA zone such as Europe/Berlin")
	v.check(m.MaxAgeDays >= 0 && m.MaxAgeDays <= maxAgeDaysLimit,
		"max_age_days", strconv.Itoa(m.MaxAgeDays)+" is out of range", "1 to 3660, or absent for 400")
	if m.Format != JSON {
		v.check(m.IdentityKind.Valid(), "identity_kind", quote(string(m.IdentityKind))+" is unknown",
			"msisdn, login, line, imsi, stb, host or account")
	}
	if m.Format == Delimited {
		v.delimited(m)
	} else {
		v.check(m.Text == nil, "text", "is set", "only with format delimited")
		v.check(m.Fields == nil, "fields", "is set", "only with format delimited")
		v.check(len(m.Filters) == 0, "filters", "is set", "only with format delimited")
		v.check(len(m.Kinds) == 0, "kinds", "is set", "only with format delimited")
		v.check(m.Unit == "", "unit", "is set", "only with format delimited")
	}
	if len(v) > 0 {
		return &MappingError{v}
	}
	return nil
}

type faults []FieldError

func (v *faults) check(ok bool, field, fault, want string) {
	if !ok {
		*v = append(*v, FieldError{field, fault, want})
	}
}

func quote(s string) string { return strconv.Quote(s) }

func (v *faults) delimited(m Mapping) {
	v.check(m.Unit == money.Second || m.Unit == money.Byte || m.Unit == money.Event,
		"unit", quote(string(m.Unit))+" does not measure usage", "second, byte or event")
	v.check(m.Text != nil, "text", "is missing", "delimiter and columns")
	v.check(m.Fields != nil, "fields", "is missing", "identity, kind, quantity, and start or end")
	if m.Text == nil || m.Fields == nil {
		return
	}
	v.text(*m.Text)
	v.fields(m)
	for word, kind := range m.Kinds {
		v.check(kind.Valid(), "kinds."+word, quote(string(kind))+" is unknown", wantKind)
	}
	for i, f := range m.Filters {
		at := fmt.Sprintf("filters[%d].", i)
		v.column(*m.Text, at+"column", f.Column)
		v.check(len(f.Values) > 0, at+"values", "is empty", "the values that are let through")
		v.check(f.Else == Skip || f.Else == NoCharge, at+"else", quote(string(f.Else))+" is unknown", "skip or no_charge")
	}
}

const wantKind = "voice, data, message, content or transaction"

func (v *faults) text(t Text) {
	v.check(oneASCII(t.Delimiter) && t.Delimiter != "\n" && t.Delimiter != "\r",
		"text.delimiter", quote(t.Delimiter)+" cannot separate fields", "one ASCII character, such as , ; | or a tab")
	v.check(t.Quote == "" || oneASCII(t.Quote) && t.Quote != t.Delimiter,
		"text.quote", quote(t.Quote)+" cannot quote fields", `one ASCII character other than the delimiter, such as ", or nothing`)
	v.check(len(t.Columns) > 0 && len(t.Columns) <= maxColumns, "text.columns",
		strconv.Itoa(len(t.Columns))+" are named", "1 to 256 column names")
	v.check(t.Required >= 0 && t.Required <= len(t.Columns), "text.required",
		strconv.Itoa(t.Required)+" is out of range", "at most the number of columns")
	seen := map[string]bool{}
	for i, c := range t.Columns {
		v.check(c != "" && !seen[c], fmt.Sprintf("text.columns[%d]", i), quote(c)+" is empty or named twice", "a name of its own")
		seen[c] = true
	}
}

func oneASCII(s string) bool { return len(s) == 1 && s[0] != 0 && s[0] < utf8.RuneSelf }

func (v *faults) fields(m Mapping) {
	f, t := *m.Fields, *m.Text
	for i, c := range f.Key {
		v.column(t, fmt.Sprintf("fields.key[%d]", i), c)
	}
	v.source(t, "fields.identity", f.Identity, true)
	v.source(t, "fields.start", f.Start, f.End.IsZero())
	v.source(t, "fields.end", f.End, false)
	v.source(t, "fields.quantity", f.Quantity, true)
	v.source(t, "fields.kind", f.Kind, true)
	v.source(t, "fields.destination", f.Destination, false)
	v.source(t, "fields.origin", f.Origin, false)
	v.source(t, "fields.quality", f.Quality, false)
	v.source(t, "fields.amount", f.Amount, false)
	v.check(f.Amount.Constant == "", "fields.amount", "an amount is a constant", "a column")
	v.check(plainQuality(f.Quality.Constant), "fields.quality.constant", quote(f.Quality.Constant)+" is no quality", "lower-case letters and digits, such as hd")
	v.check(f.Start.Constant == "" && f.End.Constant == "", "fields.start", "a time is a constant", "a column")
	v.check(validLayout(f.TimeLayout), "fields.time_layout", quote(f.TimeLayout)+" does not tell day and second",
		`rfc3339, unix, unix_ms, or a layout such as "2006-01-02 15:04:05"`)
	v.check(f.QuantityMultiple >= 0, "fields.quantity_multiple", "is negative", "a whole number from 1")
	if c := f.Quantity.Constant; c != "" {
		n, err := strconv.ParseInt(c, 10, 64)
		v.check(err == nil && n >= 0, "fields.quantity.constant", quote(c)+" is no quantity", "a whole number from 0")
	}
	if c := f.Kind.Constant; c != "" {
		v.check(Kind(c).Valid() || m.Kinds[c].Valid(), "fields.kind.constant", quote(c)+" is unknown", wantKind)
	}
}

func (v *faults) source(t Text, field string, s Source, needed bool) {
	v.check(!needed || !s.IsZero(), field, "is missing", "columns or a constant")
	v.check(len(s.Columns) == 0 || s.Constant == "", field, "has both columns and a constant", "one of them")
	for i, c := range s.Columns {
		v.column(t, fmt.Sprintf("%s.columns[%d]", field, i), c)
	}
}

func (v *faults) column(t Text, field, name string) {
	v.check(slices.Contains(t.Columns, name), field, quote(name)+" is not a column", "a name from text.columns")
}

// validLayout proves a layout by writing and reading back an instant with it.
// Abbreviations of zones are refused: they do not tell an offset.
func validLayout(layout string) bool {
	switch layout {
	case layoutRFC3339, layoutUnix, layoutUnixMillis:
		return true
	}
	at := time.Date(2031, time.November, 23, 17, 48, 59, 0, time.UTC)
	back, err := time.Parse(layout, at.Format(layout))
	return err == nil && back.Equal(at) && !strings.Contains(layout, "MST")
}
