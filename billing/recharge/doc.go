// Package recharge tops balances up by themselves: when one falls below a
// value, or on a day of each month, from a card that the subscriber let the
// provider keep.
//
// It owns who wants that and how (one order an account) and how far an attempt
// is. It does not own stored cards, intents and what a success books (payment)
// nor the call to the provider (payment.Till), which stands between two of its
// transactions.
//
//	active ──Stop (MaxFailures refusals)──> stopped ──Set──> active
//	   └──Off──> off ──Set──> active
//
// What has a balance topped up is written where it falls below the value, in
// the same transaction, as an agenda item; an attempt is worked from there:
//
//	Begin: lock, see that it is still wanted, store the intent
//	the provider is asked, under the intent's key
//	the answer is applied as a webhook would be; Finish: count a refusal
//
// Always true:
//   - An account has at most one attempt under way, however often its balance
//     falls; cut off, it goes on under the same key.
//   - What is charged in a day is at most the day's limit.
//   - After MaxFailures refusals in a row nothing is tried any more, and the
//     subscriber is told.
package recharge
