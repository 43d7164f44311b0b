package subscriber

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/history"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// Rows on the page.
const (
	latestUses  = 10
	latestBills = 6
)

// facts are what the page is made of, read in one transaction.
type facts struct {
	at            time.Time
	profile       account.Profile
	account       account.Account
	party         account.Party
	subscriptions []account.Subscription
	offerings     map[uuid.UUID]catalog.Offering
	buckets       []balance.Bucket
	owed          []payment.OpenItem
	bills         bill.Page
	uses          []history.Use
	days          []history.Day
	intent        *payment.Intent
	period        period
	statement     bill.AccountStatement
}

// wish is what of the page was asked for besides its beginning.
type wish struct {
	period string        // of the statement
	bills  bill.Cursor   // where the list of bills begins
	uses   history.Place // where the list of usage begins
	intent uuid.UUID     // the payment that somebody comes back from
}

func wishOf(v *web.Visit) wish {
	w := wish{period: v.Query("period")}
	if before, err := calendar.ParseDate(v.Query("bills")); err == nil {
		w.bills.Before = before
	}
	if at, err := time.Parse(time.RFC3339Nano, v.Query("usage")); err == nil {
		w.uses = history.Place{At: at, ID: parseID(v.Query("use"))}
	}
	for _, name := range []string{"paid", "canceled"} {
		if id := parseID(v.Query(name)); id != uuid.Nil {
			w.intent = id
		}
	}
	return w
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
func load(ctx context.Context, tx tenant.Tx, v *web.Visit, w wish) (f facts, err error) {
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
		func() (err error) { f.owed, err = payment.OpenItems(ctx, tx, id); return err },
		func() (err error) { f.bills, err = bill.List(ctx, tx, id, w.bills, latestBills); return err },
		func() (err error) { f.uses, err = history.Uses(ctx, tx, id, w.uses, latestUses+1); return err },
		func() (err error) { f.days, err = daysOf(ctx, tx, f); return err },
		func() (err error) { f.intent, err = ownIntent(ctx, tx, id, w.intent); return err },
		func() (err error) { f.period, f.statement, err = statementOf(ctx, tx, v, w.period); return err },
	} {
		if err := read(); err != nil {
			return facts{}, err
		}
	}
	return f, nil
}

func offeringsOf(ctx context.Context, tx tenant.Tx, subscriptions []account.Subscription) (map[uuid.UUID]catalog.Offering, error) {
	offerings := map[uuid.UUID]catalog.Offering{}
	for _, s := range subscriptions {
		if _, known := offerings[s.OfferingID]; known {
			continue
		}
		o, err := catalog.LoadVersion(ctx, tx, s.OfferingID)
		if err != nil {
			return nil, err
		}
		offerings[s.OfferingID] = o
	}
	return offerings, nil
}

// daysOf is the usage of the open cycle, by day.
func daysOf(ctx context.Context, tx tenant.Tx, f facts) ([]history.Day, error) {
	from, to := f.account.Cycle.Instants(f.profile.Zone)
	return history.Days(ctx, tx, f.account.ID, from, to, f.profile.Zone)
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

// offeringOf is what a subscription's plan says; false for the whole account.
func (f *facts) offeringOf(subscription *uuid.UUID) (catalog.Offering, bool) {
	for _, s := range f.subscriptions {
		if subscription != nil && s.ID == *subscription {
			return f.offerings[s.OfferingID], true
		}
	}
	return catalog.Offering{}, false
}

// homeView is the whole page.
type homeView struct {
	Page      ui.Page
	Name      string
	Number    string
	AsOf      string
	Base      string
	Payment   *paymentView
	Refused   *refusal
	Due       dueView
	TopUp     *topUpView
	Left      leftView
	Services  []serviceView
	Usage     usageView
	Statement statementView
	Bills     billsView
}

// refusal is why something that was asked for by a form was not done.
type refusal struct{ Title, More string }

// newKey makes a form's key: whatever is sent with it again has the effect of
// once.
func newKey() string { return uuid.NewString() }
