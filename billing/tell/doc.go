// Package tell writes to a subscriber about its account: by mail, or by SMS
// where there is no address, in its own language and the operator's name.
//
// It owns how such a message is addressed, greeted and signed. It does not own
// what is said (the package that tells does) nor how messages leave (notice).
//
// Always true:
//   - A message is stored in the transaction of what it tells of.
//   - Whoever has neither address nor number is told nothing; pages still show it.
package tell
