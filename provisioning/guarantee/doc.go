// Package guarantee keeps what of online charging is each operator's: a weight
// against its neighbours, and N charges a second at p99 <= X.
//
// It owns what was promised, whether a host database can hold it beside what it
// has promised already, that the host obeys it, and what became of it. It does
// not own how it is held (billing/charging), nor what it costs (contracts).
//
//	Set ──admission──> guarantee ──Keeper carries──> host database's share
//	                       ▲                              │ obeyed by processes
//	                       └──── Keeper measures ◄── attained, every ten seconds
//
// What a host database carries is a setting of staff, beside which stands the
// most that its processes have been seen to charge. Four fifths of it can be
// promised: the rest is everybody's.
//
// Always true:
//   - The guarantees of a host database, with those on their way to it, are at
//     most four fifths of what it carries when one is given or moved there.
//   - Host databases obey their own rows and ask nobody; an older change that
//     comes late changes nothing.
//   - A stack that has been moved has its guarantee at its new host within
//     seconds.
package guarantee
