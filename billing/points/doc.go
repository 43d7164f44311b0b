// Package points keeps bonus points: earned by what a subscriber uses, tops up
// and pays, and burnt for balance, units or an option.
//
// It owns the operator's rules, what an account has earned by them, and
// burning. It does not own buckets (balance: an account's points lie in
// buckets of the unit point, one for each month in which they expire) nor what
// is charged or paid (charging, payment).
//
// What use has earned is reckoned once a day and account: all that a cycle's
// use has cost so far, times the rate, rounded down, less what was given for it
// before. So parts of a point are never lost within a cycle, and nothing is
// earned twice.
//
// Always true:
//   - Points earned are issued, points burnt or expired are taken back: the
//     ledger's points are the sum of the buckets'.
//   - A top-up, a bill paid and a cycle earn once, however often they are told.
//   - Burning takes what expires first, and never more than there is.
package points
