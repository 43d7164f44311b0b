// Package account keeps who an operator is and whom it serves.
//
// It owns the operator's profile, parties, billing accounts with their cycles,
// subscriptions, services and the identities by which the network names a
// service. It does not own what an account owes or has (ledger, balance: the running
// totals read here are theirs), what an offering costs (catalog), nor whether
// enough is known to connect somebody (onboarding).
//
// A billing account is active until it is closed:
//
//	active ──Close──> closed
//
// A subscription, and each of its services with it:
//
//	            Activate           Suspend
//	pending ───────────────> active ──────> suspended
//	                         │  ▲              │ │
//	                         │  └────Resume────┘ │
//	                         └──Terminate──┬─────┘
//	                                       ▼
//	                                  terminated
//
// Always true:
//   - An identity (a number, a login, a card) belongs to at most one service at
//     any instant; releasing and taking it again leaves no gap and no overlap.
//   - An account's cycles follow one another without gap or overlap, and come
//     from its original anchor, never from the last bound.
//   - A state moves only along the arrows above.
//   - Whoever changes subscriptions, services or identities raises the account
//     epoch in the same transaction, so caches never outlive the truth.
package account
