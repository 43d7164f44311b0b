// Package reconcile holds what banks and providers tell against our books.
//
// It owns bank statements with their entries, what each entry was matched with,
// and providers' payouts. It does not own how files look (bank/statement),
// payments (payment) or direct debits (debit).
//
//	entry: unclear ──rule or person──> matched | not_ours | ignored
//	          ^──────────undone──────────────┘
//
// An entry is matched by what it names: a bill's or account's number, a
// structured reference, a debit of ours; then by a payer who is remembered, by
// amount and name. How sure that is stands beside it as a score. What is sure
// enough is booked; the rest waits for a person with suggestions.
//
// A payout of a provider lowers what it keeps for us by what it sent and by its
// fees; the bank's entry clears it.
//
// Always true:
//   - A statement is read once by account and name, an entry once by account and
//     reference: the same file again changes nothing.
//   - What was made of an entry sums to its amount.
//   - An entry that is undone leaves the books as they were before it.
package reconcile
