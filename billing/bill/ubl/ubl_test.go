package ubl

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

var update = flag.Bool("update", false, "write the golden files anew")

var euro = money.MustCurrency("EUR")

func day(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

type fataler interface{ Fatal(...any) }

// priced is a line before it is taxed.
type priced struct {
	kind  bill.LineKind
	cents int64
	rate  tax.Rate
}

func standard(percent string) tax.Rate {
	return tax.Rate{Category: "standard", Name: "VAT", Percent: money.MustDecimal(percent)}
}

func untaxed(t fataler, code tax.Code) tax.Rate {
	table, err := tax.NewTable([]tax.Rate{{Category: "standard", Name: "VAT", Percent: money.NewDecimal(19), From: day("2020-01-01")}})
	if err != nil {
		t.Fatal(err)
	}
	buyer := &tax.Buyer{Seller: "DE", Country: "DE", Exempt: []tax.Exemption{{Code: code, Reason: tax.UsualReason(code), From: day("2020-01-01")}}}
	rate, err := table.For(buyer).At("standard", day("2026-05-01"))
	if err != nil {
		t.Fatal(err)
	}
	if !code.NeedsReason() {
		rate.Reason = tax.Reason{}
	}
	return rate
}

// made is a document of lines, taxed as a closing taxes it.
func made(t fataler, kind bill.Kind, settings tax.Settings, basis tax.Basis, lines ...priced) bill.Document {
	return madeIn(t, euro, kind, settings, basis, lines...)
}

func madeIn(t fataler, currency money.Currency, kind bill.Kind, settings tax.Settings, basis tax.Basis, lines ...priced) bill.Document {
	may := calendar.Period{From: day("2026-05-01"), To: day("2026-06-01")}
	d := bill.Document{
		Kind: kind, State: bill.Final, Number: "NN-2026/000042", Issued: day("2026-06-01"), DueDate: day("2026-06-15"), Period: may, Currency: currency, Basis: basis,
		Seller: bill.Seller{Name: "Nordnetz GmbH", TaxID: "DE 136 695 976", RegisterID: "HRB 98765", Address: account.Address{Street: "Hafenstraße 1", Postcode: "20457", City: "Hamburg", Country: "DE"},
			Bank: bill.Bank{IBAN: "DE89 3704 0044 0532 0130 00", BIC: "COBADEFFXXX"}},
		Buyer:     bill.Buyer{Name: "Dupont & Fils SARL", TaxID: "FR40303265045", Account: "10048211", Address: account.Address{Street: "1 rue de la Paix", Postcode: "75002", City: "Paris", Country: "FR"}},
		Reference: "NN-2026/000042", PaidBefore: money.Zero(currency), Rounding: money.Zero(currency),
	}
	if kind == bill.KindCreditNote {
		d.Corrects, d.Reason = &bill.Corrected{Number: "NN-2026/000041", Issued: day("2026-05-01")}, "Outage"
	}
	var taxed []tax.Line
	for i, p := range lines {
		d.Lines = append(d.Lines, bill.Line{No: i + 1, Kind: p.kind, Code: "line", Description: fmt.Sprintf("Line %d <&>", i+1), Service: "Mobil M", Period: may,
			Quantity: money.NewDecimal(int64(7 * (i + 1))), Unit: money.Second, Category: p.rate.Category, Percent: p.rate.Percent})
		taxed = append(taxed, tax.Line{Amount: money.FromMinor(p.cents, currency), Rate: p.rate})
	}
	sums, err := settings.Total(taxed, basis, currency, currency.DocumentDigits())
	if err != nil {
		t.Fatal(err)
	}
	for i := range d.Lines {
		d.Lines[i].Net, d.Lines[i].Tax, d.Lines[i].TaxGroup, d.Lines[i].Price = sums.Lines[i].Net, sums.Lines[i].Tax, sums.Groups[i]+1, taxed[i].Amount
	}
	if err := d.SumUp(sums); err != nil {
		t.Fatal(err)
	}
	d.Due = d.Total
	return d
}

func rendered(t fataler, d bill.Document) *node {
	file, err := Render(d)
	if err != nil {
		t.Fatal(err)
	}
	root, err := parse(file)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// semantics, "Tax and documents": three lines of 9.99 keep 4.79; strict_vat
// gives 4.78 and a rounding amount (BT-114) of 0.01.
func TestRender_threeLinesOf999(t *testing.T) {
	t.Parallel()
	p := priced{bill.Recurring, 999, standard("19")}
	for strict, want := range map[bool]string{false: "25.18 4.79 29.97  29.97", true: "25.18 4.78 29.96 0.01 29.97"} {
		root := rendered(t, made(t, bill.KindBill, tax.Settings{Strict: strict}, tax.Inclusive, p, p, p))
		total := first(root, "LegalMonetaryTotal")
		got := strings.Join([]string{total.get("TaxExclusiveAmount"), root.get("TaxTotal/TaxAmount"), total.get("TaxInclusiveAmount"), total.get("PayableRoundingAmount"), total.get("PayableAmount")}, " ")
		if got != want {
			t.Errorf("strict %v: %s, want %s", strict, got, want)
		}
	}
}

// Any bill that a closing could make is valid, as bill and as credit note.
func TestRender_randomBillsAreValid(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		levied, err := tax.NewTable([]tax.Rate{
			{Category: "levied", Levy: "municipal", Name: "Municipal levy", Percent: money.NewDecimal(2), Position: 1, Other: true, From: day("2020-01-01")},
			{Category: "levied", Levy: "vat", Name: "VAT", Percent: money.NewDecimal(19), Position: 2, OnEarlier: true, From: day("2020-01-01")},
			{Category: "beside", Levy: "vat", Name: "VAT", Percent: money.NewDecimal(19), Position: 1, From: day("2020-01-01")},
			{Category: "beside", Levy: "telecom", Name: "Telecom levy", Percent: money.NewDecimal(5), Position: 2, Other: true, From: day("2020-01-01")},
			{Category: "part", Name: "VAT", Percent: money.NewDecimal(12), Factor: tax.Factor{Num: 11, Den: 12}, From: day("2020-01-01")},
		})
		if err != nil {
			t.Fatal(err)
		}
		at := func(category string) tax.Rate {
			rate, err := levied.At(category, day("2026-05-01"))
			if err != nil {
				t.Fatal(err)
			}
			return rate
		}
		rates := []tax.Rate{standard("19"), {Category: "reduced", Name: "VAT", Percent: money.NewDecimal(7)}, {Category: "zero", Name: "VAT"}, at("levied"), at("beside"), at("part"),
			untaxed(t, tax.Exempt), untaxed(t, tax.ReverseCharge)}
		settings := tax.Settings{Strict: rapid.Bool().Draw(t, "strict")}
		basis := rapid.SampledFrom([]tax.Basis{tax.Inclusive, tax.Exclusive}).Draw(t, "basis")
		kind := rapid.SampledFrom([]bill.Kind{bill.KindBill, bill.KindCreditNote, bill.KindDebitNote, bill.KindStatement}).Draw(t, "kind")
		lines := []priced{{bill.Recurring, 500_000, rates[0]}}
		for range rapid.IntRange(0, 12).Draw(t, "lines") {
			p := priced{bill.Usage, rapid.Int64Range(0, 99_999).Draw(t, "cents"), rapid.SampledFrom(rates).Draw(t, "rate")}
			if rapid.Bool().Draw(t, "off") {
				p.kind, p.cents = rapid.SampledFrom([]bill.LineKind{bill.Discount, bill.Correction}).Draw(t, "kind of line"), -p.cents/20
			}
			lines = append(lines, p)
		}
		d := made(t, kind, settings, basis, lines...)
		if kind == bill.KindBill && rapid.Bool().Draw(t, "paid") {
			d.PaidBefore = money.FromMinor(rapid.Int64Range(1, 100).Draw(t, "before"), euro)
			d.Due, _ = d.Total.Sub(d.PaidBefore)
		}
		file, err := Render(d)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Render(d)
		if err != nil || !bytes.Equal(file, again) {
			t.Fatalf("the same facts gave other bytes, %v", err)
		}
		faults, err := Check(file)
		if err != nil || len(faults) > 0 {
			t.Fatalf("%v %v\n%s", faults, err, file)
		}
		root, _ := parse(file)
		if text := disordered(root); text != "" {
			t.Fatal(text)
		}
	})
}

