package bill

import (
	"github.com/google/uuid"

	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// storedFacts is what a document needs besides its rows.
type storedFacts struct {
	Operator Operator              `json:"operator"`
	Seller   Seller                `json:"seller"`
	Buyer    Buyer                 `json:"buyer"`
	Language string                `json:"language"`
	Country  string                `json:"country"`
	Basis    tax.Basis             `json:"basis"`
	Services map[uuid.UUID]string  `json:"services,omitempty"`
	Granted  map[int]money.Decimal `json:"granted,omitempty"` // by line
	Notes    []string              `json:"notes,omitempty"`
	Corrects *Corrected            `json:"corrects,omitempty"`
	Reason   string                `json:"reason,omitempty"`
	Withheld *tax.Withheld         `json:"withheld,omitempty"`
	Papers   Papers                `json:"papers,omitzero"`
	Quote    *tax.Quote            `json:"quote,omitempty"`
}

func factsOf(d Document) storedFacts {
	facts := storedFacts{
		Operator: d.Operator, Seller: d.Seller, Buyer: d.Buyer, Language: d.Locale.Language, Country: d.Locale.Country,
		Basis: d.Basis, Services: map[uuid.UUID]string{}, Granted: map[int]money.Decimal{}, Notes: d.Notes,
		Corrects: d.Corrects, Reason: d.Reason, Withheld: d.Withheld, Papers: d.Papers, Quote: d.Quote,
	}
	for _, l := range d.Lines {
		facts.Services[l.Subscription] = l.Service
		if l.Kind == Allowance {
			facts.Granted[l.No] = l.Granted
		}
	}
	return facts
}

func (s storedFacts) into(d *Document) {
	d.Operator, d.Seller, d.Buyer, d.Basis, d.Notes, d.Withheld, d.Papers = s.Operator, s.Seller, s.Buyer, s.Basis, s.Notes, s.Withheld, s.Papers
	d.Corrects, d.Reason, d.Quote = s.Corrects, s.Reason, s.Quote
	d.Locale = locale.Locale{Language: s.Language, Country: s.Country}
	for i := range d.Lines {
		d.Lines[i].Service = s.Services[d.Lines[i].Subscription]
		d.Lines[i].Granted = s.Granted[d.Lines[i].No]
	}
}
