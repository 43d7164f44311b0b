package ubl

import (
	"strings"

	"tollhouse/billing/money"
)

var hundred = money.NewDecimal(100)

// calculations are the BR-CO rules.
var calculations = []rule{
	{"BR-CO-03", func(v *view) string {
		if v.get("TaxPointDate") != "" && v.get("InvoicePeriod/DescriptionCode") != "" {
			return "both a tax point date (BT-7) and its code (BT-8)"
		}
		return ""
	}},
	each("BR-CO-04", invoiceLines, wants("Item/ClassifiedTaxCategory/ID", "the line's VAT category (BT-151)")),
	each("BR-CO-05", reductions, sameReason("95", "discount")),
	each("BR-CO-06", additions, func(n *node) string {
		if n.get("AllowanceChargeReasonCode") == "95" {
			return "a charge's reason code is that of a discount"
		}
		return ""
	}),
	each("BR-CO-07", func(v *view) []*node { return lineAllowances(v, "false") }, sameReason("95", "discount")),
	each("BR-CO-08", func(v *view) []*node { return lineAllowances(v, "true") }, func(n *node) string {
		if n.get("AllowanceChargeReasonCode") == "95" {
			return "a charge's reason code is that of a discount"
		}
		return ""
	}),
	{"BR-CO-09", func(v *view) string {
		for _, party := range []*node{v.seller, v.buyer} {
			for _, s := range party.all("PartyTaxScheme") {
				if id := s.get("CompanyID"); s.get("TaxScheme/ID") == "VAT" && !prefixedID(id) {
					return "VAT identifier " + id + " does not begin with a country"
				}
			}
		}
		return ""
	}},
	{"BR-CO-10", func(v *view) string {
		got, _ := value(v.total, "LineExtensionAmount")
		return equal("the sum of lines (BT-106)", got, sum(v.lines, "LineExtensionAmount"))
	}},
	{"BR-CO-11", func(v *view) string {
		got, _ := value(v.total, "AllowanceTotalAmount")
		return equal("the sum of allowances (BT-107)", got, sum(v.off, "Amount"))
	}},
	{"BR-CO-12", func(v *view) string {
		got, _ := value(v.total, "ChargeTotalAmount")
		return equal("the sum of charges (BT-108)", got, sum(v.on, "Amount"))
	}},
	{"BR-CO-13", func(v *view) string {
		lines, _ := value(v.total, "LineExtensionAmount")
		off, _ := value(v.total, "AllowanceTotalAmount")
		on, _ := value(v.total, "ChargeTotalAmount")
		got, _ := value(v.total, "TaxExclusiveAmount")
		return equal("the total without VAT (BT-109)", got, lines.Sub(off).Add(on))
	}},
	{"BR-CO-14", func(v *view) string {
		got, _ := value(v.node, "TaxTotal/TaxAmount")
		return equal("the total VAT (BT-110)", got, sum(v.groups, "TaxAmount"))
	}},
	{"BR-CO-15", func(v *view) string {
		net, _ := value(v.total, "TaxExclusiveAmount")
		vat, _ := value(v.node, "TaxTotal/TaxAmount")
		got, _ := value(v.total, "TaxInclusiveAmount")
		return equal("the total with VAT (BT-112)", got, net.Add(vat))
	}},
	{"BR-CO-16", func(v *view) string {
		gross, _ := value(v.total, "TaxInclusiveAmount")
		paid, _ := value(v.total, "PrepaidAmount")
		rounding, _ := value(v.total, "PayableRoundingAmount")
		got, _ := value(v.total, "PayableAmount")
		return equal("the amount due (BT-115)", got, gross.Sub(paid).Add(rounding))
	}},
	// The official rule leaves a tolerance below one unit: rounding of gross prices.
	each("BR-CO-17", breakdown, func(n *node) string {
		base, _ := value(n, "TaxableAmount")
		percent, _ := value(n, "TaxCategory/Percent")
		got, _ := value(n, "TaxAmount")
		exact, err := base.MulDiv(percent, hundred, 2, money.HalfAwayFromZero)
		if err != nil || got.Sub(exact).Abs().Cmp(tolerance(n)) >= 0 {
			return "tax " + got.String() + " is not " + percent.String() + " % of " + base.String()
		}
		return ""
	}),
	{"BR-CO-18", func(v *view) string {
		if len(v.groups) == 0 {
			return "there is no VAT breakdown (BG-23)"
		}
		return ""
	}},
	{"BR-CO-19", func(v *view) string { return filled(v.node) }},
	each("BR-CO-20", invoiceLines, filled),
	each("BR-CO-21", reductions, reasoned),
	each("BR-CO-22", additions, reasoned),
	each("BR-CO-23", func(v *view) []*node { return lineAllowances(v, "false") }, reasoned),
	each("BR-CO-24", func(v *view) []*node { return lineAllowances(v, "true") }, reasoned),
	{"BR-CO-25", func(v *view) string {
		due, _ := value(v.total, "PayableAmount")
		if due.Sign() > 0 && !v.credit && v.get("DueDate") == "" && v.get("PaymentTerms/Note") == "" {
			return "neither a due date (BT-9) nor payment terms (BT-20)"
		}
		return ""
	}},
	{"BR-CO-26", func(v *view) string {
		if v.seller.get("PartyIdentification/ID") == "" && v.seller.get("PartyLegalEntity/CompanyID") == "" && vatOf(v.seller) == "" {
			return "the seller has no identifier (BT-29), registration (BT-30) or VAT identifier (BT-31)"
		}
		return ""
	}},
}

func filled(n *node) string {
	for _, p := range n.all("InvoicePeriod") {
		if p.get("StartDate") == "" && p.get("EndDate") == "" && p.get("DescriptionCode") == "" {
			return "a period without dates"
		}
	}
	return ""
}

func sameReason(code, words string) func(n *node) string {
	return func(n *node) string {
		if n.get("AllowanceChargeReasonCode") != "" && n.get("AllowanceChargeReasonCode") != code {
			return "the reason's code is not that of a " + words
		}
		return ""
	}
}

func lineAllowances(v *view, charge string) []*node {
	var list []*node
	for _, l := range v.lines {
		for _, a := range l.all("AllowanceCharge") {
			if a.get("ChargeIndicator") == charge {
				list = append(list, a)
			}
		}
	}
	return list
}

func prefixedID(id string) bool {
	return len(id) > 2 && id[0] >= 'A' && id[0] <= 'Z' && id[1] >= 'A' && id[1] <= 'Z' && !strings.HasPrefix(id, "GR")
}

// tolerance is what the official checks leave to rounding: less than one unit of
// the currency.
func tolerance(*node) money.Decimal { return money.NewDecimal(1) }

func vatOf(party *node) string {
	for _, s := range party.all("PartyTaxScheme") {
		if s.get("TaxScheme/ID") == "VAT" {
			return s.get("CompanyID")
		}
	}
	return ""
}

func taxNumberOf(party *node) string {
	for _, s := range party.all("PartyTaxScheme") {
		if id := s.get("CompanyID"); id != "" {
			return id
		}
	}
	return ""
}