// order is that of the elements in UBL 2.1's schemas, as far as they are used.
var order = map[string]string{
	"Invoice": "CustomizationID ProfileID ID IssueDate DueDate InvoiceTypeCode Note TaxPointDate DocumentCurrencyCode BuyerReference InvoicePeriod BillingReference AccountingSupplierParty " +
		"AccountingCustomerParty Delivery PaymentMeans PaymentTerms AllowanceCharge TaxTotal LegalMonetaryTotal InvoiceLine",
	"CreditNote": "CustomizationID ProfileID ID IssueDate TaxPointDate CreditNoteTypeCode Note DocumentCurrencyCode BuyerReference InvoicePeriod BillingReference AccountingSupplierParty " +
		"AccountingCustomerParty Delivery PaymentMeans PaymentTerms AllowanceCharge TaxTotal LegalMonetaryTotal CreditNoteLine",
	"Party":              "EndpointID PartyIdentification PartyName PostalAddress PartyTaxScheme PartyLegalEntity Contact",
	"PostalAddress":      "StreetName AdditionalStreetName CityName PostalZone CountrySubentity Country",
	"PaymentMeans":       "PaymentMeansCode PaymentDueDate PaymentID PayeeFinancialAccount",
	"AllowanceCharge":    "ChargeIndicator AllowanceChargeReasonCode AllowanceChargeReason MultiplierFactorNumeric Amount BaseAmount TaxCategory",
	"TaxSubtotal":        "TaxableAmount TaxAmount TaxCategory",
	"TaxCategory":        "ID Percent TaxExemptionReasonCode TaxExemptionReason TaxScheme",
	"LegalMonetaryTotal": "LineExtensionAmount TaxExclusiveAmount TaxInclusiveAmount AllowanceTotalAmount ChargeTotalAmount PrepaidAmount PayableRoundingAmount PayableAmount",
	"InvoiceLine":        "ID Note InvoicedQuantity LineExtensionAmount InvoicePeriod AllowanceCharge Item Price",
	"CreditNoteLine":     "ID Note CreditedQuantity LineExtensionAmount InvoicePeriod AllowanceCharge Item Price",
	"Item":               "Description Name SellersItemIdentification ClassifiedTaxCategory",
	"Price":              "PriceAmount BaseQuantity",
}

