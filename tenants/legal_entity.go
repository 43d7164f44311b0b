package tenants

import (
	"regexp"
	"strings"
)

// LegalEntity is the company that will issue the operator's bills; its name and
// country are the operator's.
type LegalEntity struct {
	Address    Address `json:"address"`
	TaxID      string  `json:"tax_id,omitempty"`      // VAT id, NPWP
	RegisterID string  `json:"register_id,omitempty"` // HRB, NIB
	BankName   string  `json:"bank_name,omitempty"`
	BankIBAN   string  `json:"bank_iban,omitempty"` // or the account number where there is no IBAN
	BankBIC    string  `json:"bank_bic,omitempty"`
}

// Address is where a legal entity sits.
type Address struct {
	Street   string `json:"street"` // with the house number
	Postcode string `json:"postcode,omitempty"`
	City     string `json:"city"`
	Region   string `json:"region,omitempty"`
}

var (
	bicPattern     = regexp.MustCompile(`^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$`) // ISO 9362
	ibanPattern    = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}$`)
	accountPattern = regexp.MustCompile(`^[0-9][0-9 -]{3,33}$`)
)

func (e LegalEntity) check(f *faults) {
	f.unless(line(e.Address.Street), "legal_entity.address.street", "the street and house number that bills print")
	f.unless(line(e.Address.City), "legal_entity.address.city", "the city that bills print")
	for field, text := range map[string]string{
		"address.postcode": e.Address.Postcode, "address.region": e.Address.Region,
		"tax_id": e.TaxID, "register_id": e.RegisterID, "bank_name": e.BankName,
	} {
		f.unless(optionalLine(text), "legal_entity."+field, "at most 200 characters on one line")
	}
	f.unless(e.BankIBAN == "" || bankAccount(e.BankIBAN), "legal_entity.bank_iban",
		"an IBAN with the right check digits, or a plain account number where there is none,")
	f.unless(e.BankBIC == "" || bicPattern.MatchString(e.BankBIC), "legal_entity.bank_bic", "a BIC of 8 or 11 characters")
}

func bankAccount(text string) bool {
	return accountPattern.MatchString(text) || iban(strings.ReplaceAll(text, " ", ""))
}

// iban checks the digits by ISO 7064 MOD 97-10: with the first four characters
// moved to the end and letters read as 10 to 35, the number leaves 1.
func iban(text string) bool {
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
