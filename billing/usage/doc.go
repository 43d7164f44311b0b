// Package usage brings what subscribers used into one normal form, once.
//
// It owns sources and their mappings, usage files and how far they are read,
// the keys that say "once only", the stored usage records, the counters of
// RADIUS sessions, and suspense: what could not be priced and waits. It does
// not own who an identity belongs to (account), what usage costs (rating) or
// what is taken for it (charging).
//
// Words: a source is a producer with a declared mapping; a record is one use
// in normal form; an item is what a reader found at one place of a file: a
// record, a problem, or a line left out by a declared filter.
//
// The way of one chunk, in one transaction:
//
//	Mapping.Read -> Gate.Accept -> ApplyCounters -> (rate, post) -> Store
//	      |              |                              |
//	      +--------------+---------- Suspend <----------+
//
// Whatever Accept lets through (accepted or overlapping) has its key taken: if it
// is held later, it is held Keyed and never goes through the gate again. A record
// that came with a problem about its time goes through the gate too, so that a
// replay of old files is a repeat and not news; only then it is held.
//
// A suspended item:
//
//	waiting --Fix--> waiting --Take, MarkResolved--> resolved
//	   |                 \----Take, KeepWaiting----> waiting
//	   +--Discard--> discarded
//
// A file:
//
//	received --Start--> running --Finish--> done
//	                       \-----Fail-----> failed --Start--> running
//
// Always true:
//   - A key of a source is accepted once, for ever; the same body again is a
//     duplicate, another body under it a conflict that changes nothing.
//   - A line is never guessed and never dropped: it is a record, it was left
//     out by a declared filter, or it is in suspense with its reason.
//   - One bad line costs one line; memory does not grow with the file.
//   - A session's usage is its highest counter, whatever the order and however
//     often its records arrive.
package usage
