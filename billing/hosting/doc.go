// Package hosting keeps what an operator has agreed with the company that hosts
// its billing, and what that came to.
//
// It owns copies: contracts, charges and bills as the control plane has told
// them. The originals are the control plane's (tenants/contract) and the books
// of the house. Nothing of a stack depends on them, and they are there while the
// control plane is not.
//
// Always true:
//   - What is told takes the place of what was told before, as a whole.
//   - A bill's document never changes; only what is open of it does, and
//     whether it was voided.
package hosting
