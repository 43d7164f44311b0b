// Package audit keeps one row for every command of a person or a machine, and
// seals audit and ledger in a hash chain.
//
// It owns the audit trail, the chain and its verification. It does not own who
// somebody is (identity), the charges of usage, which are their own audit
// (charging), transfers (ledger), nor the anchors outside the stack (tenants).
//
// Rows become part of the chain a few minutes after they were written (see
// SealMargin), in the order of their ids, which are UUIDv7 of wall time: so
// sealing costs the tables that usage is written to neither a column nor an
// index. A seal covers a stretch of ids, the next one goes on where it ends.
//
// Always true:
//   - A row is written in the transaction of what it tells of: either both are
//     there or neither.
//   - Rows and seals are only added; the stack's role can do nothing else.
//   - A row holds no password, token or card data.
//   - Every row with an id up to the newest seal's is in exactly one seal. A
//     change beyond the database's own rules is found by Verify, and one that
//     makes the chain anew by its anchors.
package audit
