// Package enrol takes in the machines that work for one operator alone, and
// hears what they say of themselves.
//
// It owns invitations to enrol, machines with their keys, the host database
// that an operator has to itself (slot, epoch, its own master key), what a
// machine is told and what it reports. It does not own where machines come
// from (fleet, a cloud, a person with a screwdriver), what is said on the wire
// (machine), or the hardware they run on (hardware).
//
// An invitation, told once and kept as a hash:
//
//	open ──the last machine came──> used
//	 ├────Withdraw─────────────────> withdrawn
//	 └────came for another operator or purpose──> burnt
//
// A machine:
//
//	(an invitation) ──Enrol──> enrolled ──Revoke, or replaced──> revoked
//
// Always true:
//   - An invitation takes in as many machines as it was made for, each once,
//     before its time ends, for its operator and its role. Whoever comes
//     otherwise is refused, and an alarm is raised.
//   - A machine that lost our answer gets the same one again: it is known by
//     its key.
//   - A machine gets the key of its own host and nothing that opens another
//     operator's secret, sealed so that it alone can read it.
//   - An operator has at most one enrolled host. A new one takes the place of
//     the one before at the next epoch, and the one before is shut out.
//   - A request is heard once, and only near the time at which it was signed.
package enrol
