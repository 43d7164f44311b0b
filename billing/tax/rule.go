package tax

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/account"
)

// Treatment is what a rule does with a line.
type Treatment string

// The treatments.
const (
	Charge       Treatment = "charge"         // the seller's own rate
	AsCategory   Treatment = "category"       // the rate of another category: the buyer's country's
	Reverse      Treatment = "reverse_charge" // AE
	AsIntraEU    Treatment = "intra_eu"       // K
	AsExport     Treatment = "export"         // G
	NotSubject   Treatment = "not_subject"    // O
	AsExempt     Treatment = "exempt"         // E
	AtZero       Treatment = "zero"           // Z
	anyCountry             = "*"
	euCountries            = "EU"
	otherCountry           = "other" // neither the seller's nor in the EU
)

// Treatments lists them, as a form offers them.
var Treatments = []Treatment{Charge, AsCategory, Reverse, AsIntraEU, AsExport, NotSubject, AsExempt, AtZero}

var codeOf = map[Treatment]Code{Reverse: ReverseCharge, AsIntraEU: IntraEU, AsExport: Export, NotSubject: OutOfScope, AsExempt: Exempt, AtZero: ZeroRated}

// BuyerKind is whom a rule is for.
type BuyerKind string

// The kinds of buyer.
const (
	AnyBuyer BuyerKind = "any"
	Business BuyerKind = "business" // an organisation
	Taxable  BuyerKind = "taxable"  // an organisation with a well-formed tax id
	Private  BuyerKind = "private"
)

// BuyerKinds lists them, as a form offers them.
var BuyerKinds = []BuyerKind{AnyBuyer, Business, Taxable, Private}

// ErrRule is returned for a rule that could not be followed.
var ErrRule = errors.New("a tax rule names countries (two letters, EU, other or *), a kind of buyer and a treatment")

// Rule says how a line is taxed by where seller and buyer are, and what the
// buyer is. Rules are tried in the order of their positions, and only for
// buyers of another country than the seller's.
type Rule struct {
	ID       uuid.UUID
	Position int
	Seller   string // country, EU, or *
	Buyer    string // country, EU (another than the seller's), other, or *
	Kind     BuyerKind
	Service  Service // AnyService: all
	Treat    Treatment
	Category string // whose rates hold, for AsCategory
	Reason   Reason // empty: the usual one
}

// Check refuses a rule that could not be followed.
func (r Rule) Check() error {
	switch {
	case !isPlace(r.Seller) || r.Seller == otherCountry:
		return fmt.Errorf("seller %q: %w", r.Seller, ErrRule)
	case !isPlace(r.Buyer):
		return fmt.Errorf("buyer %q: %w", r.Buyer, ErrRule)
	case !slices.Contains(BuyerKinds, r.Kind):
		return fmt.Errorf("kind %q: %w", r.Kind, ErrRule)
	case !slices.Contains(Treatments, r.Treat):
		return fmt.Errorf("treatment %q: %w", r.Treat, ErrRule)
	case r.Service != AnyService && !slices.Contains(Services, r.Service):
		return fmt.Errorf("service %q: %w", r.Service, ErrRule)
	case (r.Treat == AsCategory) != (r.Category != ""):
		return fmt.Errorf("category %q: %w", r.Category, ErrRule)
	}
	return nil
}

func isPlace(text string) bool {
	if text == anyCountry || text == euCountries || text == otherCountry {
		return true
	}
	return len(text) == 2 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z'
}

// matches says whether the rule is for a sale.
func (r Rule) matches(b *Buyer, service Service) bool {
	if r.Service != AnyService && r.Service != service || !within(r.Seller, b.Seller) {
		return false
	}
	switch r.Buyer {
	case otherCountry:
		if b.Country == b.Seller || InEU(b.Country) {
			return false
		}
	default:
		if !within(r.Buyer, b.Country) {
			return false
		}
	}
	switch r.Kind {
	case Business:
		return b.Business
	case Taxable:
		return b.Business && b.HasTaxID()
	case Private:
		return !b.Business
	}
	return true
}

func within(place, country string) bool {
	return place == anyCountry || place == country || place == euCountries && InEU(country)
}

// Rules lists the table's, in order.
func (t Table) Rules() []Rule { return t.rules }

// InEU says whether a country is a member state.
func InEU(country string) bool { return account.InEU(country) }
