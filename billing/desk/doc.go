// Package desk is what the people who serve subscribers work with: finding
// somebody, everything that happened to an account in one stream, notes, and
// changes of plan.
//
// It owns notes and the rules of a change of plan. It does not own what it
// reads: accounts and their changes (account), bills (bill), payments
// (payment), messages (notice) and what people did (audit) have one home each,
// and the stream is read from there; nothing is written twice.
//
// A change of plan begins where a cycle of the account begins and all that was
// paid for has run out. The job that closes the cycle carries it out first, so
// the old plan is charged to that day and the new one from it.
//
// Always true:
//   - A subscription has at most one change to come, and it is carried out
//     once, however often the job runs.
//   - A plan may be changed to what could be sold to the same subscriber: the
//     gate of onboarding judges it by the same list.
//   - A page of the stream or of a search is bounded, and where it ends the
//     next one begins.
package desk
