package ubl

import (
	"fmt"
	"slices"
	"strings"

	"tollhouse/billing/money"
)

// Fault is a rule that an invoice breaks.
type Fault struct{ Rule, Text string }

func (f Fault) String() string { return f.Rule + ": " + f.Text }

// Check reads an electronic invoice and tells which rules of EN 16931 (and of
// Peppol, where it says that it follows its profile) it breaks.
func Check(file []byte) ([]Fault, error) {
	root, err := parse(file)
	if err != nil {
		return nil, err
	}
	return check(root), nil
}

// rule is one of the standard's: broken gives words where it is.
type rule struct {
	name   string
	broken func(v *view) string
}

// view is an invoice as the rules see it.
type view struct {
	*node
	credit  bool
	lines   []*node
	groups  []*node // VAT breakdown
	off     []*node // document's allowances
	on      []*node // and charges
	total   *node
	seller  *node
	buyer   *node
	profile bool // Peppol's rules hold too
}

func check(root *node) []Fault {
	v := &view{node: root, credit: root.name == "CreditNote"}
	v.lines = root.all(map[bool]string{false: "InvoiceLine", true: "CreditNoteLine"}[v.credit])
	v.groups = root.all("TaxTotal/TaxSubtotal")
	for _, a := range root.all("AllowanceCharge") {
		if a.get("ChargeIndicator") == "true" {
			v.on = append(v.on, a)
		} else {
			v.off = append(v.off, a)
		}
	}
	v.total, v.seller, v.buyer = first(root, "LegalMonetaryTotal"), first(root, "AccountingSupplierParty/Party"), first(root, "AccountingCustomerParty/Party")
	v.profile = strings.Contains(root.get("CustomizationID"), "peppol")
	var faults []Fault
	for _, r := range slices.Concat(mandatory, calculations, decimals, categories(), peppol) {
		if text := r.broken(v); text != "" {
			faults = append(faults, Fault{r.name, text})
		}
	}
	return faults
}

func first(n *node, path string) *node {
	if list := n.all(path); len(list) > 0 {
		return list[0]
	}
	return &node{}
}

// value is an amount at a path; there says whether it is there, as a number.
func value(n *node, path string) (amount money.Decimal, there bool) {
	amount, err := money.ParseDecimal(n.get(path))
	return amount, err == nil
}

func sum(list []*node, path string) (total money.Decimal) {
	for _, n := range list {
		amount, _ := value(n, path)
		total = total.Add(amount)
	}
	return total
}

// equal says how two amounts differ; empty where they don't.
func equal(what string, got, want money.Decimal) string {
	if got.Equal(want) {
		return ""
	}
	return fmt.Sprintf("%s is %s, not %s", what, got, want)
}

// need wants text at a path.
func need(name, what, path string) rule {
	return rule{name, func(v *view) string {
		if v.get(path) == "" {
			return what + " is missing"
		}
		return ""
	}}
}

// each applies to every element of a list.
func each(name string, list func(v *view) []*node, broken func(n *node) string) rule {
	return rule{name, func(v *view) string {
		for i, n := range list(v) {
			if text := broken(n); text != "" {
				return fmt.Sprintf("no. %d: %s", i+1, text)
			}
		}
		return ""
	}}
}

func wants(path, what string) func(n *node) string {
	return func(n *node) string {
		if n.get(path) == "" {
			return what + " is missing"
		}
		return ""
	}
}

func invoiceLines(v *view) []*node { return v.lines }
func breakdown(v *view) []*node    { return v.groups }
func reductions(v *view) []*node   { return v.off }
func additions(v *view) []*node    { return v.on }

func (v *view) quantity() string {
	if v.credit {
		return "CreditedQuantity"
	}
	return "InvoicedQuantity"
}

