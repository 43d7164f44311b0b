package tax

import (
	"errors"
	"slices"
)

// Code is a tax category of EN 16931 (UNCL 5305, the part that BT-151 takes).
type Code string

// The codes.
const (
	Standard      Code = "S"  // any rate above zero
	ZeroRated     Code = "Z"  // taxable, at zero
	Exempt        Code = "E"  // exempt by law, or the customer is
	ReverseCharge Code = "AE" // the buyer owes the tax
	IntraEU       Code = "K"  // goods to another member state
	Export        Code = "G"  // out of the seller's tax area
	OutOfScope    Code = "O"  // no tax of this kind at all
	Canary        Code = "L"  // IGIC
	Ceuta         Code = "M"  // IPSI
)

// Codes lists all of them, as a form offers them.
var Codes = []Code{Standard, ZeroRated, Exempt, ReverseCharge, IntraEU, Export, OutOfScope, Canary, Ceuta}

// ErrCode is returned for a code that is none of EN 16931's, or does not go
// with the rate.
var ErrCode = errors.New("not a tax category code of EN 16931")

// Valid says whether it is one of the codes.
func (c Code) Valid() bool { return slices.Contains(Codes, c) }

// Taxes says whether a rate may be charged under the code.
func (c Code) Taxes() bool { return c == Standard || c == Canary || c == Ceuta }

// NeedsReason says whether a document must tell why there is no tax (BR-E-10,
// BR-AE-10, BR-IC-10, BR-G-10, BR-O-10). Zero-rated must not.
func (c Code) NeedsReason() bool { return c != "" && !c.Taxes() && c != ZeroRated }

// Reason is why there is no tax: a code of the VATEX list, and words.
type Reason struct {
	Code string `json:"code,omitempty"`
	Text string `json:"text,omitempty"`
}

// IsZero says that no reason is given.
func (r Reason) IsZero() bool { return r == Reason{} }

// usual are the reasons where nobody has written others.
var usual = map[Code]Reason{
	ReverseCharge: {"VATEX-EU-AE", "Reverse charge: the buyer owes the tax"},
	IntraEU:       {"VATEX-EU-IC", "Intra-Community supply"},
	Export:        {"VATEX-EU-G", "Export outside the EU"},
	OutOfScope:    {"VATEX-EU-O", "Not subject to VAT"},
	Exempt:        {"", "Exempt from VAT"},
}

// UsualReason is what a document says of a code that taxes nothing.
func UsualReason(c Code) Reason { return usual[c] }
