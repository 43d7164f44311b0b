package ubl

import (
	"fmt"
	"slices"

	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// prefix is how the rules of a category are called.
var prefix = map[tax.Code]string{
	tax.Standard: "BR-S", tax.ZeroRated: "BR-Z", tax.Exempt: "BR-E", tax.ReverseCharge: "BR-AE", tax.IntraEU: "BR-IC", tax.Export: "BR-G", tax.OutOfScope: "BR-O",
	tax.Canary: "BR-AF", tax.Ceuta: "BR-AG",
}

// categories are the rules of each VAT category: 01 (a breakdown, exactly one
// where nothing is taxed), 02 (whose identifiers), 05 to 07 (rates), 08 (the
// taxable amount), 09 (the tax) and 10 (the reason).
func categories() []rule {
	var rules []rule
	for _, code := range tax.Codes {
		name := prefix[code]
		rules = append(rules,
			rule{name + "-01", func(v *view) string { return v.hasBreakdown(code) }},
			rule{name + "-02", func(v *view) string { return v.identified(code) }},
			rule{name + "-05", func(v *view) string { return rated(code, v.lines, "Item/ClassifiedTaxCategory") }},
			rule{name + "-06", func(v *view) string { return rated(code, v.off, "TaxCategory") }},
			rule{name + "-07", func(v *view) string { return rated(code, v.on, "TaxCategory") }},
			rule{name + "-08", func(v *view) string { return v.based(code) }},
			rule{name + "-09", func(v *view) string { return v.taxed(code) }},
			rule{name + "-10", func(v *view) string { return v.explained(code) }},
		)
	}
	return append(rules,
		rule{"BR-O-11", func(v *view) string {
			if v.uses(tax.OutOfScope) && len(v.groups) != 1 {
				return "what is not subject to VAT stands beside other VAT"
			}
			return ""
		}},
		rule{"BR-IC-11", func(v *view) string {
			if v.uses(tax.IntraEU) && v.get("Delivery/ActualDeliveryDate") == "" && v.get("InvoicePeriod/StartDate") == "" {
				return "neither a delivery date (BT-72) nor a period (BG-14)"
			}
			return ""
		}},
		rule{"BR-IC-12", func(v *view) string {
			if v.uses(tax.IntraEU) && v.get("Delivery/DeliveryLocation/Address/Country/IdentificationCode") == "" {
				return "the country of delivery (BT-80) is missing"
			}
			return ""
		}})
}

// of are the parts of the invoice that are of a category.
func of(code tax.Code, list []*node, path string) []*node {
	return slices.DeleteFunc(slices.Clone(list), func(n *node) bool { return n.get(path+"/ID") != string(code) })
}

func (v *view) uses(code tax.Code) bool {
	return len(of(code, v.lines, "Item/ClassifiedTaxCategory"))+len(of(code, v.off, "TaxCategory"))+len(of(code, v.on, "TaxCategory")) > 0
}

func (v *view) hasBreakdown(code tax.Code) string {
	n := len(of(code, v.groups, "TaxCategory"))
	switch {
	case v.uses(code) && n == 0:
		return fmt.Sprintf("nothing in the VAT breakdown is of category %s", code)
	case !code.Taxes() && n > 1:
		return fmt.Sprintf("category %s stands %d times in the VAT breakdown", code, n)
	}
	return ""
}

func (v *view) identified(code tax.Code) string {
	if !v.uses(code) {
		return ""
	}
	seller, buyer := vatOf(v.seller), vatOf(v.buyer)
	switch code {
	case tax.OutOfScope:
		if seller != "" || buyer != "" {
			return "a VAT identifier where nothing is subject to VAT"
		}
	case tax.ReverseCharge, tax.IntraEU:
		if taxNumberOf(v.seller) == "" || buyer == "" && v.buyer.get("PartyLegalEntity/CompanyID") == "" {
			return "the seller's (BT-31) or the buyer's VAT identifier (BT-48) is missing"
		}
	default:
		if taxNumberOf(v.seller) == "" {
			return "the seller's VAT identifier (BT-31) or tax registration (BT-32) is missing"
		}
	}
	return ""
}

func rated(code tax.Code, list []*node, path string) string {
	for _, n := range of(code, list, path) {
		percent, there := value(n, path+"/Percent")
		switch {
		case code == tax.OutOfScope && there:
			return "a VAT rate where nothing is subject to VAT"
		case code == tax.Standard && percent.Sign() <= 0:
			return "a standard rate that is not above zero"
		case !code.Taxes() && code != tax.OutOfScope && (!there || percent.Sign() != 0):
			return fmt.Sprintf("category %s has another rate than 0", code)
		}
	}
	return ""
}

// based wants the taxable amount to be that of the lines, allowances and
// charges of its category and rate.
func (v *view) based(code tax.Code) string {
	for _, g := range of(code, v.groups, "TaxCategory") {
		want := money.Decimal{}
		add := func(list []*node, path, amount string, sign int64) {
			for _, n := range of(code, list, path) {
				if !code.Taxes() || sameRate(n.get(path+"/Percent"), g.get("TaxCategory/Percent")) {
					a, _ := value(n, amount)
					want = want.Add(a.Mul(money.NewDecimal(sign)))
				}
			}
		}
		add(v.lines, "Item/ClassifiedTaxCategory", "LineExtensionAmount", 1)
		add(v.off, "TaxCategory", "Amount", -1)
		add(v.on, "TaxCategory", "Amount", 1)
		got, _ := value(g, "TaxableAmount")
		if text := equal("the taxable amount (BT-116)", got, want); text != "" {
			return text
		}
	}
	return ""
}

func sameRate(a, b string) bool {
	one, err := money.ParseDecimal(a)
	two, err2 := money.ParseDecimal(b)
	return err == nil && err2 == nil && one.Equal(two)
}

func (v *view) taxed(code tax.Code) string {
	for _, g := range of(code, v.groups, "TaxCategory") {
		got, _ := value(g, "TaxAmount")
		if !code.Taxes() && got.Sign() != 0 {
			return fmt.Sprintf("tax of %s in category %s", got, code)
		}
		if code.Taxes() {
			base, _ := value(g, "TaxableAmount")
			percent, _ := value(g, "TaxCategory/Percent")
			exact, err := base.MulDiv(percent, hundred, 2, money.HalfAwayFromZero)
			if err != nil || got.Sub(exact).Abs().Cmp(tolerance(g)) >= 0 {
				return fmt.Sprintf("tax of %s on %s at %s %%", got, base, percent)
			}
		}
	}
	return ""
}

func (v *view) explained(code tax.Code) string {
	for _, g := range of(code, v.groups, "TaxCategory") {
		given := g.get("TaxCategory/TaxExemptionReason") != "" || g.get("TaxCategory/TaxExemptionReasonCode") != ""
		if code.NeedsReason() && !given {
			return fmt.Sprintf("category %s without a reason (BT-120, BT-121)", code)
		}
		if !code.NeedsReason() && given {
			return fmt.Sprintf("category %s with a reason for not taxing", code)
		}
	}
	return ""
}

// peppol are rules of the BIS Billing 3 profile beyond the standard's.
var peppol = []rule{
	only("PEPPOL-EN16931-R001", func(v *view) string { return lacks(v.get("ProfileID") == "", "the business process (BT-23)") }),
	only("PEPPOL-EN16931-R003", func(v *view) string {
		return lacks(v.get("BuyerReference") == "" && v.get("OrderReference/ID") == "", "the buyer's reference (BT-10)")
	}),
	only("PEPPOL-EN16931-R010", func(v *view) string {
		return lacks(v.buyer.get("EndpointID") == "", "the buyer's electronic address (BT-49)")
	}),
	only("PEPPOL-EN16931-R020", func(v *view) string {
		return lacks(v.seller.get("EndpointID") == "", "the seller's electronic address (BT-34)")
	}),
	only("PEPPOL-EN16931-R007", func(v *view) string {
		return lacks(v.get("ProfileID") != profileID, "the business process of BIS Billing 3")
	}),
	each("PEPPOL-EN16931-R121", invoiceLines, func(n *node) string {
		if q, there := value(n, "Price/BaseQuantity"); there && q.Sign() <= 0 {
			return "the price's base quantity (BT-149) is not above zero"
		}
		return ""
	}),
	{"PEPPOL-EN16931-R130", func(v *view) string {
		for _, l := range v.lines {
			base := first(l, "Price/BaseQuantity")
			if base.text != "" && base.attr("unitCode") != first(l, v.quantity()).attr("unitCode") {
				return "a price's base quantity is in another unit than the quantity"
			}
		}
		return ""
	}},
	{"PEPPOL-EN16931-R120", func(v *view) string {
		for _, l := range v.lines {
			q, _ := value(l, v.quantity())
			price, _ := value(l, "Price/PriceAmount")
			base, there := value(l, "Price/BaseQuantity")
			if !there {
				base = money.NewDecimal(1)
			}
			got, _ := value(l, "LineExtensionAmount")
			want, err := price.MulDiv(q, base, 2, money.HalfAwayFromZero)
			if err != nil || got.Sub(want).Abs().Cmp(money.DecimalOf(2, 2)) > 0 {
				return fmt.Sprintf("line %s: %s is not %s × %s / %s", l.get("ID"), got, q, price, base)
			}
		}
		return ""
	}},
}

// only lets a rule hold where the invoice says that it follows the profile.
func only(name string, broken func(v *view) string) rule {
	return rule{name, func(v *view) string {
		if !v.profile {
			return ""
		}
		return broken(v)
	}}
}

func lacks(is bool, what string) string {
	if is {
		return what + " is missing"
	}
	return ""
}
