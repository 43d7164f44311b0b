// Package standin is a small Stripe of one's own: it answers the calls that
// infra/stripe makes, remembers what was made, serves a hosted checkout page
// and posts signed webhooks. A demo, a test or a trial needs no account at
// Stripe; no real money moves and only Stripe's public test cards work.
//
// It owns sessions, payment intents, refunds and undelivered webhooks, in
// memory and in a journal file. It does not own the keys of accounts: whoever
// runs it registers them at each start. It is not Stripe: fields we don't read
// are left out, and currencies, limits and fees are not checked.
//
//	open ──card accepted──> complete       (session)
//	 │ └──card declined──> open, with the reason shown
//	 └──24 h──> expired
//
//	requires_payment_method ──> requires_action ──> succeeded   (intent)
//	          ^───── declined, not confirmed ──┘
//
// Always true:
//   - A card number is compared with the test numbers and forgotten: it is not
//     kept, logged or sent anywhere.
//   - What was answered survives a restart, and a webhook is posted until its
//     receiver answers 2xx, for up to three days.
//   - The same Idempotency-Key with the same parameters gets the same answer;
//     with others it gets a 400.
//   - One account never sees another's objects.
package standin
