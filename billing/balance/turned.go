package balance

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
)

// The accounts whose services may stop, or go on, with what they have: prepaid,
// with a service that has no fee which was paid up front.
const hanging = `
	select a.id
	  from billing_account a
	 where a.id = any ($1) and a.kind = 'prepaid'
	   and exists (select from subscription s join offering_version o on o.id = s.offering_id
	                where s.account_id = a.id and s.state = 'active'
	                  and (s.charged_through is null or not s.pays_fees or jsonb_array_length(coalesce(nullif(o.document #> '{prices,recurring}', 'null'), '[]')) = 0))
	 order by a.id`

// Turned puts on the agenda that what accounts may do on the network is looked
// at anew, because what they have has changed by something else than a charge or
// a payment.
func Turned(ctx context.Context, tx tenant.Tx, accounts ...uuid.UUID) error {
	if len(accounts) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, hanging, accounts)
	if err != nil {
		return fmt.Errorf("whose services hang on it: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("whose services hang on it: %w", err)
	}
	return agenda.AddFor(ctx, tx, agenda.AccessTurn, tx.At, found)
}
