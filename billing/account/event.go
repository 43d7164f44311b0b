package account

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/event"
	"tollhouse/billing/tenant"
)

// recordParties tells programs of others what has happened to parties.
func recordParties(ctx context.Context, tx tenant.Tx, t event.Type, parties ...Party) error {
	return event.Collect(ctx, tx, func() ([]event.Event, error) {
		events := make([]event.Event, len(parties))
		for i, p := range parties {
			events[i] = event.Event{Type: t, ObjectID: p.ID, Data: event.PartyData{ID: p.ID, Kind: string(p.Kind), Language: string(p.Language)}}
		}
		return events, nil
	})
}

// recordAccounts tells what has happened to accounts, as they stand now.
func recordAccounts(ctx context.Context, tx tenant.Tx, t event.Type, ids ...uuid.UUID) error {
	return event.Collect(ctx, tx, func() ([]event.Event, error) {
		rows, err := tx.Query(ctx, `select `+accountColumns+` from billing_account a where a.id = any ($1) order by a.id`, ids)
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", t, err)
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (event.Event, error) {
			var a Account
			err := row.Scan(a.scanInto()...)
			data := event.AccountData{ID: a.ID, Number: a.Number, PartyID: a.PartyID, ParentID: a.ParentID, Kind: string(a.Kind), State: string(a.State),
				Currency: a.Currency.Code(), LegalEntity: a.LegalEntity, Branch: a.Branch, CreatedAt: a.CreatedAt.UTC()}
			if a.CreditLimit != nil {
				limit := a.CreditLimit.String()
				data.CreditLimit = &limit
			}
			return event.Event{Type: t, ObjectID: a.ID, AccountID: a.ID, Data: data}, err
		})
	})
}

// RecordChanged tells that terms of an account have changed. Its row is locked.
func RecordChanged(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	return recordAccounts(ctx, tx, event.AccountChanged, id)
}

// recordSubscriptions tells what has happened to subscriptions, as they stand
// now; mark, if not nil, adds to it.
func recordSubscriptions(ctx context.Context, tx tenant.Tx, t event.Type, ids []uuid.UUID, mark func(*event.SubscriptionData)) error {
	return event.Collect(ctx, tx, func() ([]event.Event, error) {
		rows, err := tx.Query(ctx, `
			select s.id, s.account_id, s.offering_id, o.code, s.state, s.part_of, s.activated_at, s.terminated_at
			  from subscription s
			  join offering_version o on o.id = s.offering_id
			 where s.id = any ($1)
			 order by s.id`, ids)
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", t, err)
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (event.Event, error) {
			var d event.SubscriptionData
			err := row.Scan(&d.ID, &d.AccountID, &d.OfferingID, &d.OfferingCode, &d.State, &d.PartOf, &d.ActivatedAt, &d.TerminatedAt)
			if mark != nil {
				mark(&d)
			}
			return event.Event{Type: t, ObjectID: d.ID, AccountID: d.AccountID, Data: d}, err
		})
	})
}
