// Package insight tells how the business goes: revenue by month, who is a
// subscriber, who owes, what is sold and what waits for a person.
//
// It owns the daily sums of revenue (insight_revenue) and the questions that
// span several parts of a stack. It does not own any fact: the ledger, the
// accounts, the bills and suspense do, and every figure here is a sum of what a
// list of theirs shows.
//
// Revenue is what the ledger credits to revenue, less what it takes back, on
// the local day for which it counts. A fee paid in advance is revenue when it
// is earned, so revenue is not what was billed nor what was paid.
//
// Always true:
//   - A figure is the sum of its list, on one snapshot.
//   - Summing up never counts a transfer twice nor leaves one out: what is not
//     summed up yet is added while reading.
package insight
