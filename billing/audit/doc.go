// Package audit keeps one row for every command of a person or a machine.
//
// It owns the audit trail. It does not own who somebody is (identity), nor the
// charges of usage, which are their own audit (charging).
//
// Always true:
//   - A row is written in the transaction of what it tells of: either both are
//     there or neither.
//   - Rows are only added; the stack's role can do nothing else.
//   - A row holds no password, token or card data.
package audit
