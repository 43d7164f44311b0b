// Package enrolment is a machine's side of its enrolment: it applies with an
// invitation, keeps what it was given, reports, and does as it is told.
//
// It owns the folder in which a machine keeps its identity and configuration,
// the requests to the control plane, what is measured on the machine, and the
// change to another version of the program. What is said on the wire is package
// machine's.
//
// The control plane may be gone for as long as it likes: the machine goes on by
// the configuration that it has.
//
// Always true:
//   - Private keys are written before the control plane hears of their public
//     halves: a machine that is killed in between still has them.
//   - A configuration that cannot be opened or written down is not worked by.
//   - A program runs only if its digest is the one that was asked for.
//   - The token is forgotten as soon as it was used.
package enrolment
