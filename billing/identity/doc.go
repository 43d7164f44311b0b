// Package identity says who is speaking to a stack and what they may do.
//
// It owns users, their passwords, second factors and sign-in sessions, one-time
// codes and links to choose a password, the browsers it knows them by, the
// stack's own signing keys and tokens, API keys, and roles: the table of those
// built in and the operator's own. It does not own which permission an
// operation needs (api declares it), whom an account belongs to (account), how
// a message reaches somebody (notice), visits of hosting staff (visit), or
// hosting staff (tenants, which uses this package's passwords and token
// signers with an issuer of its own).
//
// A sign-in session is open until it ends or expires; a signing key signs until
// it is retired, and then only verifies what it has signed:
//
//	sign-in: password or code ──no second factor──────────────> session
//	         password or code ──> challenge ──app or recovery──> session
//	session: open ──signed out, revoked, password, Disable──> ended
//	key:     signing ──RotateSigningKey, 90 days──> verifying ──1 h──> dead
//	user:    active <──Enable/Disable──> disabled
//	link, code, challenge, recovery code: open ──used, expired, password──> done
//
// Always true:
//   - All times here are wall time, also in a sandbox.
//   - A token is EdDSA, names its stack as issuer and audience, lives at most
//     an hour and dies with its session; rights come from the user's row, never
//     from the token.
//   - Nobody gets a session by the first factor alone who has a second.
//   - An attempt is counted before it is looked at, so attempts at the same time
//     cannot outrun a limit. A wrong name, a wrong password, a lock and a
//     disabled user look the same and cost the same; so do requests to be sent
//     something, whether there is somebody to have it or not.
//   - A code, link, challenge and time step is good once, also when two come
//     with it at the same time.
//   - Strangers cannot keep a user out: a browser that the user has signed in
//     with before has a counter and an allowance of its own (OWASP device
//     cookies), and a flood at one stack keeps no other waiting.
//   - A lock of a password lasts at most a minute and is never extended by
//     attempts made during it.
//   - Nobody gives, changes or takes away more rights than they hold; a role
//     that is not built in and not stored has none; an owner stays.
//   - Passwords are kept as Argon2id, secrets of 32 bytes as a hash, short codes
//     as a keyed hash, private keys and second factors sealed. None is logged.
package identity