// mandatory are the rules that want something to be there.
var mandatory = []rule{
	need("BR-01", "the specification identifier (BT-24)", "CustomizationID"),
	need("BR-02", "the number (BT-1)", "ID"),
	need("BR-03", "the issue date (BT-2)", "IssueDate"),
	{"BR-04", func(v *view) string {
		if !slices.Contains([]string{"380", "381", "383", "384", "386"}, v.get("InvoiceTypeCode")+v.get("CreditNoteTypeCode")) {
			return "the type code (BT-3) is missing or unknown"
		}
		return ""
	}},
	need("BR-05", "the currency (BT-5)", "DocumentCurrencyCode"),
	need("BR-06", "the seller's name (BT-27)", "AccountingSupplierParty/Party/PartyLegalEntity/RegistrationName"),
	need("BR-07", "the buyer's name (BT-44)", "AccountingCustomerParty/Party/PartyLegalEntity/RegistrationName"),
	need("BR-08", "the seller's address (BG-5)", "AccountingSupplierParty/Party/PostalAddress/Country/IdentificationCode"),
	need("BR-09", "the seller's country (BT-40)", "AccountingSupplierParty/Party/PostalAddress/Country/IdentificationCode"),
	need("BR-10", "the buyer's address (BG-8)", "AccountingCustomerParty/Party/PostalAddress/Country/IdentificationCode"),
	need("BR-11", "the buyer's country (BT-55)", "AccountingCustomerParty/Party/PostalAddress/Country/IdentificationCode"),
	need("BR-12", "the sum of lines (BT-106)", "LegalMonetaryTotal/LineExtensionAmount"),
	need("BR-13", "the total without VAT (BT-109)", "LegalMonetaryTotal/TaxExclusiveAmount"),
	need("BR-14", "the total with VAT (BT-112)", "LegalMonetaryTotal/TaxInclusiveAmount"),
	need("BR-15", "the amount due (BT-115)", "LegalMonetaryTotal/PayableAmount"),
	{"BR-16", func(v *view) string {
		if len(v.lines) == 0 {
			return "there is no line (BG-25)"
		}
		return ""
	}},
	each("BR-21", invoiceLines, wants("ID", "the line's identifier (BT-126)")),
	{"BR-22", func(v *view) string {
		return each("", invoiceLines, wants(v.quantity(), "the quantity (BT-129)")).broken(v)
	}},
	{"BR-23", func(v *view) string {
		return each("", invoiceLines, func(n *node) string {
			if first(n, v.quantity()).attr("unitCode") == "" {
				return "the unit (BT-130) is missing"
			}
			return ""
		}).broken(v)
	}},
	each("BR-24", invoiceLines, wants("LineExtensionAmount", "the net amount (BT-131)")),
	each("BR-25", invoiceLines, wants("Item/Name", "the name (BT-153)")),
	each("BR-26", invoiceLines, wants("Price/PriceAmount", "the price (BT-146)")),
	each("BR-27", invoiceLines, func(n *node) string {
		if price, _ := value(n, "Price/PriceAmount"); price.Sign() < 0 {
			return "the price (BT-146) is below zero"
		}
		return ""
	}),
	{"BR-29", func(v *view) string { return ordered(v.node) }},
	each("BR-30", invoiceLines, ordered),
	each("BR-31", reductions, wants("Amount", "the allowance's amount (BT-92)")),
	each("BR-32", reductions, wants("TaxCategory/ID", "the allowance's VAT category (BT-95)")),
	each("BR-33", reductions, reasoned),
	each("BR-36", additions, wants("Amount", "the charge's amount (BT-99)")),
	each("BR-37", additions, wants("TaxCategory/ID", "the charge's VAT category (BT-102)")),
	each("BR-38", additions, reasoned),
	each("BR-45", breakdown, wants("TaxableAmount", "the taxable amount (BT-116)")),
	each("BR-46", breakdown, wants("TaxAmount", "the tax amount (BT-117)")),
	each("BR-47", breakdown, wants("TaxCategory/ID", "the VAT category (BT-118)")),
	each("BR-48", breakdown, func(n *node) string {
		if n.get("TaxCategory/ID") != "O" && n.get("TaxCategory/Percent") == "" {
			return "the VAT rate (BT-119) is missing"
		}
		return ""
	}),
	each("BR-49", func(v *view) []*node { return v.all("PaymentMeans") }, wants("PaymentMeansCode", "the means of payment (BT-81)")),
	{"BR-61", func(v *view) string {
		code := v.get("PaymentMeans/PaymentMeansCode")
		if (code == "30" || code == "58") && v.get("PaymentMeans/PayeeFinancialAccount/ID") == "" {
			return "the account to pay to (BT-84) is missing"
		}
		return ""
	}},
	{"BR-62", func(v *view) string { return scheme(v.seller, "seller's") }},
	{"BR-63", func(v *view) string { return scheme(v.buyer, "buyer's") }},
	each("BR-55", func(v *view) []*node { return v.all("BillingReference/InvoiceDocumentReference") }, wants("ID", "the preceding invoice's number (BT-25)")),
}

func ordered(n *node) string {
	from, to := n.get("InvoicePeriod/StartDate"), n.get("InvoicePeriod/EndDate")
	if from != "" && to != "" && to < from {
		return "the period ends before it begins"
	}
	return ""
}

func reasoned(n *node) string {
	if n.get("AllowanceChargeReason") == "" && n.get("AllowanceChargeReasonCode") == "" {
		return "neither reason nor its code"
	}
	return ""
}

func scheme(party *node, whose string) string {
	for _, e := range party.all("EndpointID") {
		if e.attr("schemeID") == "" {
			return "the " + whose + " electronic address has no scheme"
		}
	}
	return ""
}
