// Package visitor is the way of hosting staff into an operator's console and
// out of it.
//
// It owns the two addresses. It does not own who may come (billing/visit) nor
// what a visitor may do (billing/identity).
package visitor
