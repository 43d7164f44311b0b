package pdf_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/bill/pdf"
	"tollhouse/billing/calendar"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// poppler runs one of its tools on a file.
func poppler(t *testing.T, file []byte, tool string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bill.pdf")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	var faults bytes.Buffer
	command := exec.Command(tool, append(args, path)...)
	command.Stderr = &faults
	out, err := command.Output()
	if err != nil || faults.Len() > 0 {
		t.Fatalf("%s: %v\n%s", tool, err, faults.String())
	}
	return string(out)
}

func logo(t *testing.T) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 96, 48))
	for x := range 96 {
		for y := range 48 {
			img.Set(x, y, color.NRGBA{R: uint8(2 * x), G: 120, B: uint8(4 * y), A: uint8(255 - x)})
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A screen reader finds headings, tables with head cells, words for pictures,
// the language and the title; what it reads is in order, and nothing twice.
func TestRender_isTagged(t *testing.T) {
	t.Parallel()
	d := mobile()
	d.Operator.Logo, d.Picture = "0123456789abcdef", logo(t)
	file := render(t, d)
	info := poppler(t, file, "pdfinfo")
	for _, want := range []string{"Tagged:          yes", "Title:           Bill HM-2026/184213", "Pages:           1"} {
		if !strings.Contains(info, want) {
			t.Errorf("no %q in\n%s", want, info)
		}
	}
	tree := poppler(t, file, "pdfinfo", "-struct-text")
	for _, want := range []string{"Document", "H1", "H2", "Table", "TH", "/Scope /Column", "/Scope /Row", "TD", "Figure", "Bill · October"} {
		if !strings.Contains(tree, want) {
			t.Errorf("no %q in the structure tree", want)
		}
	}
	order := -1
	for _, text := range []string{"Hanse Mobil GmbH · ", "Jonas Petersen Eppendorfer Weg 93 20259 Hamburg", "Bill number", "Amount due", "Description", "Mobil M, 20 GB", "Parking", "VAT 19%", "How to pay"} {
		at := strings.Index(tree, text)
		if at <= order {
			t.Errorf("%q is not read after what stands before it", text)
		}
		order = at
	}
	if n := strings.Count(tree, "Mobil M, 20 GB"); n != 1 {
		t.Errorf("a line is read %d times", n)
	}
	for _, want := range []string{"/Lang (en-GB)", "/MarkInfo <</Marked true>>", "/DisplayDocTitle true", "pdfuaid:part>1<"} {
		if !strings.Contains(plain(t, file), want) {
			t.Errorf("no %s in the file", want)
		}
	}
	for _, alt := range []string{"/Alt (Hanse Mobil)", "/Alt <feff"} {
		if !strings.Contains(plain(t, file), alt) {
			t.Errorf("no %s", alt)
		}
	}
	fonts := poppler(t, file, "pdffonts")
	if n := len(regexp.MustCompile(`(?m)^[A-Z]{6}\+IBMPlexSans\S*\s+CID TrueType\s+Identity-H\s+yes yes yes`).FindAllString(fonts, -1)); n != 2 {
		t.Errorf("%d fonts are embedded subsets with their letters:\n%s", n, fonts)
	}
}

// A table that goes on over pages is one table, and its head is read once.
func TestRender_tableOverPagesIsOne(t *testing.T) {
	t.Parallel()
	file := render(t, cable())
	tree := poppler(t, file, "pdfinfo", "-struct-text")
	if n := strings.Count(tree, `"Uraian"`); n != 1 {
		t.Errorf("the table's head is read %d times", n)
	}
	if n := strings.Count(string(text(t, file)), "Uraian "); n != 3 {
		t.Errorf("the table's head is printed %d times, want 3", n)
	}
}

// credit is a credit note in Russian with two taxes, of a buyer that withholds.
func credit() bill.Document {
	d, eur := mobile(), in(money.MustCurrency("EUR"))
	d.Kind, d.Number, d.Locale = bill.KindCreditNote, "HM-C-2026/000007", locale.Locale{Language: "ru", Country: "DE"}
	d.Buyer.Name, d.Buyer.TaxID = "ООО «Пример»", "DE 136 695 976"
	d.Corrects, d.Reason = &bill.Corrected{Number: "HM-2026/184213", Issued: day("2026-11-01")}, "Сбой сети 12 октября"
	d.Lines = []bill.Line{{No: 1, Kind: bill.Recurring, Description: "Тариф «Мобильный M», 20 ГБ", Service: d.Lines[0].Service, Period: october,
		Quantity: money.NewDecimal(1), Unit: bill.UnitFee, Price: eur("59.50"), Net: eur("50.00"), Tax: eur("9.50"), Percent: money.NewDecimal(19)}}
	d.Taxes = []bill.TaxLine{{Name: "НДС", Percent: money.NewDecimal(19), Base: eur("50.00"), Tax: eur("9.50"), Code: tax.Standard}}
	d.Net, d.Tax, d.Total, d.PaidBefore, d.Due = eur("50.00"), eur("9.50"), eur("59.50"), eur("0"), eur("0")
	d.Annex = nil
	return d
}

// business is a bill of a buyer that owes the tax itself and withholds another,
// with its calls itemised.
func business() bill.Document {
	d, eur := mobile(), in(money.MustCurrency("EUR"))
	d.Locale = locale.Locale{Language: "en", Country: "DE"}
	d.Buyer = bill.Buyer{Name: "Dupont SARL", TaxID: "FR40303265045", Account: "100 482 12", Address: account.Address{Street: "1 rue de la Paix", Postcode: "75002", City: "Paris", Country: "FR"}}
	reason := tax.Reason{Code: "VATEX-EU-AE", Text: "Reverse charge: the buyer owes the tax"}
	d.Taxes = []bill.TaxLine{{Name: "VAT 19 %", Base: eur("32.86"), Tax: eur("0"), Code: tax.ReverseCharge, Reason: reason}}
	d.Tax, d.Total, d.PaidBefore, d.Due = eur("0"), eur("32.86"), eur("0"), eur("32.86")
	d.Withheld = &tax.Withheld{Withholding: tax.Withholding{Name: "Services tax", Percent: money.NewDecimal(2)}, Base: eur("32.86"), Amount: eur("0.66")}
	for i := range d.Lines {
		d.Lines[i].Percent = money.Decimal{}
	}
	d.Masked = true
	for i := range 90 {
		d.Annex = append(d.Annex, bill.Call{Service: d.Lines[0].Service, At: fmt.Sprintf("2026-10-%02d 12:%02d:00", i/4+1, i%60), To: fmt.Sprintf("+62812345%03dxxx", i),
			What: "Calls to Indonesia", Quantity: money.NewDecimal(int64(61 * (i + 1))), Unit: money.Second, Price: eur("0.101666")})
	}
	return d
}

func TestRender_goldenOfNotesAndAnnexes(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]bill.Document{"credit-ru": credit(), "business-en": business()} {
		got, golden := text(t, render(t, d)), filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(golden); err != nil || !bytes.Equal(got, want) {
			t.Errorf("text differs from %s (-update writes it), %v:\n%s", golden, err, got)
		}
	}
}

// A bill of 10,000 lines renders in at most 3 s.
func TestRender_tenThousandLines(t *testing.T) {
	d := mobile()
	line := d.Lines[2]
	d.Lines = nil
	for i := range 10_000 {
		line.No, line.Description = i+1, fmt.Sprintf("Calls to number %d", i+1)
		d.Lines = append(d.Lines, line)
	}
	began := time.Now()
	file := render(t, d)
	if took := time.Since(began); took > slower*3*time.Second {
		t.Errorf("took %s", took)
	} else {
		t.Logf("10,000 lines in %s, %d bytes", took, len(file))
	}
	if info := poppler(t, file, "pdfinfo"); !strings.Contains(info, "Tagged:          yes") {
		t.Error(info)
	}
}

// EPC069-12: the code of a transfer in euro to a SEPA account, by its lines.
func TestTransfer_isEPC069(t *testing.T) {
	t.Parallel()
	want := "BCD\n002\n1\nSCT\nCOBADEFFXXX\nHanse Mobil GmbH\nDE89370400440532013000\nEUR34.10\n\n\nHM-2026/184213"
	if got := pdf.Transfer(mobile()); got != want {
		t.Errorf("%q", got)
	}
	rupiah, odd, paid, void := cable(), mobile(), prepaid(), mobile()
	odd.Seller.Bank.IBAN = "DE89370400440532013001"
	void.State = bill.Void
	for name, d := range map[string]bill.Document{"rupiah": rupiah, "wrong IBAN": odd, "nothing due": paid, "void": void} {
		if got := pdf.Transfer(d); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
	less := business()
	if got := pdf.Transfer(less); !strings.Contains(got, "\nEUR32.20\n") {
		t.Errorf("what is withheld is not asked for: %q", got)
	}
}

func TestRender_draftHasNoDateAndNoCode(t *testing.T) {
	t.Parallel()
	d := mobile()
	d.State, d.Number, d.Issued, d.DueDate = bill.Draft, "", calendar.Date{}, calendar.Date{}
	if got := string(text(t, render(t, d))); !strings.Contains(got, "Preview") || strings.Contains(got, "Scan") {
		t.Error(got)
	}
}
