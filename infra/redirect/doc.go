// Package redirect speaks to a provider of local ways to pay (bank QR codes,
// virtual accounts) by a small signed JSON interface, for payment's
// CardProvider and EventReader.
//
// It owns that interface: requests, signatures and callbacks. It does not own
// what a payment is for or what becomes of it (payment), nor the operators'
// accounts, which it is given.
//
// The interface, below the address that the provider gives:
//
//	POST payments               merchant, reference, amount, currency, channel, description, return_url, minutes
//	                            → id, status, url, qr, number, bank, expires_at
//	GET  payments/{id}          → the same, as it stands now
//	POST payments/{id}/refunds  reference, amount, currency → id, status
//
// Amounts are decimal texts. Every request has an Idempotency-Key and
//
//	Signature: t=<unix seconds>,v1=<hex of HMAC-SHA-256(secret, "<t>.<method> <path>.<body>")>
//
// A callback is a POST of {id, type, payment | refund} with the same header over
// "<t>.<body>".
//
// Always true:
//   - A callback is read only if it was signed with the operator's secret within
//     the last five minutes.
//   - What a provider answers is bounded in size and time.
package redirect
