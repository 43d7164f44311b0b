package ubl

import (
	"slices"
	"testing"

	"tollhouse/billing/bill"
	"tollhouse/billing/tax"
)

// set changes the text of the first element at a path; cut takes it away.
func set(n *node, path, text string) {
	for _, at := range n.all(path)[:1] {
		at.text = text
	}
}

func cut(n *node, path string) {
	for _, at := range n.all(path) {
		remove(n, at)
	}
}

func remove(n, what *node) {
	n.kids = slices.DeleteFunc(n.kids, func(k *node) bool { return k == what })
	for _, k := range n.kids {
		remove(k, what)
	}
}

// full is an invoice with an allowance, a charge and something paid before.
func full(t *testing.T) *node {
	t.Helper()
	table, err := tax.NewTable([]tax.Rate{
		{Category: "levied", Levy: "municipal", Name: "Municipal levy", Percent: standard("2").Percent, Position: 1, Other: true, From: day("2020-01-01")},
		{Category: "levied", Levy: "vat", Name: "VAT", Percent: standard("19").Percent, Position: 2, OnEarlier: true, From: day("2020-01-01")},
	})
	if err != nil {
		t.Fatal(err)
	}
	rate, err := table.At("levied", day("2026-05-01"))
	if err != nil {
		t.Fatal(err)
	}
	return rendered(t, made(t, bill.KindBill, tax.Settings{}, tax.Exclusive, priced{bill.Recurring, 10000, rate}, priced{bill.Usage, 5000, rate}, priced{bill.Discount, -1000, rate}))
}

const line = "InvoiceLine"

