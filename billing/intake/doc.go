// Package intake takes over an operator's subscribers from another billing
// system, from CSV files.
//
// It owns import batches: their files, what checking them finds, their control
// totals, and which accounts came with them. It does not own what it makes:
// accounts, subscriptions and services (account, onboarding), balances
// (balance), open items and payment methods (payment), old documents and
// number series (bill), users (identity). Each of those writes and takes back
// its own rows; intake only reads them to compare.
//
// A batch:
//
//	         Check            Commit             last chunk
//	draft ─────────▶ checked ────────▶ committing ─────────▶ committed
//	 ▲ ▲               │                    │                    │
//	 │ └────Upload─────┘                    │ a chunk is refused │ Undo
//	 └───────────────────◀──────────────────┘                    ▼
//	 └──────────────────────────Upload─────────────────────── undone
//
// A commit goes chunk by chunk: subscriptions wait as pending, with their
// numbers and logins taken, until the last transaction lets all of them live
// at once. A chunk that is refused (somebody took a number meanwhile) takes
// everything back.
//
// Always true:
//   - Nothing of a batch lives before all of it does, and each line counts
//     once, wherever the process was killed.
//   - A service becomes active only if the gate of activation lets it through;
//     one that lacks facts is an error or, if asked for, an order for the desk.
//   - What customers had and owed stands in the ledger as postings of the event
//     import; undoing posts their reverse, so control sums hold throughout.
//   - Undoing is refused once anything has happened to one of the accounts.
//   - Files are sealed: they carry credentials.
package intake
