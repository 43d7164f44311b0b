// Package cashdesk keeps cashiers' drawers: shifts, receipts, counting.
//
// It owns shifts, what goes into a drawer and out of it, and receipt numbers. It
// does not own payments and refunds (payment), nor how cash gets into the bank's
// books (reconcile).
//
//	open ──counted, small difference──> closed
//	  └──counted, large──> counted ──second person──> closed
//	                          └──counted again──> open
//
// Always true:
//   - What should be in a drawer is its float and the sum of its moves.
//   - Receipt numbers of a branch and year have no gap.
//   - A cashier has one shift at a time; a large difference is closed by somebody
//     else.
//   - What is counted more or less is posted when the shift is closed.
package cashdesk
