// Package promote is the console's pages of promotions: what customers get off
// or on top, the codes for it, and what was given.
//
// It owns the pages and the form that a marketer fills in. It does not own what
// a promotion is, when it is given and what it must not be (billing/promotion).
package promote
