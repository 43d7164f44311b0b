package pdf_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/bill/pdf"
	"tollhouse/billing/calendar"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

var update = flag.Bool("update", false, "write the golden texts, and the PDFs beside them, anew")

func day(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

func in(c money.Currency) func(string) money.Amount {
	return func(text string) money.Amount {
		a, err := money.Parse(text, c)
		if err != nil {
			panic(err)
		}
		return a
	}
}

var october = calendar.Period{From: day("2026-10-01"), To: day("2026-11-01")}

// mobile is a bill of three services' worth of lines in euro, tax inside.
func mobile() bill.Document {
	eur := in(money.MustCurrency("EUR"))
	november := calendar.Period{From: october.To, To: day("2026-12-01")}
	rate := money.NewDecimal(19)
	service := "Mobil M · +49 1512 3456789"
	line := func(kind bill.LineKind, text, price string) bill.Line {
		return bill.Line{Kind: kind, Description: text, Service: service, Period: october, Quantity: money.NewDecimal(1), Unit: bill.UnitFee, Price: eur(price), Percent: rate}
	}
	fee := line(bill.Recurring, "Mobil M, 20 GB", "24.99")
	fee.Period = november
	calls := line(bill.Usage, "Calls to Indonesia", "8.42")
	calls.Quantity, calls.Unit, calls.Events = money.NewDecimal(7374), money.Second, 6
	allowance := line(bill.Allowance, "Data in Germany and the EU", "0")
	allowance.Quantity, allowance.Granted, allowance.Unit = money.NewDecimal(17_412_000_000), money.NewDecimal(20_000_000_000), money.Byte
	parking := line(bill.Usage, "Parking Hamburg, sold by Parkhaus Nord GmbH", "3.20")
	parking.Quantity, parking.Unit, parking.Events = money.NewDecimal(2), money.Event, 2
	option := line(bill.Recurring, "EU Plus option", "4.99")
	option.Period = november
	return bill.Document{
		Kind: bill.KindBill, State: bill.Final, Number: "HM-2026/184213", Issued: day("2026-11-01"), DueDate: day("2026-11-15"),
		Period: october, Locale: locale.Locale{Language: "en", Country: "GB"}, Currency: money.MustCurrency("EUR"), Basis: tax.Inclusive,
		Operator: bill.Operator{Name: "Hanse Mobil", Colour: "#0b5c63", Support: "hilfe@hanse-mobil.example, +49 40 5550 100"},
		Seller: bill.Seller{
			Name: "Hanse Mobil GmbH", TaxID: "DE 312 345 678", RegisterID: "Amtsgericht Hamburg, HRB 98765",
			Address: account.Address{Street: "Speicherstraße 11", Postcode: "20457", City: "Hamburg", Country: "DE"},
			Bank:    bill.Bank{Name: "Hafenbank Hamburg", IBAN: "DE89370400440532013000", BIC: "COBADEFFXXX"},
		},
		Buyer: bill.Buyer{Name: "Jonas Petersen", Account: "100 482 11", Address: account.Address{Street: "Eppendorfer Weg 93", Postcode: "20259", City: "Hamburg", Country: "DE"}},
		Lines: []bill.Line{fee, option, calls, parking, allowance, line(bill.Discount, "Loyalty discount, 10% off Mobil M", "-2.50")},
		Taxes: []bill.TaxLine{{Name: "VAT", Percent: rate, Base: eur("32.86"), Tax: eur("6.24")}},
		Net:   eur("32.86"), Tax: eur("6.24"), Total: eur("39.10"), PaidBefore: eur("5.00"), Due: eur("34.10"), Reference: "HM-2026/184213",
	}
}

// cable is a bill in rupiah, tax on top, in Indonesian, long enough for three pages.
func cable() bill.Document {
	idr := in(money.MustCurrency("IDR"))
	d := mobile()
	d.Number, d.Reference, d.Locale, d.Currency, d.Basis = "KN-2026/000042", "KN-2026/000042", locale.Locale{Language: "id", Country: "ID"}, money.MustCurrency("IDR"), tax.Exclusive
	d.Operator = bill.Operator{Name: "Kabel Nusantara", Colour: "#c2410c", Support: "bantuan@kabel.example"}
	d.Seller = bill.Seller{
		Name: "PT Kabel Nusantara", TaxID: "01.234.567.8-012.000", RegisterID: "NIB 9120001234567",
		Address: account.Address{Street: "Jl. Jenderal Sudirman Kav. 52–53", Postcode: "12190", City: "Jakarta Selatan", Country: "ID"},
		Bank:    bill.Bank{Name: "Bank Nusantara", IBAN: "0071234567", BIC: "BNUSIDJA"},
	}
	d.Buyer = bill.Buyer{Name: "Ibu Sri Wahyuni Kusumawardhani", Account: "KN-00042", Address: account.Address{Street: "Jl. Melati No. 7, RT 03/RW 05", Postcode: "40115", City: "Bandung", Region: "Jawa Barat", Country: "ID"}}
	d.Lines = nil
	for i := range 3 {
		service := fmt.Sprintf("Rumah Cepat %d Mbps · 021555%04d", 50*(i+1), i)
		d.Lines = append(d.Lines, bill.Line{Kind: bill.Recurring, Description: "Internet rumah", Service: service, Period: october, Quantity: money.NewDecimal(1), Unit: bill.UnitFee, Price: idr("350000"), Percent: money.NewDecimal(11)})
		for j := range 14 {
			d.Lines = append(d.Lines, bill.Line{
				Kind: bill.Usage, Description: fmt.Sprintf("Panggilan ke tujuan nomor %d dengan uraian yang cukup panjang untuk dua baris", j+1), Service: service, Period: october,
				Quantity: money.NewDecimal(int64(3600*j + 61)), Unit: money.Second, Events: int64(j + 1), Price: idr("15500"), Percent: money.NewDecimal(11),
			})
		}
	}
	d.Net, d.Tax, d.Total, d.PaidBefore, d.Due = idr("1701000"), idr("187110"), idr("1888110"), idr("0"), idr("1888110")
	d.Taxes = []bill.TaxLine{{Name: "PPN 11%", Percent: money.NewDecimal(11), Base: idr("1701000"), Tax: idr("187110")}}
	return d
}

// prepaid is a statement in Russian: nothing to pay.
func prepaid() bill.Document {
	d, eur := mobile(), in(money.MustCurrency("EUR"))
	d.Kind, d.Number, d.Locale = bill.KindStatement, "S-2026/000017", locale.Locale{Language: "ru", Country: "DE"}
	d.Buyer.Name = "Анна Сергеевна Кузнецова"
	for i, text := range []string{"Тариф «Мобильный M», 20 ГБ", "Опция «EU Plus»", "Звонки в Индонезию", "Парковка в Гамбурге", "Интернет в ЕС", "Скидка 10 %"} {
		d.Lines[i].Description = text
	}
	d.PaidBefore, d.Due, d.DueDate = d.Total, eur("0"), calendar.Date{}
	return d
}

func render(t *testing.T, d bill.Document) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := pdf.Render(&out, d); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The text of each sample, as pdftotext lays it out, is a golden file: it shows
// words, figures, columns and page breaks to a reader of a diff.
func TestRender_golden(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]bill.Document{"mobile-en": mobile(), "cable-id": cable(), "prepaid-ru": prepaid()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, golden := text(t, render(t, d)), filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("text differs from %s (-update writes it):\n%s", golden, got)
			}
		})
	}
}

