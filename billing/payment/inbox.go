package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// EventRef names a stored webhook. It is the detail of its agenda item.
type EventRef struct {
	Provider string `json:"provider"`
	ID       string `json:"id"`
}

// agendaRef is the reference of the webhook's agenda item, whose columns want
// a uuid: always the same for the same webhook.
func (r EventRef) agendaRef() uuid.UUID {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("webhook:"+r.Provider+":"+r.ID))
}

// InboxState is what has become of a webhook.
type InboxState string

// States of a webhook.
const (
	InboxReceived InboxState = "received"
	InboxDone     InboxState = "done"
	InboxIgnored  InboxState = "ignored" // not about a payment of ours
	InboxParked   InboxState = "parked"  // does not fit: a person decides
)

// Outcome is what has become of a webhook, and why.
type Outcome struct {
	State    InboxState
	Reason   string
	ToppedUp uuid.UUID // the prepaid account whose balance has just grown; Nil: none
	TopUp    TopUp     // by what
	Billed   uuid.UUID // the account that has paid its bills, by TopUp's intent and amount; Nil: none
}

// TopUp is the top-up that a webhook has booked.
type TopUp struct {
	Intent uuid.UUID
	Amount money.Amount
}

func done(reason string) Outcome { return Outcome{State: InboxDone, Reason: reason} }
func parked(format string, values ...any) Outcome {
	return Outcome{State: InboxParked, Reason: fmt.Sprintf(format, values...)}
}

// Receive stores a verified webhook, once by the provider's id, and puts it on
// the agenda: when the transaction has committed, the provider can be answered.
// Nothing is applied here.
func Receive(ctx context.Context, tx tenant.Tx, e ProviderEvent) (EventRef, error) {
	ref := EventRef{e.Provider, e.ID}
	if err := e.find(ctx, tx); err != nil {
		return ref, err
	}
	payload, err := json.Marshal(e)
	if err != nil {
		return ref, fmt.Errorf("store webhook %s: %w", e.ID, err)
	}
	outcome := sieve(tx, e)
	var worked *time.Time
	if outcome.State == InboxIgnored {
		worked = &tx.At
	}
	tag, err := tx.Exec(ctx, `
		insert into webhook_in (provider, event_id, type, created, intent_id, payload, state, reason, received_at, worked_at)
		values ($1, $2, $3, $4, nullif($5, '00000000-0000-0000-0000-000000000000'::uuid), $6, $7, $8, $9, $10)
		on conflict (provider, event_id) do nothing`,
		e.Provider, e.ID, e.Type, e.Created, e.Intent, payload, outcome.State, outcome.Reason, tx.At, worked)
	if err != nil {
		return ref, fmt.Errorf("store webhook %s: %w", e.ID, err)
	}
	if tag.RowsAffected() == 0 || outcome.State == InboxIgnored {
		return ref, nil
	}
	err = agenda.Add(ctx, tx, agenda.Item{Kind: agenda.Webhook, Ref: ref.agendaRef(), DueAt: tx.At, Detail: ref})
	if err != nil {
		return ref, fmt.Errorf("store webhook %s: %w", e.ID, err)
	}
	return ref, nil
}

// sieve says which webhooks have nothing to do with this tenant's payments.
// Several businesses may share one account at a provider, so that is no fault.
func sieve(tx tenant.Tx, e ProviderEvent) Outcome {
	ignored := func(reason string) Outcome { return Outcome{State: InboxIgnored, Reason: reason} }
	switch {
	case e.Kind == EventIgnored:
		return ignored("no use for events of type " + e.Type)
	case e.Tenant.IsZero():
		return ignored("not about a payment that was asked for here")
	case e.Tenant != tx.Tenant:
		return ignored("about another operator's payment")
	case e.Live && tx.Sandbox:
		return ignored("real money does not reach a sandbox")
	default:
		return Outcome{State: InboxReceived}
	}
}

// Work applies a stored webhook. One that was worked before changes nothing
// and gets its first outcome; a parked one is tried again.
func Work(ctx context.Context, tx tenant.Tx, ref EventRef) (Outcome, error) {
	var before Outcome
	var payload []byte
	err := tx.QueryRow(ctx, `select state, reason, payload from webhook_in
		where provider = $1 and event_id = $2 for update`, ref.Provider, ref.ID).Scan(&before.State, &before.Reason, &payload)
	if errors.Is(err, pgx.ErrNoRows) {
		return Outcome{}, fmt.Errorf("webhook %s: %w", ref.ID, ErrNotFound)
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("lock webhook %s: %w", ref.ID, err)
	}
	if before.State == InboxDone || before.State == InboxIgnored {
		return before, nil
	}
	var e ProviderEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return Outcome{}, fmt.Errorf("read webhook %s: %w", ref.ID, err)
	}
	if err := e.find(ctx, tx); err != nil {
		return Outcome{}, err
	}
	after, err := apply(ctx, tx, e)
	if err != nil {
		return Outcome{}, fmt.Errorf("work webhook %s: %w", ref.ID, err)
	}
	_, err = tx.Exec(ctx, `update webhook_in set state = $3, reason = $4, worked_at = $5 where provider = $1 and event_id = $2`,
		ref.Provider, ref.ID, after.State, after.Reason, tx.At)
	if err != nil {
		return Outcome{}, fmt.Errorf("finish webhook %s: %w", ref.ID, err)
	}
	return after, nil
}

