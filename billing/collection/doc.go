// Package collection follows accounts that owe: it reminds them, takes services
// away step by step, and gives them back when what is owed is paid.
//
// It owns the ladders (what is done how many days after a bill was due), the
// cases of accounts that are followed, the steps taken, and what was agreed:
// promises, plans, holds and disputes. It does not own what is owed (bill,
// payment), what a service may do (access), nor the words (notice).
//
// A case is open from the first day on which something is overdue until nothing
// is:
//
//	open ──nothing is overdue──> closed
//
// An arrangement:
//
//	active ─┬─> kept     a promise or plan, paid in time
//	        ├─> broken   a promise or plan, not paid in time: the ladder goes on
//	        └─> ended    by a person, or at its end (hold, dispute)
//
// Each thing that is owed climbs the ladder by its own due date; what the
// account may do follows from the steps taken for what is overdue now. Steps are
// taken by the day's review only, in portions of accounts; a payment, a
// chargeback or an agreement makes the account be reviewed at once, which takes
// no new step but gives access back, or takes it again.
//
// Always true:
//   - No step is taken for what is not overdue, and none twice for the same
//     debt, also when a chargeback reopens it under its old due date.
//   - A step is decided on under the account's lock, by what is open then:
//     a payment before it prevents it, one after it undoes what it did.
//   - A level follows from steps and debts alone: paid means allowed.
//   - A promise, a hold or a debit under way keeps steps back; a disputed bill
//     counts as not overdue.
//   - Every portion may be killed and run again.
package collection
