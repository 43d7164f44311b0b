package tax

import (
	"errors"
	"fmt"
	"regexp"
)

// ErrTaxID is returned for a tax id that cannot be one: of an unknown form, or
// with a wrong check digit.
var ErrTaxID = errors.New("not a tax id of that country")

// form is what a country's ids look like, without the country's letters, and
// how their check digits are reckoned.
type form struct {
	pattern *regexp.Regexp
	valid   func(id string) bool
}

func of(pattern string, valid func(string) bool) form {
	return form{regexp.MustCompile(`^(?:` + pattern + `)$`), valid}
}

// forms by the letters that ids begin with.
var forms = map[string]form{
	"AT": of(`U\d{8}`, austria),
	"BE": of(`[01]\d{9}`, func(s string) bool { return 97-number(s[:8])%97 == number(s[8:]) }),
	"BG": of(`\d{9,10}`, bulgaria),
	"CY": of(`[013-59]\d{7}[A-Z]`, cyprus),
	"CZ": of(`\d{8,10}`, czechia),
	"DE": of(`[1-9]\d{8}`, iso7064),
	"DK": of(`[1-9]\d{7}`, func(s string) bool { return weighed(s, 2, 7, 6, 5, 4, 3, 2, 1)%11 == 0 }),
	"EE": of(`10\d{7}`, func(s string) bool { return (10-weighed(s[:8], 3, 7, 1, 3, 7, 1, 3, 7)%10)%10 == digit(s, 8) }),
	"EL": of(`\d{9}`, greece),
	"ES": of(`[A-Z]\d{7}[A-Z\d]|\d{8}[A-Z]`, spain),
	"FI": of(`\d{8}`, finland),
	"FR": of(`[A-HJ-NP-Z\d]{2}\d{9}`, france),
	"HR": of(`\d{11}`, iso7064),
	"HU": of(`\d{8}`, func(s string) bool { return weighed(s, 9, 7, 3, 1, 9, 7, 3, 1)%10 == 0 }),
	"IE": of(`\d{7}[A-W][A-I]?|\d[A-Z+*]\d{5}[A-W]`, ireland),
	"IT": of(`\d{11}`, italy),
	"LT": of(`\d{9}|\d{12}`, lithuania),
	"LU": of(`\d{8}`, func(s string) bool { return number(s[:6])%89 == number(s[6:]) }),
	"LV": of(`\d{11}`, latvia),
	"MT": of(`[1-9]\d{7}`, func(s string) bool { return 37-weighed(s[:6], 3, 4, 6, 7, 8, 9)%37 == number(s[6:]) }),
	"NL": of(`\d{9}B\d{2}`, netherlands),
	"PL": of(`\d{10}`, func(s string) bool { return weighed(s[:9], 6, 5, 7, 2, 3, 4, 5, 6, 7)%11 == digit(s, 9) }),
	"PT": of(`[1-9]\d{8}`, func(s string) bool { return complement(weighed(s[:8], 9, 8, 7, 6, 5, 4, 3, 2)) == digit(s, 8) }),
	"RO": of(`[1-9]\d{1,9}`, romania),
	"SE": of(`\d{10}01`, func(s string) bool { return luhn(s[:10]) }),
	"SI": of(`[1-9]\d{7}`, slovenia),
	"SK": of(`[1-9]\d[2-47-9]\d{7}`, func(s string) bool { return number(s)%11 == 0 }),
	"GB": of(`\d{9}|\d{12}|GD[0-4]\d{2}|HA[5-9]\d{2}`, britain),
	"XI": of(`\d{9}|\d{12}|GD[0-4]\d{2}|HA[5-9]\d{2}`, britain),
	"NO": of(`[89]\d{8}(?:MVA)?`, func(s string) bool { return complement(weighed(s[:8], 3, 2, 7, 6, 5, 4, 3, 2)) == digit(s, 8) }),
	"CH": of(`E\d{9}(?:MWST|TVA|IVA)?`, switzerland),
	"ID": of(`\d{15,16}`, indonesia),
}

// CheckID says of which country a tax id is (ISO 3166, or XI for Northern
// Ireland). Spaces, dots and dashes don't matter. Numbers without letters in
// front are taken for an Indonesian NPWP.
func CheckID(id string) (country string, err error) {
	text := normal(id)
	if len(text) < 4 {
		return "", fmt.Errorf("%q: %w", id, ErrTaxID)
	}
	letters, rest := text[:2], text[2:]
	if text[0] >= '0' && text[0] <= '9' {
		letters, rest = "ID", text
	}
	if letters == "GR" {
		letters = "EL"
	}
	known, found := forms[letters]
	if !found || !known.pattern.MatchString(rest) || !known.valid(rest) {
		return "", fmt.Errorf("%q: %w", id, ErrTaxID)
	}
	if letters == "EL" {
		return "GR", nil
	}
	return letters, nil
}

// CheckIDOf refuses an id that is wrong for a country; of countries whose ids
// are not known here every id is taken.
func CheckIDOf(country, id string) error {
	letters := country
	if country == "GR" {
		letters = "EL"
	}
	if _, known := forms[letters]; !known || id == "" {
		return nil
	}
	found, err := CheckID(id)
	if err != nil && country != "ID" {
		found, err = CheckID(letters + id)
	}
	if err == nil && found != country && (found != "XI" || country != "GB") {
		err = fmt.Errorf("%q is of %s, not %s: %w", id, found, country, ErrTaxID)
	}
	return err
}

// NormalID is a tax id as registers write it: letters first, nothing between.
func NormalID(id string) string { return normal(id) }
