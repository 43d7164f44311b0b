// Package migration moves what was sold under old versions of an offering to a
// newer one, on a planned day, after telling the subscribers.
//
// It owns planned migrations and what became of each subscription in them. It
// does not own the change itself: that is a change of plan (account, desk), on
// the first cycle that begins on the day or after it.
//
//	planned ──everyone is told──> told ──the day is near──> running ──> done
//	   └───────────Cancel──────────┴──> cancelled
//
// Always true:
//   - A subscriber is told once, as many days before as was planned, and may opt
//     out until the migration runs.
//   - A subscription that cannot change (a service or a fact is missing, another
//     change is scheduled) is skipped with its reason; the rest goes on.
//   - The parts of a bundle follow it: those of the new version become what is on
//     sale, at its discount; others end, and what it has besides is ordered.
//   - Every step is a bounded portion that may be killed and run again.
package migration
