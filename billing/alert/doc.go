// Package alert watches thresholds: a balance that falls below a value, an
// allowance of which a part is used, money spent within a cycle. Where one is
// crossed, the subscriber is told, slowed down, cut or offered something.
//
// It owns the operator's rules, the crossings and what follows. It does not own
// the values (ledger, charging), messages (notice) or the states of
// subscriptions (account), which it moves.
//
// Charging calls Watch in the transaction that moves the values: crossings are
// found by comparing what was with what is, and written as rows; an agenda item
// does the rest (Act). A crossing:
//
//	counting ──> raised ──notify, offer──> told ──> ended
//	                └─────slow, cut──────> held ──> ended
//
// A held one ends when the subscriber confirms it, when money comes in (a
// balance), or with its cycle.
//
// Always true:
//   - A rule is crossed once for a subject: a bucket and what it was filled
//     with, a subscription's cycle, or a day of an account.
//   - What is rolled back was never crossed. Nothing is sent from a charge.
//   - Where no rule applies, watching costs no query.
package alert
