// Package taxengine speaks to an outside tax engine by a small JSON interface,
// for tax.Engine.
//
// It owns that interface: the request, the answer, and how often it is tried.
// It does not own what is asked and what becomes of the answer (tax, bill), nor
// the operators' accounts, which it is given.
//
// The interface, below the address that the engine gives:
//
//	POST quotes   company, reference, document, date, currency, customer, seller, buyer, lines[]
//	              → reference, lines[]: no, taxes[]: jurisdiction, name, percent, base, amount
//
// Amounts and percentages are decimal texts; a line's amount is without tax and
// may be below zero. Each line is answered, in order; one without taxes may say
// why (reason). A refusal has a status of 4xx and {code, message}. Requests have
//
//	Authorization: Bearer <key>
//	Idempotency-Key: <reference>
//
// Always true:
//   - The same question has the same key, so a repeat is no second sale to the
//     engine.
//   - A question is tried at most three times, within fifteen seconds in all;
//     what is refused is not tried again.
//   - Only the public network, and networks that the host allows, are reached;
//     no redirect is followed.
//   - What is answered is bounded in size, and read strictly.
package taxengine
