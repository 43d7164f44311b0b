// Package report tells accountants what the ledger holds: trial balance,
// journal, tax, deferred revenue, ageing, payouts and closed days.
//
// It owns the reports, the operator's own numbers of the chart of accounts, the
// closing of days and the reports that go out by mail. It does not own any
// fact: the ledger, the bills and the payments do; it only reads them.
//
// A report is a table: columns, and rows that are given one by one, so that a
// journal of a year takes no memory. The same table is shown on a page, given
// by the API, written to CSV or XLSX, and mailed.
//
// Always true:
//   - Days are the operator's local days; a span is its first and its last day.
//   - In a trial balance debits equal credits in each currency, and opening and
//     movement make closing.
//   - Ageing of an account sums to its receivable in the ledger on that day.
//   - A day that is signed off stays as it was signed; what is posted for it
//     later shows beside it.
package report
