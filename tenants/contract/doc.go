// Package contract keeps what an operator has agreed with us, and reckons what
// it owes for a month.
//
// It owns the models of hosting contracts (rent, lease with buy-out, revenue
// share, own licence), their terms, states and plans, and the charges that come
// of them. It does not own the bill: charges are carried into the stack of the
// house, which bills operators as an operator bills its subscribers. It does not
// own what an operator collected either: its stack signs that, day by day.
//
// A contract:
//
//	draft ──Begin──> active ──End──> ended        its last day is known
//	  │                 └──BuyOut──> bought_out   what was leased is the operator's
//	  └──Withdraw──> withdrawn
//
// Always true:
//   - Terms of a contract that has begun never change: a new one follows it.
//   - An operator has at most one active contract on any day.
//   - What was leased passes to the operator once, when the lease has run its full
//     term and all of it is paid.
//   - The instalments of a lease come to its price and interest to the cent, and
//     a buy-out is never dearer than paying on.
//   - A charge has a permanent key: it reaches the house's books once, however
//     often a month is reckoned.
//   - A month whose base is not whole is charged at the minimum, which says so,
//     and is made up for once the base is.
package contract
