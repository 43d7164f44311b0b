// Package house bills operators with our own engine.
//
// It owns the way of a contract's charges into the stack of the house (the
// tenant named house, whose subscribers are the operators): an account there
// for each operator and currency, charges as items of that account's next bill,
// and the closing of contracts' months by the house's business time. It does not
// own what is owed (tenants/contract), nor the bill (billing/bill): the house's
// monthly run takes the items, with the house's taxes, numbers and documents.
//
// The control plane and the house have databases of their own, and no
// transaction spans them. So a charge is written down first, with a permanent
// key; it is entered under that key, which the house's books take once; and
// then noted as carried. Whoever is killed in between finds the charge waiting,
// enters it again, and nothing is added.
//
// Always true:
//   - A month is closed when the house's calendar is graceDays past it, so that
//     the last day's total has come.
//   - An account's cycles begin on billDay, after the month before was closed.
//   - A live house bills no sandbox; the demo's house is a sandbox and bills
//     sandboxes.
package house
