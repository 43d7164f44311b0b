// Package ubl writes a bill or a credit note as an electronic invoice: EN 16931
// in the syntax of UBL 2.1, by the Peppol BIS Billing 3 profile where both
// parties can be addressed there, and by the bare standard else.
//
// It owns the mapping of a document's facts to business terms (BT), the code
// lists that go with it (units, tax categories, schemes of addresses) and a
// checker of the standard's rules. It does not own a single fact (bill) nor how
// tax is reckoned (tax).
//
// How a document maps:
//   - Discounts are allowances of the document (BG-20), levies that are no VAT
//     its charges (BG-21), taxed with VAT where VAT is on them.
//   - A line's price (BT-146) is for its whole quantity (BT-149), so that no
//     price is rounded. What is below zero has a negative quantity.
//   - Where prices include tax, tax is gross less net: 4.79 for three times
//     9.99, inside the official tolerance of BR-CO-17; by the strict rule it is
//     4.78, and a rounding amount (BT-114) of 0.01 keeps what is paid.
//
// Always true:
//   - The same facts give the same bytes, and elements stand in the order of the
//     schema.
//   - No amount but a price has more than two decimals: a bill in KWD that needs
//     the third is refused (BR-DEC).
//   - What breaks a rule of the standard is refused with the rule's name, and
//     never handed out.
package ubl
