package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/catalog"
	"tollhouse/billing/desk"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

// Whom the desk has worked on, by their place among the subscribers.
const (
	withNotes    = 0
	isSuspended  = 2
	askedForMore = 3
	changesPlan  = 5 // the first from here on for whom another plan is sold
	mostLooked   = 40
)

// deskWork is what the desk did in the last days: notes, a service that is
// suspended, a change of plan that is to come, and an order that waits for a
// fact. A history that was cut off after it finds the notes, and does nothing.
func (o *operator) deskWork(ctx context.Context) error {
	byEmail, err := o.connected(ctx)
	if err != nil {
		return err
	}
	accounts := make([]uuid.UUID, 0, askedForMore+1)
	for _, s := range o.people[:min(len(o.people), mostLooked)] {
		accounts = append(accounts, byEmail[s.who.Email])
	}
	return o.stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if len(accounts) <= askedForMore {
			return nil
		}
		noted, err := desk.Notes(ctx, tx, accounts[withNotes], uuid.Nil, 1)
		if err != nil || len(noted) > 0 {
			return err
		}
		if err := o.notes(ctx, tx, accounts[withNotes], accounts[isSuspended]); err != nil {
			return fmt.Errorf("notes: %w", err)
		}
		if err := o.suspendOne(ctx, tx, accounts[isSuspended]); err != nil {
			return fmt.Errorf("suspend: %w", err)
		}
		if err := o.offerLarger(ctx, tx); err != nil {
			return fmt.Errorf("larger offerings: %w", err)
		}
		if err := o.planChange(ctx, tx, accounts[min(changesPlan, len(accounts)):]); err != nil {
			return fmt.Errorf("change of plan: %w", err)
		}
		if err := o.arrange(ctx, tx); err != nil {
			return fmt.Errorf("what is agreed with debtors: %w", err)
		}
		return o.waitingOrder(ctx, tx, o.people[askedForMore])
	})
}

func (o *operator) notes(ctx context.Context, tx tenant.Tx, first, suspended uuid.UUID) error {
	for _, n := range []desk.Note{
		{AccountID: first, Text: "Works nights: call after four in the afternoon.", Pinned: true},
		{AccountID: first, Text: "Asked how the bill is made up; went through the lines together."},
		{AccountID: suspended, Text: "On the way abroad for some months. Wants to keep the number."},
	} {
		n.ID, n.By, n.Author = uuid.Must(uuid.NewV7()), o.clerk, offices[o.application.Country][1].name
		if _, err := desk.AddNote(ctx, tx, n); err != nil {
			return err
		}
	}
	return nil
}

// runningOf is the first subscription of an account that works.
func runningOf(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (account.Subscription, bool, error) {
	all, err := account.Subscriptions(ctx, tx, accountID)
	for _, s := range all {
		if s.State == account.SubscriptionActive {
			return s, true, err
		}
	}
	return account.Subscription{}, false, err
}

func (o *operator) suspendOne(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) error {
	s, found, err := runningOf(ctx, tx, accountID)
	if err != nil || !found {
		return err
	}
	if err := access.SuspendOne(ctx, tx, s.ID, "abroad for some months", o.clerk); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{Caller: audit.Caller{Actor: o.clerk, WallAt: time.Now()}, Action: "subscription.suspend", Object: "subscription", ObjectID: s.ID,
		Detail: map[string]any{"reason": "abroad for some months"}})
}

// larger is an offering with more in it and a price of its own, beside one that
// subscribers have: somewhere to change to.
type larger struct {
	code    string
	name    string
	monthly string
	data    string
}

var largerOf = map[string]larger{
	"nusantara-fiber-100": {"nusantara-fiber-300", "Nusantara Fiber 300", "449000", "300 GB"},
	"hanse-postpaid-flex": {"hanse-postpaid-max", "Hanse Max", "24.99", "20 GB"},
}

// offerLarger puts them on sale.
func (o *operator) offerLarger(ctx context.Context, tx tenant.Tx) error {
	for _, code := range o.offerings {
		l, known := largerOf[code]
		if !known {
			continue
		}
		offering, err := catalog.LoadVersion(ctx, tx, o.versions[code])
		if err != nil {
			return err
		}
		offering.Code, offering.Names = l.code, catalog.Names{"en": l.name, "id": l.name, "ru": l.name}
		for i := range offering.Prices.Recurring {
			offering.Prices.Recurring[i].Amount = money.MustDecimal(l.monthly)
		}
		for i := range offering.Allowances {
			if a := &offering.Allowances[i]; a.Amount.Unit() == money.Byte {
				a.Amount, a.Names = catalog.MustContents(l.data), catalog.Names{"en": l.data + " included", "id": "Kuota " + l.data, "ru": "Пакет " + l.data}
			}
		}
		draft, err := catalog.SaveDraft(ctx, tx, offering)
		if err != nil {
			return err
		}
		if _, err := catalog.Publish(ctx, tx, draft.ID, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// planChange schedules a change to another plan on sale, for the first
// subscriber for whom there is one.
func (o *operator) planChange(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error {
	for _, id := range accounts {
		s, found, err := runningOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		fitting, err := desk.Alternatives(ctx, tx, s)
		if err != nil {
			return err
		}
		if len(fitting) > 0 {
			return o.schedule(ctx, tx, desk.NewChange{ID: uuid.Must(uuid.NewV7()), SubscriptionID: s.ID, OfferingID: fitting[0].ID, Reason: "other needs", By: o.clerk})
		}
	}
	return nil
}

func (o *operator) schedule(ctx context.Context, tx tenant.Tx, n desk.NewChange) error {
	if _, err := desk.Schedule(ctx, tx, o.stack.Desk(), n); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{Caller: audit.Caller{Actor: o.clerk, WallAt: time.Now()}, Action: "subscription.plan", Object: "subscription", ObjectID: n.SubscriptionID,
		Detail: map[string]any{"offering": n.OfferingID, "reason": n.Reason}})
}

// waitingOrder is an order of somebody who has not brought all papers yet.
func (o *operator) waitingOrder(ctx context.Context, tx tenant.Tx, like subscriber) error {
	facts := onboarding.Facts{"party.kind": "individual", "party.name": "", "address.country": o.application.Country}
	for field, value := range o.facts(like) {
		switch field {
		case "address.street", "address.postcode", "address.city":
			facts[field] = value
		}
	}
	names := map[string]string{"ID": "Putri Anggraini", "DE": "Levke Thomsen"}
	facts["party.name"], facts["party.email"] = names[o.application.Country], "waiting@example.net"
	_, err := o.stack.Desk().Place(ctx, tx, []onboarding.NewOrder{{OfferingID: o.versions[o.offerings[0]], Facts: facts, CreatedBy: o.clerk}})
	return err
}