// Each rule has an invoice that breaks it, and nothing else of it is wrong
// before.
func TestCheck_eachRuleFindsItsFault(t *testing.T) {
	t.Parallel()
	lineAllowance := func(charge, code, reason string) func(n *node) {
		return func(n *node) {
			first(n, line).add(branch("cac:AllowanceCharge", leaf("cbc:ChargeIndicator", charge), leaf("cbc:AllowanceChargeReasonCode", code), leaf("cbc:AllowanceChargeReason", reason), leaf("cbc:Amount", "1.00")))
		}
	}
	of := func(charge string, change func(n *node)) func(n *node) {
		return func(n *node) {
			for _, a := range n.all("AllowanceCharge") {
				if a.get("ChargeIndicator") == charge {
					change(a)
				}
			}
		}
	}
	without := func(path string) func(n *node) { return func(n *node) { cut(n, path) } }
	with := func(path, text string) func(n *node) { return func(n *node) { set(n, path, text) } }
	unreasoned := func(a *node) { cut(a, "AllowanceChargeReason"); cut(a, "AllowanceChargeReasonCode") }
	const seller, buyer, total = "AccountingSupplierParty/Party/", "AccountingCustomerParty/Party/", "LegalMonetaryTotal/"
	mutations := map[string]func(n *node){
		"BR-01": without("CustomizationID"), "BR-02": without("ID"), "BR-03": without("IssueDate"), "BR-04": with("InvoiceTypeCode", "999"),
		"BR-05": without("DocumentCurrencyCode"), "BR-06": without(seller + "PartyLegalEntity/RegistrationName"), "BR-07": without(buyer + "PartyLegalEntity/RegistrationName"),
		"BR-08": without(seller + "PostalAddress"), "BR-09": without(seller + "PostalAddress/Country"), "BR-10": without(buyer + "PostalAddress"), "BR-11": without(buyer + "PostalAddress/Country"),
		"BR-12": without(total + "LineExtensionAmount"), "BR-13": without(total + "TaxExclusiveAmount"), "BR-14": without(total + "TaxInclusiveAmount"), "BR-15": without(total + "PayableAmount"),
		"BR-16": without(line), "BR-21": without(line + "/ID"), "BR-22": without(line + "/InvoicedQuantity"), "BR-23": func(n *node) { first(n, line+"/InvoicedQuantity").attrs = nil },
		"BR-24": without(line + "/LineExtensionAmount"), "BR-25": without(line + "/Item/Name"), "BR-26": without(line + "/Price/PriceAmount"), "BR-27": with(line+"/Price/PriceAmount", "-1.00"),
		"BR-29": with("InvoicePeriod/EndDate", "2020-01-01"), "BR-30": with(line+"/InvoicePeriod/EndDate", "2020-01-01"),
		"BR-31": of("false", func(a *node) { cut(a, "Amount") }), "BR-32": of("false", func(a *node) { cut(a, "TaxCategory") }), "BR-33": of("false", unreasoned),
		"BR-36": of("true", func(a *node) { cut(a, "Amount") }), "BR-37": of("true", func(a *node) { cut(a, "TaxCategory") }), "BR-38": of("true", unreasoned),
		"BR-45": without("TaxTotal/TaxSubtotal/TaxableAmount"), "BR-46": without("TaxTotal/TaxSubtotal/TaxAmount"), "BR-47": without("TaxTotal/TaxSubtotal/TaxCategory/ID"),
		"BR-48": without("TaxTotal/TaxSubtotal/TaxCategory/Percent"), "BR-49": without("PaymentMeans/PaymentMeansCode"), "BR-61": without("PaymentMeans/PayeeFinancialAccount"),
		"BR-62": func(n *node) { first(n, seller+"EndpointID").attrs = nil }, "BR-63": func(n *node) { first(n, buyer+"EndpointID").attrs = nil },
		"BR-55": func(n *node) {
			n.add(branch("cac:BillingReference", branch("cac:InvoiceDocumentReference", leaf("cbc:IssueDate", "2026-01-01"))))
		},
		"BR-CO-03": func(n *node) {
			n.add(leaf("cbc:TaxPointDate", "2026-05-31"))
			first(n, "InvoicePeriod").add(leaf("cbc:DescriptionCode", "35"))
		},
		"BR-CO-04": without(line + "/Item/ClassifiedTaxCategory"), "BR-CO-05": of("false", func(a *node) { set(a, "AllowanceChargeReasonCode", "TX") }),
		"BR-CO-06": of("true", func(a *node) { a.add(leaf("cbc:AllowanceChargeReasonCode", "95")) }),
		"BR-CO-07": lineAllowance("false", "TX", "Discount"), "BR-CO-08": lineAllowance("true", "95", "Freight"),
		"BR-CO-09": with(seller+"PartyTaxScheme/CompanyID", "136695976"), "BR-CO-10": with(total+"LineExtensionAmount", "150.01"), "BR-CO-11": with(total+"AllowanceTotalAmount", "10.01"),
		"BR-CO-12": with(total+"ChargeTotalAmount", "0.01"), "BR-CO-13": with(total+"TaxExclusiveAmount", "1.00"), "BR-CO-14": with("TaxTotal/TaxAmount", "1.00"),
		"BR-CO-15": with(total+"TaxInclusiveAmount", "1.00"), "BR-CO-16": with(total+"PayableAmount", "1.00"), "BR-CO-17": with("TaxTotal/TaxSubtotal/TaxAmount", "1.00"),
		"BR-CO-18": without("TaxTotal/TaxSubtotal"), "BR-CO-19": func(n *node) { first(n, "InvoicePeriod").kids = nil }, "BR-CO-20": func(n *node) { first(n, line+"/InvoicePeriod").kids = nil },
		"BR-CO-21": of("false", unreasoned), "BR-CO-22": of("true", unreasoned), "BR-CO-23": lineAllowance("false", "", ""), "BR-CO-24": lineAllowance("true", "", ""),
		"BR-CO-25": func(n *node) { cut(n, "DueDate"); cut(n, "PaymentTerms") },
		"BR-CO-26": func(n *node) { cut(n, seller+"PartyTaxScheme"); cut(n, seller+"PartyLegalEntity/CompanyID") },

		"BR-DEC-01": of("false", func(a *node) { set(a, "Amount", "1.234") }), "BR-DEC-05": of("true", func(a *node) { set(a, "Amount", "1.234") }),
		"BR-DEC-09": with(total+"LineExtensionAmount", "1.234"), "BR-DEC-10": with(total+"AllowanceTotalAmount", "1.234"), "BR-DEC-11": with(total+"ChargeTotalAmount", "1.234"),
		"BR-DEC-12": with(total+"TaxExclusiveAmount", "1.234"), "BR-DEC-13": with("TaxTotal/TaxAmount", "1.234"), "BR-DEC-14": with(total+"TaxInclusiveAmount", "1.234"),
		"BR-DEC-16": func(n *node) {
			cut(n, total+"PrepaidAmount")
			first(n, "LegalMonetaryTotal").add(leaf("cbc:PrepaidAmount", "1.234"))
		},
		"BR-DEC-17": func(n *node) { first(n, "LegalMonetaryTotal").add(leaf("cbc:PayableRoundingAmount", "1.234")) },
		"BR-DEC-18": with(total+"PayableAmount", "1.234"), "BR-DEC-19": with("TaxTotal/TaxSubtotal/TaxableAmount", "1.234"),
		"BR-DEC-20": with("TaxTotal/TaxSubtotal/TaxAmount", "1.234"), "BR-DEC-23": with(line+"/LineExtensionAmount", "1.234"),

		"PEPPOL-EN16931-R001": without("ProfileID"), "PEPPOL-EN16931-R007": with("ProfileID", "urn:other"), "PEPPOL-EN16931-R003": without("BuyerReference"),
		"PEPPOL-EN16931-R010": without(buyer + "EndpointID"), "PEPPOL-EN16931-R020": without(seller + "EndpointID"), "PEPPOL-EN16931-R120": with(line+"/Price/PriceAmount", "1.00"),
		"PEPPOL-EN16931-R121": with(line+"/Price/BaseQuantity", "0"), "PEPPOL-EN16931-R130": func(n *node) { first(n, line+"/Price/BaseQuantity").attrs[0].value = "HUR" },
	}
	if faults := check(full(t)); len(faults) > 0 {
		t.Fatal(faults)
	}
	for _, r := range slices.Concat(mandatory, calculations, decimals, peppol) {
		change := mutations[r.name]
		if change == nil {
			t.Errorf("%s has no invoice that breaks it", r.name)
			continue
		}
		broken := full(t)
		change(broken)
		if !slices.ContainsFunc(check(broken), func(f Fault) bool { return f.Rule == r.name }) {
			t.Errorf("%s is not found broken: %v", r.name, check(broken))
		}
	}
}

