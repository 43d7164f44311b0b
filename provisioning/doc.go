// Package provisioning makes each operator's stack what it should be.
//
// It owns the stack as the control plane sees it: its state, its place (host
// database and slot) and when it is tried next, the reconciler that works on
// it, and what goes between it and us: the operator's standing, staff who
// enter, figures, sandbox copies. It does not own who the operator is
// (tenants), how a stack is made (a Cloud: infra/local today), nor anything
// inside it (billing).
//
// A stack comes into being with its operator, in one transaction:
//
//	requested ──claim──> creating ──finish──> ready
//	                      ▲ │  ▲ │
//	             lease    │ │  │ └──fail──> failed (reason, next try)
//	             ran out  └─┘  │               │
//	                           └─────claim─────┘
//
// An attempt is claimed for a lease. Whoever is killed in the middle simply
// does not come back: the lease runs out and the next attempt ensures what is
// not there yet. The attempt's number is the fence: one that comes back too
// late can write nothing.
//
// A standing that changed in the registry is carried until the stack has it;
// the stack obeys its own row and never asks. Stacks do not call us either:
// what they want, such as a sandbox copy, is fetched, and visits are looked
// after until they have ended in both books.
//
//	copy: asked ──claim──> running ──finish──> done
//	                          │ ▲
//	                          └─┴──> failed, after five attempts
//
// Always true:
//   - A copy is found by nobody before its people are unrecognisable; one made
//     again takes the place of the one before, at the next epoch.
//   - A stack that does not answer has a reading that says so, within seconds.
//   - An operator has at most one stack, and a place holds at most one: the
//     place is written here before anything is made there, and never changes
//     while the stack is being made.
//   - A stack that is called ready answers.
//   - A failure is a state with a reason and a next try, never the end.
//   - The owner's first password hash is forgotten as the stack becomes ready.
package provisioning
