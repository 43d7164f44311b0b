// Package agenda holds what falls due in a tenant's business time.
//
// It owns the agenda's rows: the durable cause of every job, from which a job
// can be made again after a crash, a move or a restore. It does not own the
// queue that runs jobs (infra/jobs) nor what a kind does (package billing).
//
//	due ──done──> done
//	 │ └─fails─> due (attempts + 1, worked again)
//	 │
//	 ├──too often──> failed ──retry──> due
//	 └──cancel──> cancelled
//
// Always true:
//   - A kind, a reference and an instant stand in the agenda once.
//   - Adding wakes the host's dispatcher in the same transaction.
//   - Within a lane work is done in order of its due time.
package agenda
