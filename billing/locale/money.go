package locale

import (
	"strings"
	"tollhouse/billing/money"
	"unicode"
	"unicode/utf8"
)

// symbols are the currency signs a reader of the language knows; elsewhere
// the ISO code stands, which nobody mistakes.
var symbols = map[string]map[string]string{
	"en": {"EUR": "€", "GBP": "£", "USD": "US$", "JPY": "¥"},
	"id": {"EUR": "€", "GBP": "£", "USD": "US$", "JPY": "JP¥", "IDR": "Rp"},
	"ru": {"EUR": "€", "GBP": "£", "USD": "$", "JPY": "¥", "RUB": "₽", "KZT": "₸"},
}

// Symbol is the currency's sign, or its ISO code where the language has none.
func (l Locale) Symbol(c money.Currency) string {
	code := c.Code()
	switch {
	case code == "IDR" && l.Country == "ID" && l.Language != "ru":
		return "Rp"
	case code == "USD" && l.Country == "US":
		return "$"
	}
	known, ok := symbols[l.Language]
	if !ok {
		known = symbols["en"]
	}
	if sign, ok := known[code]; ok {
		return sign
	}
	return code
}

// FormatMoney writes an amount with its currency: €1,234.50, Rp 1.406.482. It
// shows the digits of the currency's document unit, and more where the amount
// has more: round first where a rounded figure is wanted.
func (l Locale) FormatMoney(a money.Amount) string {
	if l.Plain {
		return l.FormatFigure(a) + " " + a.Currency().Code()
	}
	m, sign := l.marks(), l.Symbol(a.Currency())
	figure := l.FormatFigure(a)
	if m.symbolLast {
		return figure + nbsp + sign
	}
	if last, _ := utf8.DecodeLastRuneInString(sign); m.spaced || unicode.IsLetter(last) {
		sign += nbsp
	}
	if rest, negative := strings.CutPrefix(figure, minus); negative {
		return minus + sign + rest
	}
	return sign + figure
}

// FormatFigure is FormatMoney without the currency, for columns whose heading names it.
func (l Locale) FormatFigure(a money.Amount) string {
	if l.Plain {
		return a.Decimal().Fixed(max(a.Currency().DocumentDigits(), a.Decimal().Digits()))
	}
	return l.marks().number(a.Decimal().String(), int(a.Currency().DocumentDigits()))
}
