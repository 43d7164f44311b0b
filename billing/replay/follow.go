package replay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/audit"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/event"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// itself is who applies what a change of plan brought about.
const itself = "job:rerating"

// lineFrom are the subscriptions that have stood in one place before and after
// one of them ($1), and the parts of bundles among them. plan_change_subscription
// and the key of new subscriptions find them, subscription_part_of the parts.
const lineFrom = `
	with recursive line (id) as (
	    select $1::uuid
	    union
	    select x.id from line, lateral (
	        select c.new_subscription_id as id from plan_change c where c.subscription_id = line.id and c.state = 'done'
	        union all select c.subscription_id from plan_change c where c.new_subscription_id = line.id
	        union all select s.id from subscription s where s.part_of = line.id and s.part = 'component') as x)`

// line are the subscriptions of a choice by one; nil: it is not narrowed so.
func (c *Choice) line(ctx context.Context, tx tenant.Tx) ([]uuid.UUID, error) {
	if c.Subscription == uuid.Nil {
		return nil, nil
	}
	rows, err := tx.Query(ctx, lineFrom+` select id from line`, c.Subscription)
	if err != nil {
		return nil, fmt.Errorf("find subscriptions of the place of %s: %w", c.Subscription, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("find subscriptions of the place of %s: %w", c.Subscription, err)
	}
	return ids, nil
}

// accountOfLine narrows a choice by subscription to its account.
func (c *Choice) accountOfLine(ctx context.Context, tx tenant.Tx) error {
	if c.Subscription == uuid.Nil {
		return nil
	}
	var owner uuid.UUID
	err := tx.QueryRow(ctx, `select account_id from subscription where id = $1`, c.Subscription).Scan(&owner)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && c.Account != uuid.Nil && c.Account != owner {
		return &ChoiceError{"subscription", "a subscription that exists, of the account if one is named"}
	}
	if err != nil {
		return fmt.Errorf("find account of subscription: %w", err)
	}
	c.Account = owner
	return nil
}

// Since counts the charges of usage from an instant on that are booked on the
// subscriptions of one place. usage_record_account finds the account's usage.
func Since(ctx context.Context, tx tenant.Tx, subscription uuid.UUID, at time.Time) (charges int64, err error) {
	err = tx.QueryRow(ctx, lineFrom+`
		select count(*)
		from usage_record u
		join charge c on c.period = u.period and c.id = u.id
		where u.account_id = (select account_id from subscription where id = $1) and u.ended_at >= $2
		  and case when u.session_id is null then u.started_at else u.ended_at end >= $2
		  and c.subscription_id in (select id from line)`, subscription, at).Scan(&charges)
	if err != nil {
		return 0, fmt.Errorf("count charges of subscription %s since %s: %w", subscription, at.Format(time.RFC3339), err)
	}
	return charges, nil
}

// reasons are what customers read beside a price that follows a change of plan.
var reasons = map[account.Language]string{
	account.English: "Change of plan from %s", account.Indonesian: "Perubahan paket mulai %s", account.Russian: "Смена тарифа с %s",
}

// Follow has usage priced anew by the plan that holds now, in the transaction of
// a change of plan that was carried out with effect from before: from the new
// plan's first instant on. It applies itself, unless its sum is above what the
// role of whoever made the change may adjust. Nothing is proposed where nothing
// was used. The same change again changes nothing.
func Follow(ctx context.Context, tx tenant.Tx, change account.PlanChange, role string) error {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	begins := change.Begins(profile)
	charges, err := Since(ctx, tx, change.SubscriptionID, begins)
	if err != nil || charges == 0 {
		return err
	}
	choice := Choice{Subscription: change.SubscriptionID, Account: change.AccountID,
		Days: calendar.Period{From: profile.LocalDate(begins), To: profile.LocalDate(tx.At).AddDays(1)}}
	text, err := json.Marshal(choice)
	if err != nil {
		return fmt.Errorf("choice: %w", err)
	}
	id := uuid.Must(uuid.NewV7())
	done, err := tx.Exec(ctx, `
		insert into rerating (id, action, state, choice, decks, reason, asked_by, asked_at, cause, role)
		select $1, 'price_again', 'asked', $2, $3, $4, $5, $6, $7, $8
		on conflict (cause) do nothing`, id, text, DecksThen, "", change.By, tx.At, change.ID, role)
	if err != nil {
		return fmt.Errorf("propose re-rating of change of plan %s: %w", change.ID, err)
	}
	if done.RowsAffected() == 0 {
		return nil
	}
	return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.Rerating, Ref: id, DueAt: tx.At})
}

