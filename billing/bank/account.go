package bank

import (
	"regexp"
	"strings"
)

var (
	codePattern   = regexp.MustCompile(`^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$`) // ISO 9362
	ibanPattern   = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}$`)    // ISO 13616
	numberPattern = regexp.MustCompile(`^[0-9][0-9 -]{3,33}$`)
)

// ValidCode says whether a text can be a bank's code (BIC).
func ValidCode(text string) bool { return codePattern.MatchString(text) }

// ValidAccount says whether a text can be an IBAN, with its check digits, or a
// plain account number of a country without.
func ValidAccount(text string) bool {
	return numberPattern.MatchString(text) || validIBAN(strings.ReplaceAll(text, " ", ""))
}

// validIBAN checks the digits by ISO 7064 MOD 97-10: with the first four
// characters moved to the end and letters read as 10 to 35, the number leaves 1.
func validIBAN(text string) bool {
	if !ibanPattern.MatchString(text) {
		return false
	}
	rest := 0
	for _, c := range text[4:] + text[:4] {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return rest == 1
}
