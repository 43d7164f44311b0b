// Package identity says who is speaking to a stack and what they may do.
//
// It owns users, their passwords and sign-in sessions, the stack's own signing
// keys and tokens, API keys, and the table of roles and permissions. It does
// not own which permission an operation needs (api declares it), whom an
// account belongs to (account), or hosting staff (tenants, which uses this
// package's passwords and token signers with an issuer of its own).
//
// A sign-in session is open until it ends or expires; a signing key signs until
// it is retired, and then only verifies what it has signed:
//
//	session: open ──EndSession, SetPassword, Disable──> ended
//	key:     signing ──RotateSigningKey──> verifying ──1 h──> dead
//	user:    active <──Enable/Disable──> disabled
//
// Always true:
//   - All times here are wall time, also in a sandbox.
//   - A token is EdDSA, names its stack as issuer and audience, lives at most
//     an hour and dies with its session; rights come from the user's row, never
//     from the token.
//   - An attempt to sign in is counted before the password is looked at, so
//     attempts at the same time cannot outrun the limit; a wrong name, a wrong
//     password, a lock and a disabled user look the same and cost the same.
//   - A lock lasts at most a minute and is never extended by attempts made
//     during it, so nobody can be kept out by somebody else's guesses for long.
//   - Passwords are kept as Argon2id, API keys as a hash of their 32 random
//     bytes, private keys sealed. None is ever logged.
package identity
