// Package contact changes where a user is reached: the e-mail address it signs
// in with, or the telephone number that codes go to.
//
// It owns the wish for another address and the code that shows that its reader
// is the user. It does not own the addresses themselves (identity, account) nor
// how messages leave (notice).
//
// Always true:
//   - Nothing changes before the code that was sent to the new address is
//     shown, within ten minutes and five tries.
//   - The old address is told.
//   - A subscriber's party has the same address afterwards.
package contact
