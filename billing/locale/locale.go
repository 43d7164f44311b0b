package locale

import (
	"strings"
	"tollhouse/billing/money"
)

const (
	nbsp  = "\u00a0"
	minus = "\u2212"
)

// Locale is a reader's language and the operator's country, such as en and ID.
// A language outside en, id and ru reads as English.
type Locale struct {
	Language string // ISO 639-1, lower case
	Country  string // ISO 3166-1 alpha-2, upper case
	// Plain writes figures and days for programs: 1234.50 and 2026-11-23.
	Plain bool `json:"-"`
}

// Tag is the BCP 47 tag, for html lang and the language of a PDF.
func (l Locale) Tag() string {
	if l.Country == "" {
		return l.Language
	}
	return l.Language + "-" + l.Country
}

// marks is how one locale writes figures and the clock.
type marks struct {
	decimal, group string
	symbolLast     bool   // 1.234,50 €
	spaced         bool   // € 1.234,50: a space also after a symbol that is no letter
	percentSpace   string // between the number and %
	clock          string // time layout of package time
	monthFirst     bool   // Nov 23, 2026
	zone           bool   // the zone's short name follows a time
	groupFrom      int    // fewest integer digits that are grouped
}

var (
	british    = marks{decimal: ".", group: ",", clock: "15:04", zone: true, groupFrom: 4}
	american   = marks{decimal: ".", group: ",", clock: "3:04" + nbsp + "PM", monthFirst: true, zone: true, groupFrom: 4}
	european   = marks{decimal: ",", group: ".", symbolLast: true, percentSpace: nbsp, clock: "15:04", zone: true, groupFrom: 4}
	indonesian = marks{decimal: ",", group: ".", spaced: true, clock: "15.04", zone: true, groupFrom: 4}
	russian    = marks{decimal: ",", group: nbsp, symbolLast: true, percentSpace: nbsp, clock: "15:04", groupFrom: 4}
)

// english are the countries whose English differs from the British forms.
var english = map[string]marks{
	"US": american, "ID": indonesian,
	"AT": european, "BE": european, "DE": european, "NL": european, "SI": european,
}

func (l Locale) marks() marks {
	switch l.Language {
	case "id":
		return indonesian
	case "ru":
		return russian
	}
	if m, known := english[l.Country]; known {
		return m
	}
	return british
}

// FormatNumber writes a decimal exactly, grouped in threes: 8,412.5.
func (l Locale) FormatNumber(d money.Decimal) string {
	if l.Plain {
		return d.String()
	}
	return l.marks().number(d.String(), 0)
}

// FormatPercent writes a percentage: 4.1%, 4,1 % in Russian.
func (l Locale) FormatPercent(d money.Decimal) string {
	m := l.marks()
	return m.number(d.String(), 0) + m.percentSpace + "%"
}

// number writes a plain decimal text with at least so many fraction digits.
func (m marks) number(plain string, digits int) string {
	sign := ""
	if rest, negative := strings.CutPrefix(plain, "-"); negative {
		sign, plain = minus, rest
	}
	whole, fraction, _ := strings.Cut(plain, ".")
	fraction = strings.TrimRight(fraction, "0")
	if missing := digits - len(fraction); missing > 0 {
		fraction += strings.Repeat("0", missing)
	}
	out := sign + m.grouped(whole)
	if fraction != "" {
		out += m.decimal + fraction
	}
	return out
}

func (m marks) grouped(whole string) string {
	if len(whole) < m.groupFrom {
		return whole
	}
	var out strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out.WriteString(m.group)
		}
		out.WriteRune(digit)
	}
	return out.String()
}
