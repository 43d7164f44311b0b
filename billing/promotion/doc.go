// Package promotion gives customers something off or on top, by rules that a
// marketer writes as data.
//
// It owns promotions and their versions, the conditions they ask (in CEL, over
// facts of the account, the subscription, its usage and its payments), promo
// codes, referrals, budgets and what was given to whom. It does not own how a
// discount is taken off a fee (charging, bill) nor buckets (balance): a
// promotion acts through these, as a discount of a subscription or as a bucket
// of origin promotion, so what it gives is on bills and in the ledger like
// everything else.
//
// When a promotion is looked at (its occasion):
//
//	activation  a subscription begins
//	cycle       a cycle of the account begins; it holds for as long as it is deserved
//	birthday    the local date is the party's birthday
//	loyalty     a subscription has lasted for a number of months
//	top_up      bought money has arrived
//	code        somebody names a promo code
//	referral    a subscription begins whose owner was sent by another customer
//
// Stacking is explicit: promotions of one occasion are tried in their order, a
// group gives at most one of its promotions to a subscription at a time, and
// one that stands alone is not given beside others.
//
// A version's states:
//
//	draft ──Publish──> published ──End──> ended
//
// Always true:
//   - An occasion gives a promotion at most once, however often it is worked.
//   - No more is given than the limits and the budget say, whoever asks at once.
//   - A published version never changes; what was given stays given when it ends.
//   - A condition costs no more than its limit and reads facts of one customer.
package promotion
