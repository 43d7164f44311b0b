// Package replay prices usage that has happened once more: to see what another
// tariff would have brought (a trial), and to set right what was charged (a
// re-rating).
//
// It owns trials and re-ratings, their choice, progress and results, and usage
// that was taken back. It does not own prices (rating), how a use finds its
// price and how a correction is booked (charging), nor offerings (catalog).
//
// A trial's states:
//
//	asked ──> running ──> done
//	  │          ├──────> failed
//	  └──────────┴──────> cancelled
//
// A re-rating's:
//
//	asked ──> running ──> ready ──applied with a reason──> applying ──> applied
//	  │          │ └──────> │                                  └──────> failed
//	  └──────────┴──────────┴──> cancelled (failed, from asked and running)
//
// An undoing begins as applying: what it does is known.
//
// Always true:
//   - A trial writes nothing but its own row.
//   - What was seen is what is applied: an account is left alone, and said so,
//     if a fact that its new prices were made from has changed meanwhile.
//   - A portion of accounts is one transaction, and an account is applied once,
//     however often the work is cut off and begun again.
//   - What is undone comes to zero with what it undoes.
//   - Use that cannot be priced is told with its reason, never dropped.
package replay