// text is the laid-out text of a PDF, by poppler.
func text(t *testing.T, file []byte) []byte {
	t.Helper()
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Fatal("pdftotext is missing: tools/install.sh test installs it (poppler-utils)")
	}
	path := filepath.Join(t.TempDir(), "bill.pdf")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "-layout", "-enc", "UTF-8", path, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRender_sameFactsSameBytes(t *testing.T) {
	t.Parallel()
	results := make(chan []byte)
	for range 4 {
		go func() {
			var out bytes.Buffer
			if err := pdf.Render(&out, mobile()); err != nil {
				t.Error(err)
			}
			results <- out.Bytes()
		}()
	}
	first := <-results
	for range 3 {
		if !bytes.Equal(first, <-results) {
			t.Error("two prints of the same facts differ")
		}
	}
	if !bytes.HasPrefix(first, []byte("%PDF-")) {
		t.Error("not a PDF")
	}
}

func TestRender_anOddTextDoesNotBreakAPage(t *testing.T) {
	t.Parallel()
	d := mobile()
	d.Buyer.Name = strings.Repeat("Donaudampfschifffahrt", 12)
	d.Lines[0].Description = strings.Repeat("W", 400)
	d.Operator = bill.Operator{Name: strings.Repeat("Wide ", 30), Colour: "pink"}
	d.Seller.Bank = bill.Bank{}
	d.Notes = []string{strings.Repeat("note ", 900)}
	render(t, d)
}

func BenchmarkRender(b *testing.B) {
	d := mobile()
	for b.Loop() {
		if err := pdf.Render(new(bytes.Buffer), d); err != nil {
			b.Fatal(err)
		}
	}
}
