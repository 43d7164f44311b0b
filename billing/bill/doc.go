// Package bill closes a billing account's cycle into one customer bill, or,
// for a prepaid account, into the statement that documents what was paid.
//
// It owns bill runs, bills and statements, the notes that correct them, what
// is voided or written off, deposits, advance bills, instalments, commitments,
// and what late payment costs. It owns their lines, taxes and numbers, the
// open items they begin with, and account statements (what happened between
// two days). It does not own prices (catalog), usage and its charges (usage,
// charging), taking money (payment) or rates of tax (tax). A PDF is made on
// demand from the stored facts by billing/bill/pdf.
//
// A document's states:
//
//	        numbered, posted            cancelled by the issuer
//	draft ───────────────────▶ final ──────────────────────────▶ void
//
// A run closes cycles in one transaction of drafts that end as final, so a
// draft is seen only as a preview, which is never stored. A draft has no
// number; a void document keeps its number.
//
// Always true:
//   - An account and a cycle, or a part of it that was billed on demand, have at
//     most one document, however often a run repeats, and one account's failure
//     keeps no other from being closed.
//   - What bills ask of a recurring fee, with what is given back of it, is what
//     the subscription's days come to, however late it is known (Adjust).
//   - A document has one currency; its total is the sum of its lines' net and
//     tax, in document units.
//   - What the lines' nine decimals and the document units differ by is posted
//     to rounding in the same transaction.
//   - Numbers of a series have no gap and no repeat, and issue dates never go
//     back within it: both are given under the series' row lock, which is
//     taken last and holds no slower work than the document's own rows.
//   - An issued document never changes but from final to void.
//   - Credit notes never come to more than their bill, nor than one of its
//     lines; what a note gives is a payment under its id, so that it is applied,
//     kept as credit and refunded as money is.
//   - A deposit and an advance bill are liabilities until they are given back
//     or deducted.
package bill
