// Package debit collects by SEPA direct debit: mandates, files for the bank, and
// what comes back.
//
// It owns mandates' life, collection runs and their debits. It does not own
// stored methods' storage nor the money (payment), how files look (bank/pain),
// or how statements are read (reconcile).
//
// A mandate is a stored method of payment with its account number sealed. It
// lapses 36 months after its last debit.
//
//	run:   made ──file sent──> sent ──all answered──> done
//	         └──> cancelled
//
//	debit: pending ──statement──> collected ──> returned
//	         ├──pain.002──> rejected
//	         └──> cancelled
//
// While a debit is pending the account is not collected from again and nobody
// is cut off (payment.PendingDebits). A statement's credit makes it a payment; a
// return takes back exactly what that paid.
//
// Always true:
//   - An account has at most one pending debit.
//   - What is collected is what is open and due on the day, named item by item.
//   - Money moves on TARGET days; a payer is told the days before that the
//     operator has laid down.
package debit
