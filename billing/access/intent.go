package access

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/event"
	"tollhouse/billing/tenant"
)

// IntentState is how far an intent is.
type IntentState string

// The states of an intent.
const (
	IntentPending   IntentState = "pending"
	IntentConfirmed IntentState = "confirmed"
	IntentOvertaken IntentState = "overtaken"
)

// Intent is what the network is to do about a service.
type Intent struct {
	ServiceID, AccountID uuid.UUID
	Generation           int
	Level                Level
	Reasons              []Reason
	State                IntentState
	Attempts             int
	Failure              string // of the last attempt
	At                   time.Time
	TriedAt, SettledAt   *time.Time
	ConfirmedBy          string
}

const lockCovered = `select a.id from billing_account a where a.id = any ($1) or a.parent_id = any ($1) order by a.id for update`

const overtake = `update access_intent set state = 'overtaken', settled_at = $2 where service_id = any ($1) and state = 'pending'`

const recordIntents = `
	insert into access_intent (service_id, generation, account_id, level, reasons, state, created_at)
	select n.service_id, n.generation, n.account_id, n.level, n.reasons, 'pending', $1
	from unnest($2::uuid[], $3::integer[], $4::uuid[], $5::text[], $6::jsonb[]) as n (service_id, generation, account_id, level, reasons)
	order by n.service_id`

// Settle records what the network is to do about the services of accounts,
// those included that they pay for, where that has changed. Whoever changes
// what a level follows from calls it in the same transaction. A service that
// the network was never asked about is as it was connected: allowed.
func Settle(ctx context.Context, tx tenant.Tx, accounts ...uuid.UUID) error {
	locked, err := tx.Query(ctx, lockCovered, accounts)
	if err != nil {
		return fmt.Errorf("lock accounts: %w", err)
	}
	covered, err := pgx.CollectRows(locked, pgx.RowTo[uuid.UUID])
	if err != nil {
		return fmt.Errorf("lock accounts: %w", err)
	}
	rights, err := read(ctx, tx, `s.account_id = any ($1)`, covered...)
	if err != nil {
		return err
	}
	var services, owners []uuid.UUID
	var generations []int
	var wanted, reasons []string
	var changes []event.Event
	for i := range rights {
		r := &rights[i]
		last := r.Intent.Level
		if last == "" {
			last = Allowed
		}
		if r.Level == last || slices.ContainsFunc(r.Reasons, func(r Reason) bool { return r.Cause == Pending }) {
			continue
		}
		text, err := json.Marshal(r.Reasons)
		if err != nil {
			return fmt.Errorf("reasons of service %s: %w", r.ServiceID, err)
		}
		services, owners, generations = append(services, r.ServiceID), append(owners, r.AccountID), append(generations, r.Intent.Generation+1)
		wanted, reasons = append(wanted, string(r.Level)), append(reasons, string(text))
		changes = append(changes, r.changed(last))
	}
	if len(services) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, overtake, services, tx.At); err != nil {
		return fmt.Errorf("overtake intents: %w", err)
	}
	tag, err := tx.Exec(ctx, recordIntents, tx.At, services, generations, owners, wanted, reasons)
	if err == nil && int(tag.RowsAffected()) != len(services) {
		err = fmt.Errorf("%d rows written, want %d", tag.RowsAffected(), len(services))
	}
	if err != nil {
		return fmt.Errorf("record intents: %w", err)
	}
	if err := event.RecordMany(ctx, tx, changes); err != nil {
		return err
	}
	return agenda.AddFor(ctx, tx, agenda.AccessTell, tx.At, services)
}

// changed is what programs of others are told of a change.
func (r *Right) changed(before Level) event.Event {
	why := ""
	if len(r.Reasons) > 0 {
		why = string(r.Reasons[0].Cause)
	}
	return event.Event{Type: event.AccessChanged, ObjectID: r.ServiceID, AccountID: r.AccountID, Data: event.AccessData{ServiceID: r.ServiceID,
		SubscriptionID: r.SubscriptionID, AccountID: r.AccountID, Before: string(before), After: string(r.Level), Reason: why}}
}

const intentColumns = `service_id, generation, account_id, level, reasons, state, attempts, failure, created_at, tried_at, settled_at, confirmed_by`

func intents(ctx context.Context, tx tenant.Tx, where string, args ...any) ([]Intent, error) {
	rows, err := tx.Query(ctx, `select `+intentColumns+` from access_intent where `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read intents: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (i Intent, err error) {
		var text json.RawMessage
		err = row.Scan(&i.ServiceID, &i.Generation, &i.AccountID, &i.Level, &text, &i.State, &i.Attempts, &i.Failure, &i.At, &i.TriedAt, &i.SettledAt, &i.ConfirmedBy)
		if err == nil {
			err = json.Unmarshal(text, &i.Reasons)
		}
		i.At = i.At.UTC()
		return i, err
	})
	if err != nil {
		return nil, fmt.Errorf("read intents: %w", err)
	}
	return list, nil
}

// maxPage bounds how many rows are read at once.
const maxPage = 200

// History lists what the network was to do about an account's services, newest
// first.
func History(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, limit int) ([]Intent, error) {
	return intents(ctx, tx, `account_id = $1 order by created_at desc, service_id, generation desc limit $2`, accountID, min(max(limit, 1), maxPage))
}

// Unconfirmed lists what the network has not confirmed yet, oldest first.
func Unconfirmed(ctx context.Context, tx tenant.Tx, limit int) ([]Intent, error) {
	return intents(ctx, tx, `state = 'pending' order by created_at, service_id limit $1`, min(max(limit, 1), maxPage))
}
