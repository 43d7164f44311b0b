// Package access says what a service may do on the network right now, and why.
//
// It owns the levels, what holds a service back (holds), and what the network
// is to do about it (intents). It does not own why somebody holds a service:
// unpaid bills (collection), a threshold (alert), a clerk (desk) put their holds
// here. Nor does it speak to the network: whoever does, takes intents (Network)
// and says whether it was done.
//
// A level is derived, never stored as such:
//
//	cut      the account is closed, the subscription is suspended or over, a
//	         hold says so
//	walled   nothing but the operator's own pages: a prepaid account has nothing
//	         left to use, of its own or of its sharing group; a hold says so
//	slowed   a hold says so
//	allowed  otherwise
//
// The strongest reason gives the level; all of them are named. Where the level
// of a service differs from the last intent, the next generation is recorded:
//
//	pending ──Tried, without error──> confirmed
//	   │  └──Tried, with one──> pending (attempts + 1, tried again)
//	   └──a newer generation──> overtaken
//
// Always true:
//   - Of tells the level that holds now, whether or not the network knows; an
//     intent that is not confirmed is shown as pending, never as done.
//   - Only a Network's own word confirms an intent. A sandbox's is a recorder,
//     and is named so.
//   - Generations of a service have no gap; at most one is pending, the newest.
//   - A subscription that somebody suspended resumes when the last hold that
//     suspends it has ended.
//   - The account is locked while its holds or intents change.
package access