// The rules of each VAT category, on an invoice of that category.
func TestCheck_eachCategoryFindsItsFault(t *testing.T) {
	t.Parallel()
	for _, code := range tax.Codes {
		rate := standard("19")
		rate.Code = code
		if !code.Taxes() {
			rate = untaxed(t, code)
		}
		sound := func() *node {
			root := rendered(t, made(t, bill.KindBill, tax.Settings{}, tax.Exclusive, priced{bill.Recurring, 10000, rate}, priced{bill.Discount, -1000, rate}))
			if faults := check(root); len(faults) > 0 {
				t.Fatalf("%s: %v", code, faults)
			}
			return root
		}
		wrong := "19"
		if code.Taxes() {
			wrong = "0"
		}
		spoil := func(category *node) {
			cut(category, "Percent")
			category.add(leaf("cbc:Percent", wrong))
		}
		breakdown := "TaxTotal/TaxSubtotal"
		for no, change := range map[string]func(n *node){
			"01": func(n *node) { cut(n, breakdown) },
			"02": func(n *node) {
				cut(n, "AccountingSupplierParty/Party/PartyTaxScheme")
				if code == tax.OutOfScope {
					first(n, "AccountingSupplierParty/Party").add(branch("cac:PartyTaxScheme", leaf("cbc:CompanyID", "DE136695976"), branch("cac:TaxScheme", leaf("cbc:ID", "VAT"))))
				}
			},
			"05": func(n *node) { spoil(first(n, line+"/Item/ClassifiedTaxCategory")) },
			"06": func(n *node) { spoil(first(n, "AllowanceCharge/TaxCategory")) },
			"07": func(n *node) {
				spoil(first(n, "AllowanceCharge/TaxCategory"))
				set(n, "AllowanceCharge/ChargeIndicator", "true")
			},
			"08": func(n *node) { set(n, breakdown+"/TaxableAmount", "1.00") },
			"09": func(n *node) { set(n, breakdown+"/TaxAmount", "50.00") },
			"10": func(n *node) {
				category := first(n, breakdown+"/TaxCategory")
				if code.NeedsReason() {
					cut(category, "TaxExemptionReason")
					cut(category, "TaxExemptionReasonCode")
				} else {
					category.add(leaf("cbc:TaxExemptionReason", "why"))
				}
			},
		} {
			name := prefix[code] + "-" + no
			if (code == tax.Canary || code == tax.Ceuta) && no >= "05" && no <= "07" {
				continue // these may have any rate from 0 on
			}
			broken := sound()
			change(broken)
			if !slices.ContainsFunc(check(broken), func(f Fault) bool { return f.Rule == name }) {
				t.Errorf("%s is not found broken: %v", name, check(broken))
			}
		}
	}
	mixed := rendered(t, made(t, bill.KindBill, tax.Settings{}, tax.Exclusive, priced{bill.Recurring, 10000, untaxed(t, tax.OutOfScope)}))
	first(mixed, "TaxTotal").add(first(mixed, "TaxTotal/TaxSubtotal"))
	goods := rendered(t, made(t, bill.KindBill, tax.Settings{}, tax.Exclusive, priced{bill.Recurring, 10000, untaxed(t, tax.IntraEU)}))
	cut(goods, "Delivery")
	cut(goods, "InvoicePeriod")
	for name, root := range map[string]*node{"BR-O-11": mixed, "BR-IC-11": goods, "BR-IC-12": goods} {
		if !slices.ContainsFunc(check(root), func(f Fault) bool { return f.Rule == name }) {
			t.Errorf("%s is not found broken", name)
		}
	}
}
