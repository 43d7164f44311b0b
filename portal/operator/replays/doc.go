// Package replays is the console's pages on usage that is priced once more:
// trials of an offering on real past usage, and corrections of what was charged.
//
// It owns how they are asked for and shown. It does not own what they do
// (billing/replay).
package replays
