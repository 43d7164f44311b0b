// Package history lists what was used, charged and posted, newest first and by
// pages, for people and programs that look things up.
//
// It owns reading only. It does not own the rows it reads: usage records
// (usage), charges (charging) and transfers (ledger).
//
// Always true:
//   - A page is bounded, and its last row is the place where the next begins.
//   - Rows that are added meanwhile neither repeat nor hide older ones.
package history
