package letter

import (
	"errors"

	"tollhouse/billing/notice"
)

var (
	// ErrUnreachable means that a bill's payer has neither an address nor a number
	// that works.
	ErrUnreachable = errors.New("there is no way to reach the payer: neither a mail address nor a telephone number")
	// ErrNotFinal refuses to send a draft or what was voided.
	ErrNotFinal = errors.New("only a final document is sent")
)

// sentences are what a bill's letter says of what is to be paid: {open} is still
// to pay by {due}, or nothing is.
var sentences = map[string]struct{ pay, paid string }{
	"en": {"Still to pay: {open}, by {due}. Pay here, without signing in:", "There is nothing to pay any more."},
	"id": {"Masih harus dibayar: {open}, paling lambat {due}. Bayar di sini, tanpa masuk:", "Tidak ada lagi yang harus dibayar."},
	"ru": {"Осталось заплатить: {open}, до {due}. Оплатить можно здесь, без входа:", "Платить больше ничего не нужно."},
}

// toPay is such a sentence in a language, or in English.
func toPay(language string, open bool, values map[string]string) string {
	s, known := sentences[language]
	if !known {
		s = sentences["en"]
	}
	if !open {
		return s.paid
	}
	return notice.Words{Body: s.pay}.Fill(values).Body
}
