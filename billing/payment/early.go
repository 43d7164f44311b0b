package payment

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// find names the intent of an event that carries only the provider's name of
// the payment: disputes don't show what we wrote beside it.
func (e *ProviderEvent) find(ctx context.Context, tx tenant.Tx) error {
	if e.Kind == EventCardDetails && e.Tenant.IsZero() {
		var known bool
		err := tx.QueryRow(ctx, `select exists (select from payment_method where provider = $1 and method_id = $2)`, e.Provider, e.KeptMethod).Scan(&known)
		if err != nil {
			return fmt.Errorf("find the card of webhook %s: %w", e.ID, err)
		}
		if known {
			e.Tenant = tx.Tenant
		}
		return nil
	}
	if !e.Tenant.IsZero() || e.Kind != EventDispute || e.PaymentRef == "" {
		return nil
	}
	// index payment_intent_ref
	err := tx.QueryRow(ctx, `select id from payment_intent where provider = $1 and provider_ref = $2 and provider_ref <> '' limit 1`,
		e.Provider, e.PaymentRef).Scan(&e.Intent)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the payment of webhook %s: %w", e.ID, err)
	}
	e.Tenant = tx.Tenant
	return nil
}

// workEarly has those webhooks worked again that came before the payment which
// they are about: left alone as somebody else's, or parked.
func (i *Intent) workEarly(ctx context.Context, tx tenant.Tx) error {
	rows, err := tx.Query(ctx, `
		update webhook_in set state = 'received', reason = '', worked_at = null, intent_id = $1
		 where provider = $2 and (state = 'ignored' and intent_id is null and payload ->> 'payment_ref' = $3 and payload ->> 'kind' = 'dispute'
		    or state = 'parked' and intent_id = $1 and payload ->> 'kind' in ('dispute', 'refunded'))
		returning event_id`, i.ID, i.Provider, i.ProviderRef)
	if err != nil {
		return fmt.Errorf("find what came before intent %s: %w", i.ID, err)
	}
	early, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("find what came before intent %s: %w", i.ID, err)
	}
	for _, id := range early {
		ref := EventRef{i.Provider, id}
		if err := agenda.Again(ctx, tx, agenda.Webhook, ref.agendaRef(), ref); err != nil {
			return err
		}
	}
	return nil
}

// applyDispute books what a provider tells of a dispute, in whatever order: one
// that is closed when it is first heard of was opened before.
func applyDispute(ctx context.Context, tx tenant.Tx, i Intent, e ProviderEvent) (Outcome, error) {
	fact := e.Dispute
	if fact == nil {
		return parked("a dispute without its facts"), nil
	}
	if fact.Inquiry {
		return done("an inquiry: no money has moved"), nil
	}
	paid, err := ofIntent(ctx, tx, i.ID)
	if errors.Is(err, ErrNotFound) {
		return parked("%s is disputed of an intent without a payment", e.Amount), nil
	}
	if err != nil {
		return Outcome{}, err
	}
	d, err := TakeBack(ctx, tx, TakenBack{Kind: Chargeback, Provider: e.Provider, Ref: fact.Ref, PaymentID: paid.ID, Amount: e.Amount, Reason: fact.Reason,
		dispute: Dispute{EvidenceDue: fact.EvidenceDue}})
	if errors.Is(err, ErrTooMuch) || errors.Is(err, ErrAmount) {
		return parked("%v", err), nil
	}
	if err != nil {
		return Outcome{}, err
	}
	switch {
	case !d.State.may(fact.State):
		return done(fmt.Sprintf("the dispute is %s", d.State)), nil
	case fact.State == DisputeWon:
		_, err = WinDispute(ctx, tx, d.ID)
	case fact.State == DisputeLost:
		fee := fact.Fee
		if fee.Currency() != paid.Amount.Currency() {
			fee = d.Fee
		}
		_, err = LoseDispute(ctx, tx, d.ID, fee)
	}
	return done(""), err
}

// provider is who took the payment, or the one whose money it is.
func (p Payment) provider(ctx context.Context, tx tenant.Tx) (string, error) {
	var provider string
	err := tx.QueryRow(ctx, `
		with recursive way (id, origin_id, intent_id) as (
		    select id, origin_id, intent_id from payment where id = $1
		    union all
		    select p.id, p.origin_id, p.intent_id from payment p join way on way.origin_id = p.id)
		select i.provider from way join payment_intent i on i.id = way.intent_id`, p.ID).Scan(&provider)
	if errors.Is(err, pgx.ErrNoRows) {
		return Stripe, nil
	}
	if err != nil {
		return "", fmt.Errorf("provider of payment %s: %w", p.ID, err)
	}
	return provider, nil
}

// refundedOfAll is what was refunded of a payment and of those that its money
// was moved to.
func (p Payment) refundedOfAll(ctx context.Context, tx tenant.Tx) (total money.Decimal, err error) {
	err = tx.QueryRow(ctx, `
		with recursive family (id) as (
		    select $1::uuid
		    union all
		    select p.id from payment p join family f on p.origin_id = f.id)
		select coalesce(sum(p.refunded), 0) from family f join payment p on p.id = f.id`, p.ID).Scan(&total)
	if err != nil {
		return total, fmt.Errorf("what was refunded of payment %s: %w", p.ID, err)
	}
	return total, nil
}

func (p Payment) amountOf(d money.Decimal) money.Amount { return money.New(d, p.Amount.Currency()) }

// opensAt says whether the payer can be sent on already.
func (i Intent) opensAt() bool {
	return i.CheckoutURL != "" || i.Detail.QR != "" || i.Detail.Number != ""
}

// pollEvery are how long after a payment began its provider is asked whether it
// was paid, in case that its callback is lost.
var pollAfter = []int{2, 10, 30, 120, 720, 1440, 4320} // minutes

// polled is the detail of an agenda item.
type polled struct {
	Times int `json:"times"`
}

// pollLater has a redirect provider asked, should it stay silent.
func (i *Intent) pollLater(ctx context.Context, tx tenant.Tx) error {
	return pollNext(ctx, tx, i.ID, 0)
}

func pollNext(ctx context.Context, tx tenant.Tx, id uuid.UUID, times int) error {
	if times >= len(pollAfter) {
		return nil
	}
	return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.ProviderPoll, Ref: id, DueAt: tx.At.Add(minutes(pollAfter[times])), Detail: polled{times + 1}})
}
