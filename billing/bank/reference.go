package bank

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	creditorPattern  = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[A-Z0-9]{3}[A-Z0-9]{1,28}$`)
	referencePattern = regexp.MustCompile(`^RF[0-9]{2}[A-Z0-9]{1,21}$`)
)

// ValidIBAN says whether a text is an IBAN with right check digits; spaces do
// not count.
func ValidIBAN(text string) bool { return validIBAN(Plain(text)) }

// Plain is an account number or reference without what people put between.
func Plain(text string) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(text))
}

// ValidCreditorID says whether a text is a SEPA creditor identifier (EPC262-08):
// the check digits leave out the three characters of the business code.
func ValidCreditorID(text string) bool {
	text = Plain(text)
	return creditorPattern.MatchString(text) && remainder(text[7:]+text[:4]) == 1
}

// ValidReference says whether a text is a structured creditor reference
// (ISO 11649).
func ValidReference(text string) bool {
	text = Plain(text)
	return referencePattern.MatchString(text) && remainder(text[4:]+text[:4]) == 1
}

// Reference makes a structured creditor reference of a number, as far as it has
// letters and digits; empty where it has none or too many.
func Reference(number string) string {
	var body strings.Builder
	for _, c := range strings.ToUpper(number) {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' {
			body.WriteRune(c)
		}
	}
	const most = 21
	if body.Len() == 0 || body.Len() > most {
		return ""
	}
	return fmt.Sprintf("RF%02d%s", 98-remainder(body.String()+"RF00"), body.String())
}

// remainder is a text's by ISO 7064 MOD 97-10, letters read as 10 to 35.
func remainder(text string) int {
	rest := 0
	for _, c := range text {
		if c >= 'A' {
			rest = (rest*100 + int(c-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(c-'0')) % 97
		}
	}
	return rest
}
