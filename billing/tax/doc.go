// Package tax says what a category is taxed at on a day for whom, and totals a
// document.
//
// It owns tax categories with their codes of EN 16931, rates with their
// validity, rules of sales over a border, exemptions, withheld tax, the form of
// tax ids, document totals, and the order in which discounts, tax and money
// already paid meet. It does not own what is sold in which category (catalog),
// the documents (bill) or who a customer is (account, which keeps what tax needs
// to know of one that is not ordinary). A rate is in per cent; "document unit"
// is the smallest amount a document shows (EUR 0.01, IDR 1), given as its
// number of digits.
//
// A rate can be several taxes at once (levies), each on the price, on a part of
// it (Factor), or on the price and the taxes before it. They are reckoned as
// exact fractions: 12 % of 11/12 is 11 %, not nearly so.
//
// Always true:
//   - Tax is rounded once per rate and document, as EN 16931 BR-CO-17 wants it,
//     or, where the operator says so, on each line; the lines' parts then sum to
//     it exactly.
//   - Where prices include tax, net is rounded and tax is gross less net, so
//     that what was promised is what is paid. By the strict rule tax is a part of
//     the net, and a rounding amount keeps the promise.
//   - Who is exempt or owes the tax itself pays prices without the tax that they
//     are written with.
//   - Discounts come off the price as it is written, before tax; credits and
//     prepaid money come off the total, after tax.
package tax
