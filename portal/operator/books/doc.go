// Package books draws the console's pages for accountants: reports, closed
// days, the chart of accounts and reports that go out by mail. It calls
// billing/report and owns no rule.
package books
