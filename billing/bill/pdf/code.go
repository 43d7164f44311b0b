package pdf

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"

	"tollhouse/billing/bank"
	"tollhouse/billing/bill"
	"tollhouse/billing/money"
)

// payCode is a QR code that fills in a payment; dark is empty where there is
// nothing to pay, or no way to say so.
type payCode struct {
	dark    [][]bool
	caption string
	alt     string
}

// payCode is a transfer's code where the seller has a SEPA account and is owed
// euros, and elsewhere a link to the bill's page.
func (s *sheet) payCode() (payCode, error) {
	text, w, d := Transfer(s.doc), wordsOf(s.doc.Locale.Language), s.doc
	code := payCode{caption: w.scanTransfer}
	code.alt = strings.NewReplacer("{amount}", d.Locale.FormatMoney(s.toPay()), "{holder}", d.Seller.Name).Replace(w.codeTransfer)
	if text == "" {
		if d.Due.Sign() <= 0 || d.PayAt == "" || d.State == bill.Draft || d.State == bill.Void {
			return payCode{}, nil
		}
		text, code.caption, code.alt = d.PayAt, w.scanLink, w.codeLink+" "+d.PayAt
	}
	drawn, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return payCode{}, fmt.Errorf("payment code: %w", err)
	}
	side := drawn.Bounds().Dx()
	code.dark = make([][]bool, side)
	for y := range side {
		code.dark[y] = make([]bool, side)
		for x := range side {
			code.dark[y][x] = color.GrayModel.Convert(drawn.At(x, y)).(color.Gray).Y < 128
		}
	}
	return code, nil
}

// Transfer is the text of a code that fills in a SEPA credit transfer
// (EPC069-12, version 002), or empty where there is none to make.
func Transfer(d bill.Document) string {
	b := d.Seller.Bank
	iban := strings.ReplaceAll(b.IBAN, " ", "")
	amount := toPay(d)
	if amount.Sign() <= 0 || d.Due.Sign() <= 0 || d.State == bill.Draft || d.State == bill.Void || amount.Currency() != money.MustCurrency("EUR") || !bank.IsSEPA(iban) {
		return ""
	}
	if amount.Decimal().Cmp(money.NewDecimal(1_000_000_000)) >= 0 {
		return "" // the form holds nine digits before the point
	}
	return strings.Join([]string{"BCD", "002", "1", "SCT", b.BIC, cut(d.Seller.Name, 70), iban, "EUR" + amount.Text(), "", "", cut(d.Reference, 140)}, "\n")
}

// cut shortens a text to so many letters, without line ends.
func cut(text string, most int) string {
	letters := []rune(strings.Join(strings.Fields(text), " "))
	return string(letters[:min(len(letters), most)])
}

const (
	codeSide  = 74.0
	codeQuiet = 7.0 // the light border that readers want
)

// drawCode draws the code with its right upper corner at a place.
func (s *sheet) drawCode(x, y float64) {
	x -= codeSide
	s.fill(colour{255, 255, 255}, x-codeQuiet, y-codeQuiet, codeSide+2*codeQuiet, codeSide+2*codeQuiet)
	s.Squares(ink.set(), x, y, codeSide, s.code.dark, s.code.alt)
}
