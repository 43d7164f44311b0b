// Package money holds exact amounts, their currencies, units and roundings.
//
// It owns decimal arithmetic, the table of ISO 4217 minor digits, the named
// rounding rules and fair splitting. It does not own exchange rates, taxes or
// what any amount means.
//
// Always true:
//   - Values are immutable and exact; only calls that name a Rounding round,
//     and they round once.
//   - Another currency, an overflow and a division by zero are errors, never a
//     zero or a capped value.
//   - The parts of a split sum to the whole.
//   - This is the only package that imports the decimal library.
package money
