package charging

import (
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// request is one thing asked of Online. Its maker sets the first group; a batch
// sets the second anew at each attempt, as an attempt may be undone.
type request struct {
	kind    kind
	source  uuid.UUID      // of its uses
	records []usage.Record // what was used: each finds its service, account and tariff
	once    bool           // the key of the first record is taken, and a repeat gets the stored answer
	ask     any            // what else its kind wants to know
	account uuid.UUID      // whom it concerns if it has no records

	uses   []*use // one a record, with holder, payer and tariff where there are such
	payer  *payer // of the first use that has one, or of the account; nil: nobody
	claim  int    // once: number of its key
	answer any    // its kind's
	err    error  // a refusal, or why there is no answer

	spot     spotID
	plain    bool      // may be charged from memory; its spot is its account then
	asked    time.Time // wall time
	promised bool      // within what its tenant is guaranteed
	done     chan struct{}
}

// kind is how requests of one kind are worked. All of one kind in a batch are
// read and written by statements whose number does not grow with theirs.
type kind interface {
	// read queues what requests need to know beside accounts, buckets, tariffs
	// and keys. It goes out behind the locks of accounts and buckets.
	read(b *batch, of []*request) error
	// settle decides one request, in the order of arrival, with what others of
	// the batch have left: it books on b.till, sets the answer and returns nil; or
	// it returns a refusal and has changed nothing.
	settle(b *batch, r *request) error
	// write queues rows of the kind's own, for requests that were settled. What
	// stands on the till and in b.stored is queued by the batch.
	write(b *batch, of []*request) error
	// repeat queues reading the stored answers of requests whose keys were taken
	// in an earlier transaction.
	repeat(f *tenant.Flow, k *known, of []*request) error
	// again is an answer as a repeat gets it.
	again(answer any) any
}
