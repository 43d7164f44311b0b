package tenants

import "tollhouse/billing/bank"

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

func (e LegalEntity) check(f *faults) {
	f.unless(line(e.Address.Street), "legal_entity.address.street", "the street and house number that bills print")
	f.unless(line(e.Address.City), "legal_entity.address.city", "the city that bills print")
	for field, text := range map[string]string{
		"address.postcode": e.Address.Postcode, "address.region": e.Address.Region,
		"tax_id": e.TaxID, "register_id": e.RegisterID, "bank_name": e.BankName,
	} {
		f.unless(optionalLine(text), "legal_entity."+field, "at most 200 characters on one line")
	}
	f.unless(e.BankIBAN == "" || bank.ValidAccount(e.BankIBAN), "legal_entity.bank_iban",
		"an IBAN with the right check digits, or a plain account number where there is none,")
	f.unless(e.BankBIC == "" || bank.ValidCode(e.BankBIC), "legal_entity.bank_bic", "a BIC of 8 or 11 characters")
}
