package subscriber

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/points"
	"tollhouse/billing/tenant"
	"tollhouse/portal/explain"
	"tollhouse/portal/web"
)

// facts are what the home page is made of, read in one transaction.
type facts struct {
	at            time.Time
	profile       account.Profile
	account       account.Account
	party         account.Party
	subscriptions []account.Subscription
	offerings     map[uuid.UUID]catalog.Offering
	buckets       []balance.Bucket
	standing      charging.Standing // what running sessions hold back
	owed          []payment.OpenItem
	intent        *payment.Intent
	changes       []comingChange
	alerts        []alertView
	points        *money.Decimal // nil: there is no programme
	wall          wallFacts
	shares        bool // it owns a group, or is a member of one
}

// intentAsked is the payment that somebody comes back from, or none.
func intentAsked(v *web.Visit) uuid.UUID {
	for _, name := range []string{"paid", "canceled"} {
		if id := parseID(v.Query(name)); id != uuid.Nil {
			return id
		}
	}
	return uuid.Nil
}

// parseID reads an id from an address; what is none names nothing.
func parseID(text string) uuid.UUID {
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil
	}
	return id
}

// load reads the page's facts. The parts don't depend on each other but for
// the account, which tells whose they are.
func load(ctx context.Context, tx tenant.Tx, v *web.Visit, intent uuid.UUID) (f facts, err error) {
	f = facts{at: tx.At, profile: v.Profile}
	if f.account, err = account.Get(ctx, tx, v.Who.AccountID); err != nil {
		return facts{}, err
	}
	id := f.account.ID
	for _, read := range []func() error{
		func() (err error) { f.party, err = account.GetParty(ctx, tx, f.account.PartyID); return err },
		func() (err error) { f.subscriptions, err = account.Subscriptions(ctx, tx, id); return err },
		func() (err error) { f.offerings, err = offeringsOf(ctx, tx, f.subscriptions); return err },
		func() (err error) { f.buckets, err = balance.List(ctx, tx, id); return err },
		func() (err error) { f.standing, err = charging.Available(ctx, tx, id, tx.At); return err },
		func() (err error) { f.owed, err = payment.OpenItems(ctx, tx, id); return err },
		func() (err error) { f.changes, err = comingChanges(ctx, tx, v); return err },
		func() (err error) {
			f.alerts, err = noticesOf(ctx, tx, v, f.account, f.subscriptions, f.offerings)
			return err
		},
		func() (err error) { f.wall, err = loadWall(ctx, tx, id, v.Stack.Collection()); return err },
		func() error { return f.loadMore(ctx, tx) },
		func() (err error) { f.intent, err = ownIntent(ctx, tx, id, intent); return err },
	} {
		if err := read(); err != nil {
			return facts{}, err
		}
	}
	return f, nil
}

// loadMore reads whether there is a points programme, and a sharing group.
func (f *facts) loadMore(ctx context.Context, tx tenant.Tx) error {
	programme, err := points.Get(ctx, tx)
	if err != nil {
		return err
	}
	if len(programme.Earnings)+len(programme.Rewards) > 0 {
		var total money.Decimal
		for i := range f.buckets {
			if f.buckets[i].Unit == money.Point {
				total = total.Add(f.buckets[i].Value)
			}
		}
		f.points = &total
	}
	f.shares, err = balance.Shares(ctx, tx, f.account.ID)
	return err
}

func offeringsOf(ctx context.Context, tx tenant.Tx, subscriptions []account.Subscription) (map[uuid.UUID]catalog.Offering, error) {
	ids := make([]uuid.UUID, len(subscriptions))
	for i, s := range subscriptions {
		ids[i] = s.OfferingID
	}
	return catalog.LoadVersions(ctx, tx, ids)
}

// ownIntent is a payment of the account, or nil: another's is not there.
func ownIntent(ctx context.Context, tx tenant.Tx, accountID, id uuid.UUID) (*payment.Intent, error) {
	if id == uuid.Nil {
		return nil, nil
	}
	intent, err := payment.GetIntent(ctx, tx, id)
	if errors.Is(err, payment.ErrNotFound) || err == nil && intent.AccountID != accountID {
		return nil, nil
	}
	return &intent, err
}

// amount is a number in the account's currency.
func (f *facts) amount(d money.Decimal) money.Amount { return money.New(d, f.account.Currency) }

func (f *facts) prepaid() bool { return f.account.Kind == account.Prepaid }

// offeringOf is the offering that a balance comes from; none for what is of the
// whole account.
func (f *facts) offeringOf(b *balance.Bucket) catalog.Offering {
	return explain.OfferingOf(b.SubscriptionID, b.Code, f.subscriptions, f.offerings)
}

// newKey makes a form's key: whatever is sent with it again has the effect of
// once.
func newKey() string { return uuid.NewString() }
