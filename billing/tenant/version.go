package tenant

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Versions are the numbers of the last migrations that a host database and a
// tenant's schema in it have seen.
type Versions struct{ Host, Tenant int64 }

// Versions reads them.
func (db *DB) Versions(ctx context.Context, ref Ref) (v Versions, err error) {
	const latest = `select max(version_id) from goose_db_version where is_applied`
	err = db.inHost(ctx, func(tx pgx.Tx) error { return tx.QueryRow(ctx, latest).Scan(&v.Host) })
	if err == nil {
		err = db.Read(ctx, ref, func(ctx context.Context, tx Tx) error { return tx.QueryRow(ctx, latest).Scan(&v.Tenant) })
	}
	if err != nil {
		return v, fmt.Errorf("read versions of tenant %s: %w", ref.ID, err)
	}
	return v, nil
}
