// Package move brings stacks from one host database to another while they run.
//
// It owns the book of moves: their states, steps, pauses, and what staff decide.
// It does not own how rows travel (Ends: PostgreSQL's logical replication), nor
// where a stack stands (provisioning), which it changes in one transaction with
// its own state: that is the switch.
//
//	asked ──> copying ──> following ──> switching ──> switched ──> moved ──confirm──> clearing ──> done
//	  │          │            │  ▲          │                        │
//	  └──────────┴────────────┘  └──────────┘ pause too long,        └──back──> returning ──> reverting ──> returned
//	             │                            rows differ                          │
//	           cancel ──> cancelling ──> cancelled                                 └─ pause too long ──> moved
//
// In switching and returning nobody may write: the stack is read-only, charging
// answers that it is to be asked again. What was written before is waited for,
// both ends are compared, and the new end is told to remember its changes before
// it is opened. From moved on the former end follows the new one, so that going
// back loses no row; a confirmation ends that.
//
// Always true:
//   - A stack can be written in at most one place. The right to write is taken
//     from its role in the one database before it is found in the other.
//   - The placement epoch grows with each switch; an older one is refused.
//   - A pause that can't end within its limit is given up, and the stack goes on
//     where it was. Its length is measured and kept.
//   - Whoever is killed in the middle simply does not come back: the lease runs
//     out, and each step finds what an earlier attempt left.
package move
