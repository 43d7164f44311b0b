package balance

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
)

// The accounts whose services may stop, or go on, with what they or the owner of
// their sharing group have: prepaid, with a service that has no fee which was
// paid up front.
const hanging = `
	select a.id
	  from billing_account a
	 where (a.id = any ($1) and $2
	     or a.id in (select m.account_id from sharing_group g join sharing_member m on m.group_id = g.id where g.owner_id = any ($1)))
	   and a.kind = 'prepaid'
	   and exists (select from subscription s join offering_version o on o.id = s.offering_id
	                where s.account_id = a.id and s.state = 'active'
	                  and (s.charged_through is null or not s.pays_fees or jsonb_array_length(coalesce(nullif(o.document #> '{prices,recurring}', 'null'), '[]')) = 0))
	 order by a.id`

// Turned puts on the agenda that what accounts, and the members of groups that
// they own, may do on the network is looked at anew, because what they have has
// changed by something else than a charge or a payment.
func Turned(ctx context.Context, tx tenant.Tx, accounts ...uuid.UUID) error {
	return turned(ctx, tx, accounts, true)
}

// LentTurned is Turned for the members alone: somebody looks at the owners
// already.
func LentTurned(ctx context.Context, tx tenant.Tx, owners ...uuid.UUID) error {
	return turned(ctx, tx, owners, false)
}

func turned(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID, themselves bool) error {
	if len(accounts) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, hanging, accounts, themselves)
	if err != nil {
		return fmt.Errorf("whose services hang on it: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("whose services hang on it: %w", err)
	}
	return agenda.AddFor(ctx, tx, agenda.AccessTurn, tx.At, found)
}
