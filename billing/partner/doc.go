// Package partner gives those whose services are sold their share.
//
// It owns partners and their shares of what was charged. It does not own what a
// service costs or which share was agreed (catalog), nor the payout.
//
// Always true:
//   - A share is posted, from revenue to what is payable to partners, in the
//     transaction that charges; what is credited takes its part back, by a
//     corrected charge, a credit note, a void bill, or an item that gives back
//     of a fee.
//   - A line of a charge, bill or credit has at most one share of each partner,
//     however often it is asked for.
//   - The payable account is the sum of the shares.
package partner
