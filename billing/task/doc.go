// Package task carries out long work that a person asked for and watches: a
// preview of a whole bill run, a sandbox's clock, a re-run of suspense.
//
// It owns that such work runs once at a time, how far it is and what came of
// it, for as long as the process lives. It does not own the work: that is done
// in portions which commit by themselves, so that a task that was cut off has
// lost nothing and can be asked for again. What must be done whether or not
// somebody asks stands on the agenda.
//
// Always true:
//   - A tenant has at most one task of a name under way.
//   - Stop waits until every task has ended.
package task
