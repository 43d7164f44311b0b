// Package sandbox keeps an operator's wish for a copy of its own stack, in
// which tariffs can be tried and shown without touching anybody.
//
// It owns the wish and how far it is. It does not own the copying: a stack
// cannot make another, so provisioning fetches the wish, copies, and reports
// here. Without a control plane the wish simply waits.
//
//	asked ──report──> running ──report──> done
//	                          ──report──> failed (with a reason)
//
// Always true:
//   - There is at most one wish at a time; a copy replaces the one before.
//   - A copy of a copy is refused: the original is still there to be copied.
package sandbox
