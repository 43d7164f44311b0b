package fleet

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/tenants"
)

// resealAtOnce bounds the values in one transaction.
const resealAtOnce = 200

// Reseal seals the sites' invitations anew under the present master key, in
// bounded steps, and says how many changed.
func Reseal(ctx context.Context, db *tenants.DB, seal tenants.Resealer) (changed int, err error) {
	after := uuid.Nil
	for more := true; more; {
		err := db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
			some, last, err := resealSome(ctx, tx, seal, after)
			if err != nil {
				return err
			}
			changed, after, more = changed+some, last, last != uuid.Nil
			return nil
		})
		if err != nil {
			return changed, fmt.Errorf("seal the sites' invitations anew: %w", err)
		}
	}
	return changed, nil
}

// resealSome works on those after a site and says which was the last; zero
// where there are no more.
func resealSome(ctx context.Context, tx tenants.Tx, seal tenants.Resealer, after uuid.UUID) (changed int, last uuid.UUID, err error) {
	rows, err := tx.Query(ctx, `
		select id, sealed_invitation from site
		 where id > $1 and sealed_invitation is not null
		 order by id
		 limit $2
		   for update`, after, resealAtOnce)
	if err != nil {
		return 0, last, err
	}
	type sealed struct {
		ID     uuid.UUID
		Sealed []byte
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sealed])
	if err != nil {
		return 0, last, err
	}
	for _, one := range found {
		fresh, err := seal.Reseal(siteContext(one.ID.String()), one.Sealed)
		if err != nil {
			return changed, last, fmt.Errorf("site %s: %w", one.ID, err)
		}
		if fresh == nil {
			continue
		}
		if _, err := tx.Exec(ctx, `update site set sealed_invitation = $2 where id = $1`, one.ID, fresh); err != nil {
			return changed, last, err
		}
		changed++
	}
	if len(found) == resealAtOnce {
		last = found[len(found)-1].ID
	}
	return changed, last, nil
}
