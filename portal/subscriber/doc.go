// Package subscriber is the subscriber's page: what I owe, what I have left,
// what I used and why it cost that, my statement and my bills.
//
// It owns what the page says and in which order. It does not own any rule: what
// is owed, left, used and billed is asked of billing; nor sessions and forms
// (web), nor the look (ui).
//
// Always true:
//   - A subscriber sees its own account only; another's things are not there.
//   - A page is one snapshot: its figures belong together.
//   - Everything works without JavaScript; with it, parts change in place.
package subscriber
