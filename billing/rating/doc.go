// Package rating prices usage under a tariff.
//
// It owns compiled tariffs, the price of an event, which buckets pay for it
// and the explanation of both. It does no I/O and keeps no state. It does not
// own offerings (catalog), buckets' values (balance), or tax.
//
// Always true:
//   - Arithmetic is exact; an event's total is rounded once, by the rule the
//     offering names.
//   - A session is one event: the prices of its pieces sum to the price of
//     the whole, however it is cut.
//   - A long event costs no more work than a short one, but for each change
//     of window it crosses.
//   - What cannot be priced is an *Error with a reason, never free and never
//     a panic.
//   - Debits of money and Unpaid sum to Price; what unit buckets cover and
//     what is priced sum to Billed.
//
// How an event is priced:
//
//	prefix → window → whole steps → unit buckets cover the first of them
//	→ the rest at its price, by position and tier → connect fee
//	→ minimum, cap → rounding → less what the session has paid → money buckets
package rating
