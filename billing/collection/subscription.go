package collection

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
)

// subscriptionsOf are the main subscriptions that an account pays for, those of
// its children included: what is part of another one follows it.
func subscriptionsOf(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `select s.id from subscription s join billing_account a on a.id = s.account_id
		where (a.id = $1 or a.parent_id = $1) and s.part_of is null and s.state in ('active', 'suspended') order by s.id`, accountID)
	if err != nil {
		return nil, fmt.Errorf("subscriptions of account %s: %w", accountID, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("subscriptions of account %s: %w", accountID, err)
	}
	return ids, nil
}

// stoppedBy are the subscriptions, parts among them, that have not ended and
// that the account's suspension has stopped.
func (r *reviewer) stoppedBy(ctx context.Context, tx tenant.Tx, d *Debtor) ([]suspended, error) {
	accountID := d.AccountID
	rows, err := tx.Query(ctx, `
		with stopped as (
		    select h.subscription_id as id from access_hold h
		     where h.account_id = $1 and h.cause = 'dunning' and h.suspends and (h.ended_at is null or h.ended_at = $2)
		       and not exists (select from access_hold o where o.subscription_id = h.subscription_id and o.cause <> 'dunning' and o.suspends and o.ended_at is null))
		select s.id, s.account_id from subscription s
		join billing_account a on a.id = s.account_id
		where (s.id in (select id from stopped) or s.part_of in (select id from stopped))
		  and s.state in ('active', 'suspended') and a.kind = 'postpaid' and s.pays_fees
		order by s.id`, accountID, tx.At)
	if err != nil {
		return nil, fmt.Errorf("subscriptions of account %s: %w", accountID, err)
	}
	pairs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ ID, Account uuid.UUID }])
	if err != nil {
		return nil, fmt.Errorf("subscriptions of account %s: %w", accountID, err)
	}
	var list []suspended
	for _, p := range pairs {
		s, err := account.GetSubscription(ctx, tx, p.ID)
		if err != nil {
			return nil, err
		}
		payer, err := account.Get(ctx, tx, p.Account)
		if err != nil {
			return nil, err
		}
		list = append(list, suspended{ID: s.ID, Account: payer.ID, Offering: s.OfferingID, cycles: payer.Cycles(r.profile.AnchorPolicy), currency: payer.Currency, activated: s.ActivatedAt})
	}
	return list, nil
}
