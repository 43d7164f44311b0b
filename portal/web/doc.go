// Package web receives requests for pages: whose door it is, who is signed in,
// in which language, and that a form was sent from our own page.
//
// It owns the cookies, the security headers, the check of forms and the pages
// of errors. It does not own passwords and sessions (billing/identity), how
// things look (ui) or what a page shows (subscriber).
//
// Always true:
//   - A session is good for the tenant that its token names, on that tenant's
//     paths only.
//   - Nothing is changed by GET but how a page is shown.
//   - A page is never kept by anybody on the way, and runs no script but ours.
package web
