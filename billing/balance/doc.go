// Package balance keeps what a customer has to use: buckets of money, seconds,
// bytes or events.
//
// It owns buckets and how they are created, granted, topped up, adjusted and
// ended. It does not own what a use takes from them (charging) nor a bucket's
// value, which is the ledger's running total and moved by posting there.
//
// Origins of a bucket:
//
//	main       a prepaid account's own money; never ends, one per account and
//	           currency; below zero when usage that has already happened cost more
//	bought     money or units bought for a time; what is left becomes breakage
//	allowance  what a subscription includes per cycle
//	promotion  given for nothing; what is left goes back to promotions
//
// A bucket is used for what happened from valid_from up to expires_at. An
// allowance is taken back LateUsage after that, because the files of a cycle's
// last hours arrive when the cycle is over; money, and what rolls over, ends at
// the instant itself. What an end took out of a bucket stands in it as expired:
// use of a time when it was valid takes that back, however late it arrives
// (TakeBack), by an entry that reverses so much of the expiry.
//
// What rolls over goes to a bucket of its own, as old as the one that it was
// left in, which lasts some periods longer and does not roll again.
//
// A sharing group is an owner's account and its members. They use the owner's
// shared buckets, each within its limits; the charges stay their own. What they
// have used is counted per cycle of the owner.
//
// An adjustment beyond what a person may do can be asked of a second one:
//
//	waiting ─┬─> approved    carried out, within the second person's limit
//	         ├─> refused     with a reason
//	         └─> withdrawn   by whoever asked
//
// Always true:
//   - Nobody decides on what they asked for, but to take it back.
//   - A value changes by a posting only, in the same transaction.
//   - Repeating a command under the same id changes nothing.
//   - Buckets are consumed by priority (1 first), earliest expiry, oldest.
//   - Rows are locked in id order, after their accounts.
package balance
