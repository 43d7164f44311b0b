package account

import "slices"

// InEU says whether a country is a member state.
func InEU(country string) bool { return slices.Contains(memberStates, country) }

var memberStates = []string{
	"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT",
	"RO", "SE", "SI", "SK",
}

// A stack of a member state begins with what all of them have agreed on for
// services: a business of another member state owes the tax itself, one outside
// the EU is not taxed.
const insertUsualTaxRules = `
	insert into tax_rule (id, position, seller, buyer, kind, treatment)
	values ($1, 1, 'EU', 'EU', 'taxable', 'reverse_charge'), ($2, 2, 'EU', 'other', 'business', 'not_subject')`
