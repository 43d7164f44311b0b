// Package stripe takes card payments through Stripe, by Checkout Sessions on
// Stripe's own page, with the keys of each operator.
//
// It owns how our requests look at Stripe (stripe-go v76, API 2023-10-16),
// Stripe's minor units, its errors in our words, and the proof that a webhook
// is Stripe's. It does not own what a payment means (billing/payment), where
// keys are kept (infra/secrets) or the local stand-in (standin).
//
// Always true:
//   - No card number passes through here: cards are typed on Stripe's page.
//   - Every request that changes something carries an idempotency key that was
//     stored before, so that a retry has the effect of once.
//   - Every request has a deadline and a bounded number of retries.
//   - A sandbox is never served with live keys.
package stripe
