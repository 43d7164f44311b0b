package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/migrations"
)

// ErrVersion means that another version of the program has brought the database
// to where it is.
var ErrVersion = errors.New("the database is of another version of the program")

// Fits says whether a host database and a tenant's schema in it are as this
// program knows them: ErrVersion if not.
func Fits(ctx context.Context, db *tenant.DB, ref tenant.Ref) error {
	has, err := db.Versions(ctx, ref)
	if err != nil {
		return err
	}
	var wanted tenant.Versions
	if wanted.Host, err = latestMigration("host"); err != nil {
		return err
	}
	if wanted.Tenant, err = latestMigration("tenant"); err != nil {
		return err
	}
	if has != wanted {
		return fmt.Errorf("versions are %+v, %+v are wanted: %w", has, wanted, ErrVersion)
	}
	return nil
}

// latestMigration is the number of the last migration of a list.
func latestMigration(list string) (latest int64, err error) {
	files, err := fs.Glob(migrations.Files, list+"/*.sql")
	if err != nil {
		return 0, fmt.Errorf("list migrations of %s: %w", list, err)
	}
	for _, path := range files {
		number, _, _ := strings.Cut(strings.TrimPrefix(path, list+"/"), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", path, err)
		}
		latest = max(latest, version)
	}
	return latest, nil
}
