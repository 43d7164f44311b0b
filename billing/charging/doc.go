// Package charging turns usage and fees into charges: once, at the right
// price, paid by the right balance.
//
// It owns charges, the way of a chunk of usage through one transaction, online
// debits, fees of prepaid subscriptions and the granting of a cycle's
// allowances. It does not own the normal form of usage and its keys (usage),
// prices (rating, catalog), buckets (balance) or postings (ledger); it joins
// them.
//
// The way of a chunk:
//
//	accept keys -> counters to amounts -> find subscribers -> lock accounts,
//	then buckets -> begin cycles that nobody has begun yet -> rate in order of event time -> write usage, charges,
//	transfers, running totals -> suspend what has no price
//
// Always true:
//   - A chunk is one transaction: keys, usage, charges and money stand or fall
//     together, and with them how far its file is read.
//   - A charge is never changed.
//   - The cycle, its tiers, its buckets and the tax of a use go by its end. A
//     cycle's allowances are there before its first use is priced, and a
//     prepaid account that can pay has been renewed.
//   - One record that cannot be handled costs itself only: the chunk is halved
//     until it is alone, and it waits in suspense.
//   - A prepaid account pays from its buckets what happened already, its main
//     bucket below zero if need be; an online debit is refused instead.
//   - Nothing takes part in a chunk by a statement of its own: the number of
//     statements does not grow with the number of records.
package charging
