// Package api is the HTTP API that openapi.yaml declares.
//
// It owns the way from a request to one call of the domain and back: finding
// the stack, who is calling and whether they may, validation by the document,
// idempotency keys, problem documents, traces and bounds. It does not own any
// business rule, nor the shape of the API (openapi.yaml), nor pages (portal).
//
//	request -> trace, log -> guard: stack, caller, permission, body, document
//	        -> handler: one domain call in stack.Write or Read -> answer
//
// Always true:
//   - An operation without a permission in the document cannot be called.
//   - Nothing of a body is read before the caller may call the operation; a
//     body is held in memory up to a stated size, a file never.
//   - A token opens the stack that issued it and no other.
//   - What another tenant or another subscriber has is told in the same words
//     as what does not exist.
//   - A command's effect, its stored answer and its audit row are committed
//     together or not at all.
package api
