// Package vies asks the European Commission's register of VAT ids (VIES), by
// its REST interface, for tax.Registry.
//
// It owns the question, the answer and its faults. It does not own when it is
// asked and what follows from the answer (billing, tax).
//
// Always true:
//   - A member state that gives no answer is an error, never a no.
//   - A question is tried twice, within twelve seconds in all; an answer is
//     bounded in size, and no redirect is followed.
package vies
