package bill

import (
	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// Document is everything a printed bill says. All of it is stored when the
// account is closed, so that a copy printed years later is the same, whatever
// has since become of the offering, the operator or the customer.
type Document struct {
	ID       uuid.UUID
	Kind     Kind
	State    State
	Number   string
	Issued   calendar.Date
	DueDate  calendar.Date
	Period   calendar.Period // the cycle that was closed
	Part     string          // of the cycle: empty, unless it has several documents
	Locale   locale.Locale
	Currency money.Currency
	Basis    tax.Basis // how Line.Price is written
	Operator Operator
	Seller   Seller
	Buyer    Buyer
	Lines    []Line
	Taxes    []TaxLine

	Net, Tax, Total money.Amount
	Quote           *tax.Quote    // what an outside engine answered; nil: taxed by the operator's own rates
	Rounding        money.Amount  // of Total, beyond net and tax: only by the strict rule
	Withheld        *tax.Withheld // what the buyer keeps back for the tax office; nil: nothing
	PaidBefore      money.Amount  // from customer credit, or on a statement from prepaid money
	Due             money.Amount
	Corrects        *Corrected // of a note: the bill that it corrects
	Reason          string     // of a note: why
	Reference       string     // what a payer states
	Notes           []string   // printed as they are, one paragraph each

	Picture []byte // the operator's logo as it was, a PNG
	PayAt   string // address of the page where it is paid, for a code; empty: none
	Papers  Papers // how the account wanted its documents
	Annex   []Call // itemised usage
	Masked  bool   // the annex hides the ends of numbers
}

// Corrected is the bill that a note corrects.
type Corrected struct {
	ID     uuid.UUID     `json:"id"`
	Number string        `json:"number"`
	Issued calendar.Date `json:"issued"`
}

// Operator is the name and look under which the seller does business.
type Operator struct {
	Name    string `json:"name"`
	Colour  string `json:"colour"` // #rrggbb
	Support string `json:"support"`
	Logo    string `json:"logo,omitempty"` // hash of the picture
}

// Seller is the legal entity that issues the bill.
type Seller struct {
	Name       string          `json:"name"`
	Address    account.Address `json:"address"`
	TaxID      string          `json:"tax_id"`
	RegisterID string          `json:"register_id"`
	Bank       Bank            `json:"bank"`

	id        uuid.UUID
	isDefault bool
}

// Bank is where a transfer goes. IBAN holds a plain account number in
// countries that have no IBAN.
type Bank struct {
	Name string `json:"name"`
	IBAN string `json:"iban"`
	BIC  string `json:"bic"`
}

// Buyer is who owes.
type Buyer struct {
	Name    string          `json:"name"`
	Address account.Address `json:"address"`
	TaxID   string          `json:"tax_id"`
	Account string          `json:"account"` // the billing account's number
}

// LineKind says what a line is for.
type LineKind string

// The kinds of line, in the order in which they are printed.
const (
	Recurring  LineKind = "recurring"
	OneTime    LineKind = "one_time"
	Usage      LineKind = "usage"
	Allowance  LineKind = "allowance"
	Discount   LineKind = "discount"
	Correction LineKind = "correction" // of an earlier charge, and usage that came after its cycle's bill
	ItemLine   LineKind = "item"       // what else was put on the bill
)

// Line is one line of a bill. Price is as the offering writes prices, with or
// without tax (Document.Basis); an allowance line has none.
type Line struct {
	No           int
	Kind         LineKind
	Code         string
	Description  string
	Subscription uuid.UUID
	Service      string          // what the customer calls it: Mobil M, +49 151 …
	Period       calendar.Period // zero for a one-time fee
	Quantity     money.Decimal
	Unit         money.Unit    // UnitFee for fees
	Granted      money.Decimal // of an allowance, in Unit
	Events       int64         // charges that are summed up in the line
	Price        money.Amount
	Net, Tax     money.Amount
	Category     string
	Percent      money.Decimal
	Corrects     int // of a note: the number of the corrected bill's line; 0: of none
	TaxGroup     int // TaxLine.Group; 0: of a document from before groups
}

// UnitFee is the unit of a fee's quantity: how many times it was charged.
const UnitFee money.Unit = "fee"
