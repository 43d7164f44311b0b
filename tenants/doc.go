// Package tenants keeps our customers, the operators, and the people of the
// house who serve them.
//
// It owns the control plane's database and its transactions, the registry of
// operators with how they stand, hosting staff with their sign-in, second
// factors, tokens and permissions, break-glass and the book of visits, stored
// answers of commands, and the audit of the control plane. It does not own
// stacks (provisioning makes them, and is asked through Stacks), nor anything
// inside a stack (billing): an operator's own users live there.
//
// A staff user:
//
//	active <──ChangeStaff──> disabled
//
// An operator:
//
//	active <──Suspend, Resume──> suspended      closed: where a contract ends
//
// A break-glass:
//
//	asked ──> approved, refused (by somebody else) or withdrawn; once, within 15 minutes
//
// Always true:
//   - Nobody approves what they asked for, and an approval is good for an hour.
//   - An operator is taken on together with the request for its stack, or not
//     at all; its id, name and being a sandbox never change.
//   - Every change has an audit row in its own transaction.
//   - A first password is told once. It is kept as a hash only, and in the
//     command's stored answer, which is sealed and forgotten after 30 days.
//   - An attempt to sign in is counted before the password is looked at; a
//     wrong name, a wrong password, a lock and a disabled user look the same.
//   - Rights come from the staff user's row, never from the token.
//   - There is always an active admin, once there was one.
//   - The control plane has wall time only.
package tenants
