// Package tenant opens the transaction in which everything of one tenant
// happens, and keeps it from reaching anything of another.
//
// It owns the tenant's id, the opaque slot that names its schema and role, and
// the way a transaction takes them on. It does not own where a tenant is
// placed (infra/postgres, tenants) or who may speak for it (billing/identity).
//
// Always true:
//   - A transaction belongs to exactly one tenant; no SQL spans tenants.
//   - Role and search path are set in the round trip that begins it, from
//     validated types, never from text that came from outside.
//   - Role commands and the simple protocol stand in this package only; a lint
//     holds that. Everything with values goes by extended protocol, so no
//     single statement can leave its tenant.
//   - Business time (At) is taken once a transaction and handed on.
package tenant
