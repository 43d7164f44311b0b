// Package postgres runs and prepares the databases of Tollhouse.
//
// It owns the embedded cluster (a server of our own from the installed
// binaries), server roles, databases and their hardening, migrations of the
// control, host and tenant schemas, and the stock of empty slots. It does not
// own tenant transactions (billing/tenant) nor which tenant gets which slot
// (provisioning).
//
// Always true:
//   - The process that serves tenants logs in as a role without rights of its
//     own; schemas and tables belong to an owner role used here only.
//   - A server whose fsync, full_page_writes or synchronous_commit is off is
//     refused: what was answered must survive a crash.
//   - Every step can be run again after it was cut off anywhere.
package postgres
