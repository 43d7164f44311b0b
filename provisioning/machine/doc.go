// Package machine is what a server of one operator and the control plane say to
// each other.
//
// It owns a machine's keys, how its requests are signed and checked, and what
// goes to and fro: an application to enrol, a report, a configuration. It does
// no I/O and keeps nothing: the control plane's side is package enrol, the
// machine's own is infra/enrolment.
//
// A machine makes its keys itself; the private halves never leave it. One signs
// (Ed25519), the other opens what is sealed for this machine alone (X25519).
//
// A request is signed over its method, address, machine, time, number and
// body. The number only grows, so a request that is heard once is never taken
// again; the time must be near ours, so that one that was held back is worth
// nothing. A machine whose clock is wrong learns the right time from the
// refusal and goes by it.
//
// Always true:
//   - What is sealed for one machine opens on no other.
//   - A signature counts for one method, address, body, time and number.
package machine
