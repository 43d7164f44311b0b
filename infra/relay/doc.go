// Package relay shares a host's charging requests with the workers of its site.
//
// It owns whom a request goes to, and that it is answered whatever becomes of a
// worker. It does not own which requests may be shared and what a worker serves
// (api), nor which workers there are (provisioning/enrol).
//
// Always true:
//   - A worker gets requests only while it says itself, every moment, that it is
//     fit. One that does not answer gets none from then on.
//   - A request that a worker did not answer is answered by the host. It may have
//     been done already: only what may be asked twice is shared.
package relay
