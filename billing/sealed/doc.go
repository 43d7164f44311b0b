// Package sealed walks over what a stack keeps sealed, so that it can be sealed
// anew under another key while the stack runs.
//
// It owns the walk. It does not own keys (infra/secrets), nor what is sealed
// where: each domain lists its own places, with their names, beside the code
// that seals them (identity.Sealed and the like); billing.Sealed has them all.
//
// Always true:
//   - A value is sealed anew under the same name; its clear text never changes.
//   - A step is bounded. A row is locked while it is changed, so that a value
//     that is replaced at the same time is not put back.
package sealed
