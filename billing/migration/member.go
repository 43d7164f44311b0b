package migration

import (
	"context"

	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// MemberState is what became of a subscription.
type MemberState string

// The states of a member.
const (
	Telling   MemberState = "told"
	OptedOut  MemberState = "opted_out"
	Scheduled MemberState = "scheduled"
	Skipped   MemberState = "skipped"
)

// Member is a subscription of a migration.
type Member struct {
	Migration    uuid.UUID
	Subscription uuid.UUID
	Account      uuid.UUID
	Number, Name string // of the account and its party
	State        MemberState
	Reason       string
	Change       *uuid.UUID // the change of plan
	At           time.Time
}

// MaxPage bounds a page of members.
const MaxPage = 200

// Members lists a migration's subscriptions by id, after one.
func Members(ctx context.Context, tx tenant.Tx, id, after uuid.UUID, limit int) ([]Member, error) {
	rows, err := tx.Query(ctx, `
		select m.migration_id, m.subscription_id, a.id, a.number, p.name, m.state, m.reason, m.plan_change_id, m.at
		  from offering_migration_member m
		  join subscription s on s.id = m.subscription_id
		  join billing_account a on a.id = s.account_id
		  join party p on p.id = a.party_id
		 where m.migration_id = $1 and m.subscription_id > $2
		 order by m.subscription_id
		 limit $3`, id, after, min(max(limit, 1), MaxPage))
	if err != nil {
		return nil, fmt.Errorf("list members of migration %s: %w", id, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Member])
	if err != nil {
		return nil, fmt.Errorf("list members of migration %s: %w", id, err)
	}
	return list, nil
}

// Progress counts a migration's subscriptions by state, and those that have
// not been told yet.
type Progress struct {
	Waiting, Told, OptedOut, Scheduled, Skipped int64
	Changed                                     int64 // of the scheduled ones
}

// ProgressOf counts.
func ProgressOf(ctx context.Context, tx tenant.Tx, m Migration) (p Progress, err error) {
	err = tx.QueryRow(ctx, `
		select count(*) filter (where m.state = 'told'), count(*) filter (where m.state = 'opted_out'),
		       count(*) filter (where m.state = 'scheduled'), count(*) filter (where m.state = 'skipped'),
		       count(*) filter (where c.state = 'done')
		  from offering_migration_member m
		  left join plan_change c on c.id = m.plan_change_id
		 where m.migration_id = $1`, m.ID).Scan(&p.Told, &p.OptedOut, &p.Scheduled, &p.Skipped, &p.Changed)
	if err == nil && m.State == Planned {
		err = tx.QueryRow(ctx, `
			select count(*) from subscription s
			 where s.offering_id = any ($1) and s.state in ('active', 'suspended')
			   and not exists (select from offering_migration_member m where m.migration_id = $2 and m.subscription_id = s.id)`, m.From, m.ID).Scan(&p.Waiting)
	}
	if err != nil {
		return p, fmt.Errorf("progress of migration %s: %w", m.ID, err)
	}
	return p, nil
}

// OptOut lets a subscription stay as it is. ErrNotMember, ErrRuns.
func OptOut(ctx context.Context, tx tenant.Tx, id, subscription uuid.UUID, reason string) error {
	m, err := lock(ctx, tx, id)
	if err != nil {
		return err
	}
	if m.State != Planned && m.State != Told {
		return fmt.Errorf("migration %s is %s: %w", id, m.State, ErrRuns)
	}
	done, err := tx.Exec(ctx, `
		insert into offering_migration_member (migration_id, subscription_id, state, reason, at)
		select $1, s.id, 'opted_out', $3, $4 from subscription s where s.id = $2 and s.offering_id = any ($5)
		on conflict (migration_id, subscription_id) do update set state = 'opted_out', reason = excluded.reason, at = excluded.at`,
		id, subscription, reason, tx.At, m.From)
	if err != nil {
		return fmt.Errorf("opt out of migration %s: %w", id, err)
	}
	if done.RowsAffected() == 0 {
		return fmt.Errorf("subscription %s: %w", subscription, ErrNotMember)
	}
	return nil
}

// Coming is a migration that an account was told of and may still opt out of.
type Coming struct {
	Migration
	Subscription uuid.UUID
}

// ComingFor lists an account's migrations that are still to run.
func ComingFor(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]Coming, error) {
	rows, err := tx.Query(ctx, `
		select m.id, m.to_offering, m.from_offerings, m.starts_on, m.notice_days, m.state, m.reason, m.created_by, m.created_at, m.ended_at, s.id
		  from subscription s
		  join offering_migration_member b on b.subscription_id = s.id and b.state = 'told'
		  join offering_migration m on m.id = b.migration_id and m.state in ('planned', 'told')
		 where s.account_id = $1 and s.state <> 'terminated'
		 order by m.starts_on, s.id`, accountID)
	if err != nil {
		return nil, fmt.Errorf("migrations of account %s: %w", accountID, err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Coming, error) {
		var c Coming
		err := row.Scan(&c.ID, &c.To, &c.From, &c.StartsOn, &c.NoticeDays, &c.State, &c.Reason, &c.By, &c.CreatedAt, &c.EndedAt, &c.Subscription)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("migrations of account %s: %w", accountID, err)
	}
	return list, nil
}

// Effect is what a migration would change for the subscriptions of one version.
type Effect struct {
	From          uuid.UUID
	Code          string
	Version       int
	Subscriptions int64
	Before, After money.Decimal // recurring prices of one in a month
	Difference    money.Decimal // of all in a month
}

// Preview reckons a plan without keeping it.
func Preview(ctx context.Context, tx tenant.Tx, n New) ([]Effect, error) {
	to, from, err := n.check(ctx, tx)
	if err != nil {
		return nil, err
	}
	after, err := monthly(to.Offering)
	if err != nil {
		return nil, err
	}
	effects := make([]Effect, len(from))
	for i, old := range from {
		e := Effect{From: old.ID, Code: old.Code, Version: old.Number, After: after}
		// subscription_offering counts them.
		const count = `select count(*) from subscription where offering_id = $1 and state in ('active', 'suspended')`
		if err := tx.QueryRow(ctx, count, old.ID).Scan(&e.Subscriptions); err != nil {
			return nil, fmt.Errorf("count subscriptions of %s: %w", old.ID, err)
		}
		if e.Before, err = monthly(old.Offering); err != nil {
			return nil, err
		}
		e.Difference = after.Sub(e.Before).Mul(money.NewDecimal(e.Subscriptions))
		effects[i] = e
	}
	return effects, nil
}
