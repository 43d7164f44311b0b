package payment

import (
	"tollhouse/billing/account"
	"tollhouse/billing/bank"
)

// check refuses a creditor that no bank would take.
func (d DebitPolicy) check() error {
	if d.CreditorID == "" {
		return nil // nothing is collected
	}
	fault := func(field, want string) error { return &account.FieldError{Field: "debit." + field, Want: want} }
	switch {
	case !bank.ValidCreditorID(d.CreditorID):
		return fault("creditor_id", "a creditor identifier with its check digits, such as DE98ZZZ09999999999")
	case d.Name == "" || len(d.Name) > 70:
		return fault("name", "the creditor's name, at most 70 characters")
	case !bank.ValidIBAN(d.IBAN):
		return fault("iban", "an IBAN with its check digits")
	case d.BIC != "" && !bank.ValidCode(d.BIC):
		return fault("bic", "a bank's code (BIC), or nothing")
	}
	return nil
}
