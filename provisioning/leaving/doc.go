// Package leaving is what the end of a hosting contract brings besides money:
// all that the operator has in open formats, and what it leased as its own.
//
// It owns no state: it joins the contract (tenants/contract), the register of
// hardware and the take-outs in one transaction, so that none of them happens
// alone. A stack on a machine of the operator's own has its data there already,
// and no archive is written.
//
// Always true:
//   - What was leased is the operator's exactly when its contract says so: it was
//     bought out, or it ended after its last instalment.
//   - An archive is asked for with the contract's change; it is written after it.
package leaving
