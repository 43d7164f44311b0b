// Package standin is a small provider of local ways to pay of one's own: it
// answers the calls of infra/redirect, shows a page on which a payment can be
// made or let go, and posts signed callbacks. A demo, a test or a trial needs no
// account anywhere; no money moves.
//
// It owns payments and refunds, in memory. It does not own accounts: whoever
// runs it registers them.
//
//	pending ──paid on the page──> paid
//	   └──time is over──> expired
//
// Always true:
//   - A request that is not signed by its merchant gets a 401.
//   - The same Idempotency-Key gets the same answer.
//   - A callback is posted until its receiver answers 2xx, for some tries; with
//     Silent set, never: then it has to be asked.
package standin
