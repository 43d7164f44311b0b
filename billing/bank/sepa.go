package bank

import "strings"

// sepaCountries take part in SEPA credit transfers.
const sepaCountries = "AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS SE SI SK SM VA"

// IsSEPA says whether an account can be paid by a SEPA credit transfer.
func IsSEPA(iban string) bool {
	plain := Plain(iban)
	return ValidIBAN(plain) && strings.Contains(sepaCountries, plain[:2])
}