// follow reckons what a change of plan brought about, and applies it while the
// account is still locked: nothing can change in between.
func (w *worker) follow(ctx context.Context, tx tenant.Tx) error {
	for again := true; again; {
		var err error
		if again, err = w.reckon(ctx, tx); err != nil {
			return err
		}
	}
	over, err := w.aboveLimit(ctx, tx)
	if err != nil {
		return err
	}
	if over {
		if _, err := tx.Exec(ctx, `update rerating set waits = true where id = $1`, w.rerating.ID); err != nil {
			return fmt.Errorf("let re-rating wait: %w", err)
		}
		return w.note(ctx, tx, "rerating.wait", event.ReratingWaits)
	}
	reason, err := w.reason(ctx, tx)
	if err != nil {
		return err
	}
	if err := w.rerating.beginApplying(ctx, tx, reason, itself); err != nil {
		return err
	}
	for again := true; again; {
		if again, err = w.apply(ctx, tx); err != nil {
			return err
		}
	}
	return w.note(ctx, tx, "rerating.apply", event.ReratingApplied)
}

// aboveLimit says whether a person has to apply it.
func (w *worker) aboveLimit(ctx context.Context, tx tenant.Tx) (bool, error) {
	totals, err := Totals(ctx, tx, w.rerating.ID)
	if err != nil {
		return false, err
	}
	for _, t := range totals {
		act := balance.Act{Actor: w.rerating.AskedBy, Role: w.rerating.role, Amount: t.Net.Add(t.Tax), Unit: t.Currency.Unit()}
		if within, err := balance.Within(ctx, tx, act); err != nil || !within {
			return true, err
		}
	}
	return false, nil
}

// reason is told in the language of whoever pays.
func (w *worker) reason(ctx context.Context, tx tenant.Tx) (string, error) {
	var language account.Language
	var day calendar.Date
	err := tx.QueryRow(ctx, `
		select p.language, c.takes_effect
		from plan_change c
		join billing_account a on a.id = c.account_id
		join party p on p.id = a.party_id
		where c.id = $1`, w.rerating.Cause).Scan(&language, &day)
	if err != nil {
		return "", fmt.Errorf("read change of plan %s: %w", w.rerating.Cause, err)
	}
	return fmt.Sprintf(cmp.Or(reasons[language], reasons[account.English]), day), nil
}

// note leaves a trace of what happened without a person, and tells of it.
func (w *worker) note(ctx context.Context, tx tenant.Tx, action string, kind event.Type) error {
	r := w.rerating
	owner, err := account.Get(ctx, tx, r.Choice.Account)
	if err != nil {
		return err
	}
	totals, err := Totals(ctx, tx, r.ID)
	if err != nil {
		return err
	}
	told := event.ReratingData{ID: r.ID, AccountID: owner.ID, SubscriptionID: r.Choice.Subscription, PlanChangeID: r.Cause,
		From: r.Choice.Days.From.String(), Gross: money.Zero(owner.Currency)}
	refused := int64(0)
	for _, t := range totals { // one account has one currency
		told.Charges, told.Gross, refused = int(t.Charges), money.New(t.Net.Add(t.Tax), t.Currency), t.Refused
	}
	err = audit.Record(ctx, tx, audit.Entry{Caller: w.audit, Action: action, Object: "rerating", ObjectID: r.ID, Detail: map[string]any{
		"plan_change": r.Cause, "subscription": told.SubscriptionID, "account": owner.Number, "charges": told.Charges, "gross": told.Gross.String(), "refused": refused}})
	if err != nil {
		return err
	}
	return event.Record(ctx, tx, event.Event{Type: kind, ObjectID: r.ID, AccountID: owner.ID, Data: told})
}
