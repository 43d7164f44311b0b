package desk

import "strings"

// dialling is how a country's numbers are written at home: the trunk prefix
// that stands for the country's own code. Where none is known, only numbers
// with their country code are found.
var dialling = map[string]struct{ trunk, code string }{
	"AT": {"0", "43"}, "BE": {"0", "32"}, "CH": {"0", "41"}, "DE": {"0", "49"}, "ES": {"", "34"}, "FR": {"0", "33"}, "GB": {"0", "44"},
	"ID": {"0", "62"}, "IT": {"", "39"}, "KZ": {"8", "7"}, "MY": {"0", "60"}, "NL": {"0", "31"}, "PL": {"", "48"}, "RU": {"8", "7"},
	"TH": {"0", "66"}, "UZ": {"", "998"}, "VN": {"0", "84"},
}

// Fewest and most digits that a person who types a number means one by (E.164).
const (
	fewestDigits = 6
	mostDigits   = 15
)

// Numbers are the ways in which a telephone number that a person typed may be
// kept, E.164 first: +62 812 3456, 0062812…, 0812… and 62812… are one number.
// Nothing is a number that holds more than digits and what people part them
// with.
func Numbers(typed, country string) []string {
	plain := strings.NewReplacer(" ", "", "\u00a0", "", "-", "", "(", "", ")", "", "/", "", ".", "").Replace(strings.TrimSpace(typed))
	digits, international := strings.CutPrefix(plain, "+")
	if strings.Trim(digits, "0123456789") != "" || len(digits) < fewestDigits || len(digits) > mostDigits+2 {
		return nil
	}
	if rest, dialled := strings.CutPrefix(digits, "00"); dialled && !international {
		return []string{"+" + rest}
	}
	if international {
		return []string{"+" + digits}
	}
	numbers := []string{"+" + digits, digits}
	home, known := dialling[country]
	if !known {
		return numbers
	}
	if rest, local := strings.CutPrefix(digits, home.trunk); local && home.trunk != "" {
		return append([]string{"+" + home.code + rest}, numbers...)
	}
	return append(numbers, "+"+home.code+digits)
}
