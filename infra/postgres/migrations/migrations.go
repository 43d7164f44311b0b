// Package migrations holds the three forward-only lists of schema changes:
// the control plane's database, a host database's own schema, and a tenant's.
//
// It owns the SQL files. It does not own how and where they are applied
// (infra/postgres). Always true: a list only grows.
//
// Each file is applied statement by statement in a schema chosen by the
// connection's search_path, so no file names a schema.
package migrations

import "embed"

// Files holds the folders control, host and tenant.
//
//go:embed control/*.sql host/*.sql tenant/*.sql
var Files embed.FS
