// Package readiness says today what would break the next bill run.
//
// It owns the questions and their answers as findings; it mends nothing and
// stores nothing. What it looks at belongs to others: accounts and parties
// (account), offerings (catalog), rates (tax), bills and their previews (bill),
// usage and suspense (usage), the agenda.
//
// Findings come from a fixed number of set-based statements, so that a run of
// 200,000 accounts is looked at within seconds; only a small sample of accounts
// is reckoned up as a preview, by the code of the run itself.
//
// Always true:
//   - A finding says how many things it is about and names some of them.
//   - Looking changes nothing, and may be repeated at any time.
package readiness
