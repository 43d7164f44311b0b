// Package cash is the console's pages about money that comes in: bank
// statements, cash desks, direct debits, disputes, payouts, and the rules of all
// of it.
//
// It owns how these pages look. It does not own any rule: each form calls one
// function of the domain.
package cash