// apply does what an event asks for. What can't be right is parked, not an
// error: working it again would not help.
func apply(ctx context.Context, tx tenant.Tx, e ProviderEvent) (Outcome, error) {
	switch e.Kind {
	case EventRefundStatus:
		return applyRefundStatus(ctx, tx, e)
	case EventCardKept, EventCardFailed, EventCardDetails:
		return applyCard(ctx, tx, e)
	}
	i, p, err := lockIntent(ctx, tx, e.Intent)
	if errors.Is(err, ErrNotFound) {
		return parked("no intent %s is known here", e.Intent), nil
	}
	if err != nil {
		return Outcome{}, err
	}
	switch e.Kind {
	case EventProcessing:
		return i.follow(ctx, tx, e, IntentProcessing)
	case EventFailed:
		return i.follow(ctx, tx, e, IntentFailed)
	case EventCanceled:
		return i.follow(ctx, tx, e, IntentCanceled)
	case EventSucceeded:
		return i.applySuccess(ctx, tx, p, e)
	case EventRefunded:
		return applyRefunded(ctx, tx, i, e)
	case EventDispute:
		return applyDispute(ctx, tx, i, e)
	default:
		return parked("events of kind %q can't be worked", e.Kind), nil
	}
}

// follow moves the intent, if the table allows it: an event that comes after a
// newer one finds no way back, and that is right.
func (i *Intent) follow(ctx context.Context, tx tenant.Tx, e ProviderEvent, to IntentState) (Outcome, error) {
	if !i.State.may(to) {
		return done(fmt.Sprintf("the intent is %s already", i.State)), nil
	}
	if err := i.moveTo(to); err != nil {
		return Outcome{}, err
	}
	i.learn(e)
	if to == IntentFailed {
		if err := i.recordFailure(ctx, tx); err != nil {
			return Outcome{}, err
		}
	}
	return done(""), i.save(ctx, tx)
}

// learn takes over what the provider tells beside the state.
func (i *Intent) learn(e ProviderEvent) {
	i.Failure, i.Detail.Decline = e.Failure, e.Decline
	if e.PaymentRef != "" {
		i.ProviderRef = e.PaymentRef
	}
}

func (i *Intent) applySuccess(ctx context.Context, tx tenant.Tx, p payer, e ProviderEvent) (Outcome, error) {
	if e.Amount.Currency() != i.Amount.Currency() || !e.Amount.Decimal().Equal(i.Amount.Decimal()) {
		return parked("%s was paid where %s was asked for", e.Amount, i.Amount), nil
	}
	if i.State == IntentSucceeded {
		if e.PaymentRef != i.ProviderRef {
			return parked("paid a second time, by %s", e.PaymentRef), nil
		}
		return done("the intent is succeeded already"), nil
	}
	if !i.State.may(IntentSucceeded) {
		return parked("paid although the intent is %s", i.State), nil
	}
	i.learn(e)
	if err := i.keepCard(ctx, tx, e); err != nil {
		return Outcome{}, err
	}
	outcome := done("")
	if i.Purpose == PurposeTopUp {
		outcome.ToppedUp, outcome.TopUp = i.AccountID, TopUp{i.ID, i.Amount}
	} else {
		outcome.Billed, outcome.TopUp = i.AccountID, TopUp{i.ID, i.Amount}
	}
	if err := i.succeed(ctx, tx, p); err != nil {
		return Outcome{}, err
	}
	return outcome, i.workEarly(ctx, tx)
}

// applyRefunded compares what the provider has given back of a payment with
// our refunds. More than ours was given back by hand at the provider.
func applyRefunded(ctx context.Context, tx tenant.Tx, i Intent, e ProviderEvent) (Outcome, error) {
	paid, err := ofIntent(ctx, tx, i.ID)
	if errors.Is(err, ErrNotFound) {
		return parked("%s was refunded of an intent without a payment", e.Amount), nil
	}
	if err != nil {
		return Outcome{}, err
	}
	ours, err := paid.refundedOfAll(ctx, tx)
	if err != nil {
		return Outcome{}, err
	}
	if e.Amount.Currency() != paid.Amount.Currency() || e.Amount.Decimal().Cmp(ours) > 0 {
		return parked("the provider has refunded %s, here it is %s", e.Amount, paid.amountOf(ours)), nil
	}
	return done(""), nil
}

func applyRefundStatus(ctx context.Context, tx tenant.Tx, e ProviderEvent) (Outcome, error) {
	r, paid, p, err := lockRefund(ctx, tx, e.Refund)
	if errors.Is(err, ErrNotFound) {
		return parked("no refund %s is known here", e.Refund), nil
	}
	if err != nil {
		return Outcome{}, err
	}
	return done(""), r.finish(ctx, tx, paid, p, ProviderRefund{Ref: e.RefundRef, State: e.RefundState, Failure: e.Failure})
}

// Waiting is a webhook that was not worked, or parked, and why.
type Waiting struct {
	Ref        EventRef
	Type       string
	IntentID   *uuid.UUID
	State      InboxState
	Reason     string
	ReceivedAt time.Time
}

// ListWaiting lists the oldest webhooks that are not worked or are parked.
func ListWaiting(ctx context.Context, tx tenant.Tx, limit int) ([]Waiting, error) {
	// index webhook_in_waiting gives the rows and their order
	rows, err := tx.Query(ctx, `select provider, event_id, type, intent_id, state, reason, received_at from webhook_in
		where state in ('received', 'parked') order by received_at limit $1`, min(max(limit, 1), pageLimit))
	if err != nil {
		return nil, fmt.Errorf("list webhooks: %w", err)
	}
	waiting, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w Waiting, err error) {
		err = row.Scan(&w.Ref.Provider, &w.Ref.ID, &w.Type, &w.IntentID, &w.State, &w.Reason, &w.ReceivedAt)
		w.ReceivedAt = w.ReceivedAt.UTC()
		return w, err
	})
	if err != nil {
		return nil, fmt.Errorf("list webhooks: %w", err)
	}
	return waiting, nil
}
