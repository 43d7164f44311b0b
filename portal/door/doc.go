// Package door is how people come in and keep their way in safe: sign-in by
// password or one-time code, the second factor, a forgotten password, and a
// person's own sessions and sign-in history.
//
// It owns these pages, for the subscribers' door and the console's alike: a
// Door says where they stand and who belongs there. It does not own passwords,
// codes, limits and sessions (billing/identity), nor cookies (web).
//
// Always true:
//   - An answer is the same whether there is such a user or not.
//   - Who is not admitted at a door holds no session there.
//   - What ends or weakens a way in is asked of who is signed in, by a form of
//     our own page, and stands in the audit trail.
package door