func disordered(n *node) string {
	if names := strings.Fields(order[local(n.name)]); len(names) > 0 {
		last := 0
		for _, k := range n.kids {
			at := slices.Index(names, local(k.name))
			if at < last {
				return fmt.Sprintf("%s stands in the wrong place in %s", k.name, n.name)
			}
			last = at
		}
	}
	for _, k := range n.kids {
		if text := disordered(k); text != "" {
			return text
		}
	}
	return ""
}

func TestRender_golden(t *testing.T) {
	t.Parallel()
	bought := made(t, bill.KindBill, tax.Settings{Strict: true}, tax.Inclusive, priced{bill.Recurring, 999, standard("19")}, priced{bill.Usage, 999, standard("19")},
		priced{bill.Usage, 999, standard("19")}, priced{bill.Discount, -100, standard("19")})
	reverse := made(t, bill.KindCreditNote, tax.Settings{}, tax.Exclusive, priced{bill.Recurring, 5000, untaxed(t, tax.ReverseCharge)})
	for name, d := range map[string]bill.Document{"strict-bill": bought, "reverse-credit-note": reverse} {
		got, err := Render(d)
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", name+".xml")
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(golden); err != nil || !bytes.Equal(got, want) {
			t.Errorf("differs from %s (-update writes it), %v:\n%s", golden, err, got)
		}
	}
}

// Without the letters of a country a tax id is no VAT identifier, and who
// cannot be addressed in Peppol gets the bare standard.
func TestRender_privateCustomerByTheBareStandard(t *testing.T) {
	t.Parallel()
	d := made(t, bill.KindBill, tax.Settings{}, tax.Inclusive, priced{bill.Recurring, 11900, standard("19")})
	d.Buyer.TaxID, d.Seller.TaxID, d.Seller.RegisterID = "", "27/123/45678", ""
	root := rendered(t, d)
	if root.get("CustomizationID") != standardID || root.get("ProfileID") != "" {
		t.Errorf("%s %s", root.get("CustomizationID"), root.get("ProfileID"))
	}
	if vatOf(first(root, "AccountingSupplierParty/Party")) != "" || taxNumberOf(first(root, "AccountingSupplierParty/Party")) != "27/123/45678" {
		t.Error("the tax registration is shown as a VAT identifier")
	}
}

func TestRender_refusesWhatIsIncomplete(t *testing.T) {
	t.Parallel()
	d := made(t, bill.KindBill, tax.Settings{}, tax.Inclusive, priced{bill.Recurring, 11900, standard("19")})
	d.Seller.TaxID = ""
	if _, err := Render(d); err == nil || !strings.Contains(err.Error(), "BR-S-02") {
		t.Errorf("%v", err)
	}
	d.State = bill.Void
	if _, err := Render(d); err == nil {
		t.Error("a void bill became an electronic invoice")
	}
}

// EN 16931 has two decimals for every amount but a unit's price (BR-DEC), also
// for currencies of three: what needs the third is refused and says where, what
// does not is told with two.
func TestRender_currenciesOfThreeDigits(t *testing.T) {
	t.Parallel()
	kwd := money.MustCurrency("KWD")
	root := rendered(t, madeIn(t, kwd, bill.KindBill, tax.Settings{}, tax.Exclusive, priced{bill.Recurring, 100_500, standard("10")}))
	total := first(root, "LegalMonetaryTotal")
	if got := total.get("TaxExclusiveAmount") + " " + root.get("TaxTotal/TaxAmount") + " " + total.get("PayableAmount"); got != "100.50 10.05 110.55" {
		t.Error(got)
	}
	_, err := Render(madeIn(t, kwd, bill.KindBill, tax.Settings{}, tax.Exclusive, priced{bill.Recurring, 100_505, standard("10")}))
	var broken *RuleError
	if !errors.As(err, &broken) || !slices.ContainsFunc(broken.Faults, func(f Fault) bool {
		return f.Rule == "BR-DEC-23" && f.Text == "no. 1: line net amount (BT-131) is 100.505: an electronic invoice has at most two decimals, in any currency"
	}) {
		t.Errorf("100.505: %v", err)
	}
}
