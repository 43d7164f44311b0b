// Package locale writes money, numbers, dates, bytes and durations the way a
// person reads them, by language and country (CLDR 44 forms).
//
// It owns the symbols, patterns and month names of the supported languages. It
// does not own what is written: rounding to a document unit is money's, and
// the words around a figure belong to whoever prints it.
//
// Always true:
//   - A figure is shown exactly; only FormatBytes shortens, and says so.
//   - Minus is U+2212, and what must not break over a line is joined by U+00A0.
//   - Language decides the words, language and country together the marks: an
//     English page of an Indonesian operator writes Rp 1.406.482.
package locale
