// Package visit lets hosting staff into a stack, and shows them out.
//
// It owns the operator's consent, the visits made under it or by break-glass,
// and what the operator's owners are told of the latter. It does not own who
// works for the house, nor who approved a break-glass (tenants, in the control
// plane), nor what a visitor may do (identity).
//
//	consent:  given ──EndConsent──> ended      or it runs out, after 7 days at most
//	visit:    begun ──Redeem──> inside ──End──> ended   or it runs out, after an hour
//
// A visit begins with a ticket, which opens the session once and within two
// minutes: the control plane and the stack are two sites, and a token must not
// travel in a link.
//
// Always true:
//   - A visit has a consent, or an approver who is not the visitor.
//   - A visit lasts an hour at most and is never prolonged. With a consent that
//     still holds one may come again.
//   - Ending a consent ends the visits under it in the same moment.
//   - Owners are told of a break-glass in the transaction that begins it.
//   - Whatever begins or ends has an audit row, with the names of all concerned.
//   - All times are wall time; a sandbox's clock opens no door.
package visit
