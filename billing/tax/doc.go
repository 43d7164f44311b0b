// Package tax says which rate a category has on a day and totals a document.
//
// It owns tax categories, rates with their validity, document totals, and the
// order in which discounts, tax and money already paid meet. It does not own
// what is sold in which category (catalog) or the documents (bill). A rate is
// in per cent; "document unit" is the smallest amount a document shows (EUR
// 0.01, IDR 1), given as its number of digits.
//
// Always true:
//   - Tax is rounded once per rate and document, never per line, as EN 16931
//     BR-CO-17 wants it; the lines' parts then sum to it exactly.
//   - Where prices include tax, net is rounded and tax is gross less net, so
//     that what was promised is what is paid.
//   - Discounts come off the price as it is written, before tax; credits and
//     prepaid money come off the total, after tax.
package tax
