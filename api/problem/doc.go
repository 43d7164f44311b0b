// Package problem turns what the domain refuses into what the outside is told:
// problem documents by RFC 9457.
//
// It owns the one table from domain errors to problem types, titles and
// statuses. It does not own the errors themselves (each domain package) nor how
// a problem is shown (api as JSON, portal as a page).
//
// Always true:
//   - Every exported error of a domain package stands in the table, or in the
//     list of those that can only mean a fault of ours; a test holds that.
//   - What is in neither is a 500 that says nothing of its inside.
//   - A problem's detail is the domain's own sentence, never the chain of what
//     was being done when it happened.
package problem
