package taxengine

import (
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// Question is the body of a request.
type Question struct {
	Company   string        `json:"company"`
	Reference string        `json:"reference"`
	Document  string        `json:"document"` // bill, debit_note, advance, test
	Date      calendar.Date `json:"date"`
	Currency  string        `json:"currency"`
	Customer  string        `json:"customer"`
	Seller    Party         `json:"seller"`
	Buyer     Party         `json:"buyer"`
	Lines     []Line        `json:"lines"`
}

// Party is where a seller or buyer is, and what it is to tax.
type Party struct {
	Street     string      `json:"street"`
	Postcode   string      `json:"postcode"`
	City       string      `json:"city"`
	Region     string      `json:"region,omitempty"`
	Country    string      `json:"country"`
	TaxID      string      `json:"tax_id,omitempty"`
	Business   bool        `json:"business"`
	Exemptions []Exemption `json:"exemptions,omitempty"`
}

// Exemption is a certificate that frees a buyer.
type Exemption struct {
	Certificate string `json:"certificate,omitempty"`
	Category    string `json:"category,omitempty"` // empty: all
	Reason      string `json:"reason"`
	From        string `json:"from"`
	To          string `json:"to,omitempty"` // not included
}

// Line is one line without tax.
type Line struct {
	No       int           `json:"no"`
	Category string        `json:"category"`
	Service  string        `json:"service"` // telecom, electronic, goods, other
	Code     string        `json:"code"`
	Date     calendar.Date `json:"date"`
	Amount   money.Decimal `json:"amount"`
}

// Answer is the body of an answer.
type Answer struct {
	Reference string       `json:"reference"`
	Lines     []AnswerLine `json:"lines"`
}

// AnswerLine has a line's taxes.
type AnswerLine struct {
	No     int         `json:"no"`
	Taxes  []AnswerTax `json:"taxes"`
	Reason string      `json:"reason,omitempty"`
}

// AnswerTax is one tax of a line. Its fields are texts that may be missing:
// what is missing is told, not taken for nothing.
type AnswerTax struct {
	Jurisdiction string         `json:"jurisdiction"`
	Name         string         `json:"name"`
	Percent      *money.Decimal `json:"percent"`
	Base         *money.Decimal `json:"base"`
	Amount       *money.Decimal `json:"amount"`
}

// Refusal is how an engine says no.
type Refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func questionOf(company, reference string, s tax.Sale) Question {
	q := Question{Company: company, Reference: reference, Document: s.Document, Date: s.Date, Currency: s.Currency.Code(), Customer: s.Customer,
		Seller: partyOf(s.Seller), Buyer: partyOf(s.Buyer), Lines: make([]Line, len(s.Lines))}
	for i, l := range s.Lines {
		q.Lines[i] = Line{No: l.No, Category: l.Category, Service: string(l.Service), Code: l.Code, Date: l.Day, Amount: l.Amount}
	}
	return q
}

func partyOf(p tax.SaleParty) Party {
	out := Party{Street: p.Address.Street, Postcode: p.Address.Postcode, City: p.Address.City, Region: p.Address.Region, Country: p.Address.Country,
		TaxID: p.TaxID, Business: p.Business}
	for _, e := range p.Exempt {
		one := Exemption{Certificate: e.Certificate, Category: e.Category, Reason: e.Reason.Text, From: e.From.String()}
		if !e.To.IsZero() {
			one.To = e.To.String()
		}
		out.Exemptions = append(out.Exemptions, one)
	}
	return out
}

// quote reads an answer; what is missing makes it unreadable.
func (a Answer) quote() (tax.Quote, error) {
	q := tax.Quote{Reference: a.Reference}
	if a.Reference == "" {
		return q, unreadable("no reference")
	}
	for _, l := range a.Lines {
		line := tax.QuotedLine{No: l.No, Reason: l.Reason}
		for _, t := range l.Taxes {
			if t.Percent == nil || t.Base == nil || t.Amount == nil {
				return q, unreadable("a tax without percent, base and amount")
			}
			line.Taxes = append(line.Taxes, tax.QuotedTax{Jurisdiction: t.Jurisdiction, Name: t.Name, Percent: *t.Percent, Base: *t.Base, Amount: *t.Amount})
		}
		q.Lines = append(q.Lines, line)
	}
	return q, nil
}
