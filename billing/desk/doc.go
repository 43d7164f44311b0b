// Package desk is what the people who serve subscribers work with: finding
// somebody, everything that happened to an account in one stream, notes, and
// changes of plan.
//
// It owns notes and the rules of a change of plan. It does not own what it
// reads: accounts and their changes (account), bills (bill), payments
// (payment), messages (notice) and what people did (audit) have one home each,
// and the stream is read from there; nothing is written twice.
//
// A change of plan begins where all that was paid for has run out, today, or on
// a day: what the old plan asked beyond it is given back, the new one costs its
// share (bill.Adjust). On the day that ends a cycle the job that closes it
// carries changes out first, so the old plan is charged to that day and the new
// one from it.
//
// Always true:
//   - A subscription has at most one change to come, and it is carried out
//     once, however often the job runs.
//   - A plan may be changed to what could be sold to the same subscriber: the
//     gate of onboarding judges it by the same list.
//   - A page of the stream or of a search is bounded, and where it ends the
//     next one begins.
package desk
