// Package takings signs what an operator collected, day by day.
//
// It owns daily statements: per currency what came in on a day less what went
// back, and the same since the beginning, signed with the stack's own key
// together with the head of its chain of seals. It does not own the money
// (ledger, payment), nor what becomes of a statement: a contract that shares
// revenue reads it in the control plane, and a stack needs no control plane to
// sign.
//
// Collected is money that came from outside or went back there: payments,
// top-ups and vouchers when they were sold, by whatever way, less refunds,
// returned debits and what payers' banks took back (given back where a dispute
// is won). Not collected is what only changes its place (between accounts,
// from a drawer to the bank, from a provider to the bank), corrections by hand,
// goodwill, fees of banks, tax that buyers kept back, and what was taken over
// from another billing system.
//
// Always true:
//   - A day is signed once, after it can't change any more by what ran in it:
//     the caller has seen all its transactions end. A signed day never changes.
//   - Days follow each other without gaps, from the first of the month in which
//     the stack was set up.
//   - The cumulative figure of a day is that of the day before and what was
//     collected on it. What is booked later onto a day that is signed already
//     counts for the next day that is not.
package takings
