// Package demo makes two operators and lives thirteen months of their life.
//
// It owns the scenario: who the operators and their subscribers are, what they
// use and how they pay, all drawn from one seed. It does not own any result:
// files go in, jobs run, the clock moves, money is paid, by the same way as in
// a live stack.
//
// Always true:
//   - The same seed gives the same history; another seed another one.
//   - Every step can be repeated: a history cut off anywhere is gone on with.
package demo
