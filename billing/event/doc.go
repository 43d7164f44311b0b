// Package event tells programs of others what happens in a stack: webhooks out,
// as Standard Webhooks writes them (https://www.standardwebhooks.com).
//
// It owns events, the endpoints that they go to, their deliveries and the log
// of these. It does not own what happens (whoever changes something records
// it), how a message travels (infra/webhook), or what people are told (notice).
//
// An event is written in the transaction of its change, with a delivery for
// each endpoint that wants its type:
//
//	due ──delivered──> delivered
//	 │ └─fails─> due (later)
//	 └──for three days, or the endpoint is gone──> given up
//	delivered, given up ──replayed──> due
//	recorded (a sandbox's: it never leaves)
//
// An endpoint:
//
//	active ──off──> off ──on──> active
//	   └──nothing arrives for three days, or 410 Gone──> disabled ──on──> active
//
// Events are kept from the first endpoint on, all types, for 30 days: an
// endpoint that is made later can have what happened before it replayed. A
// stack that has never had an endpoint keeps none, and recording costs it one
// look at the operator's row.
//
// Always true:
//   - What was rolled back was never told; what was committed is told at least
//     once, under the same id each time.
//   - The events of one object reach an endpoint in their order: the next one
//     only after the one before it is delivered or given up. Whoever records
//     holds the lock of the object's row.
//   - A sandbox sends nothing: its deliveries are recorded.
//   - No database transaction is open while a message travels.
package event
