// Package webhook posts webhooks to addresses that operators name.
//
// It owns how a message travels: the connection, its bounds and whom it may
// reach. It does not own what is sent, when and to whom (billing/event).
//
// Always true:
//   - The address that is really dialled is looked at, not the name: a name may
//     lead anywhere by then.
//   - Private, loopback, link-local and other addresses that are not the public
//     network's are refused, also inside IPv6 (mapped, NAT64, 6to4), unless the
//     operator and the host allow the network.
//   - Redirects are not followed, no proxy is used, and no connection is kept
//     for another operator.
//   - Time and what is read of an answer are bounded.
package webhook
