// Package backup keeps what operators have with us safe, and lets them have it.
//
// It owns the book of take-outs (all of one operator in open files), of backups
// and of the drills that prove them, when each is due, and what staff are told
// when one is old or failed. It does not own how a backup is made (an Archive:
// pgBackRest), how files are written (a cloud's stacks), nor deletion
// (provisioning), which waits for a final take-out.
//
//	take-out: working ──> done
//	             └──> failed (reason); another may be asked for
//
// A stack on machines of its own is taken out by its host, which delivers the
// file in parts. Once all parts are here they are put together, held against
// what the host said of the whole and against the take-out's own manifest.
//
//	run: asked ──claim──> running ──> done
//	                         └──> failed (reason)
//
// Always true:
//   - A take-out or run that nobody works on any more is found out by its last
//     touch, and fails with that as its reason.
//   - A file is sealed before it reaches the disk, and named only once it is whole.
//   - A drill restores from the archive and the escrowed key alone; what it has
//     restored is held against the ledger's control sums and the audit chain.
package backup
