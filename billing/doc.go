// Package billing composes one tenant's stack out of its parts and runs what
// falls due in it.
//
// It owns the host (what all stacks of a process share), the stack (one
// tenant's door to its parts), the dispatcher of the agenda, the daily sweep of
// stored answers, the sandbox clock and the few operations that span packages
// or leave a transaction. It does not own any rule of a part, nor placement,
// nor HTTP.
//
// Always true:
//   - A stack speaks for one tenant; nothing here spans two.
//   - No call to the outside is made inside a transaction.
//   - Work is bounded: an item is worked chunk by chunk, and may be killed
//     between any two.
package billing
