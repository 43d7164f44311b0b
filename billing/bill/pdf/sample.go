package pdf

import (
	"fmt"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// Fonts are the typeface's files.
func Fonts() (regular, strong []byte) { return regularFont, strongFont }

// Sample is a bill of one page with the nth number, to show a look or to
// measure with; nobody was ever sent it.
func Sample(n int) bill.Document {
	euro := money.MustCurrency("EUR")
	amount := func(cents int64) money.Amount { return money.FromMinor(cents, euro) }
	may := calendar.Period{From: calendar.Date{Year: 2026, Month: time.May, Day: 1}, To: calendar.Date{Year: 2026, Month: time.June, Day: 1}}
	rate := money.NewDecimal(19)
	d := bill.Document{
		Kind: bill.KindBill, State: bill.Final, Number: fmt.Sprintf("2026/%06d", n), Issued: may.To, DueDate: may.To.AddDays(14), Period: may,
		Locale: locale.Locale{Language: "en", Country: "DE"}, Currency: euro, Basis: tax.Inclusive,
		Operator: bill.Operator{Name: "Nordnetz", Colour: "#0b5c63", Support: "help@nordnetz.example"},
		Seller: bill.Seller{Name: "Nordnetz GmbH", TaxID: "DE136695976", RegisterID: "HRB 98765",
			Address: account.Address{Street: "Hafenstraße 1", Postcode: "20457", City: "Hamburg", Country: "DE"},
			Bank:    bill.Bank{Name: "Hafenbank", IBAN: "DE89370400440532013000", BIC: "COBADEFFXXX"}},
		Buyer: bill.Buyer{Name: fmt.Sprintf("Jonas Petersen %d", n), Account: fmt.Sprintf("%08d", n),
			Address: account.Address{Street: "Weg 93", Postcode: "20259", City: "Hamburg", Country: "DE"}},
		Reference: fmt.Sprintf("2026/%06d", n),
	}
	line := func(kind bill.LineKind, words string, cents int64) {
		d.Lines = append(d.Lines, bill.Line{No: len(d.Lines) + 1, Kind: kind, Description: words, Service: "Mobil M · +49 151 23456789", Period: may,
			Quantity: money.NewDecimal(1), Unit: bill.UnitFee, Price: amount(cents), Percent: rate})
	}
	used := int64(n % 900)
	line(bill.Recurring, "Mobil M, 20 GB", 2499)
	line(bill.Recurring, "EU Plus option", 499)
	line(bill.Usage, "Calls abroad", 100+used)
	line(bill.Usage, "Messages", 95)
	line(bill.Discount, "Loyalty discount", -250)
	total := 2499 + 499 + 100 + used + 95 - 250
	net := (total*10000/119 + 50) / 100
	d.Net, d.Tax, d.Total, d.Due, d.PaidBefore = amount(net), amount(total-net), amount(total), amount(total), amount(0)
	d.Taxes = []bill.TaxLine{{Position: 1, Group: 1, Name: "VAT", Percent: rate, Base: d.Net, Tax: d.Tax, Code: tax.Standard}}
	return d
}
