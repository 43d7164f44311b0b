// Package payment takes money, says what it pays for, and gives it back.
//
// It owns payment intents, the inbox of provider webhooks, payments, their
// allocation to open items, and refunds. It does not own what is owed (bill
// makes open items), prepaid balances (balance), dunning (collection) or how a
// provider is spoken to (CardProvider, made in infra).
//
// A card payment is an intent until the provider says that it succeeded. Bank
// and cash payments are recorded as they are taken.
//
//	created ──> processing ──> succeeded
//	   │ │          │ │            ^
//	   │ │          │ └─> failed ──┤ another card on the same page
//	   │ └──────────┼────> │ ──────┘
//	   └────────────┴──────┴────> canceled
//
//	refund: requested ──> succeeded ──> failed (sent back by the bank)
//	            └─────────────────────────^
//
//	webhook: received ──> done | parked ──> done     (ignored at once if not ours)
//
// A payment goes to the bill it names, then to the oldest due; what is left is
// unapplied: the account's credit, used when the next open item appears. A
// refund takes the unapplied part first, then the latest allocations, whose
// open items reopen with their due dates. A bill is paid when nothing of its
// open item is open.
//
// Rows are locked in this order: webhook, account, intent, bucket, open items
// by id. Everything about an account's money holds its row, so that two
// payments can't take the same open amount.
//
// Always true:
//   - A payment's amount is its allocations, its unapplied part and what was
//     refunded, together. A top-up has neither of the first two.
//   - An account's receivable is the sum of its open items, its credit the sum
//     of its payments' unapplied parts.
//   - A succeeded intent has exactly one payment, however often and in whatever
//     order its webhooks come. What does not fit is parked for a person.
//   - Keys are stored before the provider is called, and no call is made
//     inside a transaction.
//   - A command repeated under its id or key changes nothing.
package payment
