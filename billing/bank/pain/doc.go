// Package pain writes and reads the files by which direct debits are ordered
// from a bank: pain.008 (collection) and pain.002 (what became of it).
//
// It owns the form of these files and the days on which money moves (TARGET).
// It does not own what is collected, or what follows from an answer (debit).
//
// Always true:
//   - A file's totals are those of its debits.
//   - Texts hold only what every SEPA bank takes; others are put in its place.
package pain
