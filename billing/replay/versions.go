package replay

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// mostVersions bounds what is offered to choose from.
const mostVersions = 400

// Version is an offering's version that can be tried, or priced by.
type Version struct {
	ID      uuid.UUID
	Code    string
	Version int
	State   string
	Names   catalog.Names
	Sold    bool // it was published
}

// Versions lists the offerings' versions: each one's draft first, then what was
// published of it, the latest first.
func Versions(ctx context.Context, tx tenant.Tx) ([]Version, error) {
	rows, err := tx.Query(ctx, `
		select id, code, version, state, document -> 'names', published_at is not null
		from offering_version order by published_at is not null, code, version desc limit $1`, mostVersions)
	if err != nil {
		return nil, fmt.Errorf("list versions: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (v Version, err error) {
		err = row.Scan(&v.ID, &v.Code, &v.Version, &v.State, &v.Names, &v.Sold)
		return v, err
	})
}

// AccountOf finds an account by its number, or by its id.
func AccountOf(ctx context.Context, tx tenant.Tx, named string) (uuid.UUID, error) {
	var id uuid.UUID
	err := tx.QueryRow(ctx, `select id from billing_account where number = $1 or id::text = $1`, named).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return id, &ChoiceError{"account", "the number of an account that exists"}
	}
	if err != nil {
		return id, fmt.Errorf("find account: %w", err)
	}
	return id, nil
}
