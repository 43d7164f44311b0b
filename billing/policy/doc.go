// Package policy keeps what an operator has laid down about balances: one
// document a kind, changed as a whole.
//
// It owns the documents' storage and that charging hears of a change. It does
// not own what stands in a document: each kind's package reads and checks its
// own (balance, transfer, points, alert).
//
// Always true:
//   - A kind has one document, or none: then nothing is asked for and nothing
//     follows by itself.
//   - Whoever changes a document raises the catalog's epoch in the same
//     transaction, so that no process charges by an old one.
package policy
