// Package staff is the door of hosting staff: the pages below /staff/.
//
// It owns the pages and the words on them. It does not own operators, staff
// users, their rights or the audit (tenants), nor stacks, visits and figures
// (provisioning): rules stand there.
//
// Always true:
//   - A page shows figures that somebody measured, with a stack that does not
//     answer told as such; one of them never breaks the page.
//   - A first password is shown once, on the page that answers its form.
package staff
