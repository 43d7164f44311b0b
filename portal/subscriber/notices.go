package subscriber

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/alert"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
	"tollhouse/portal/explain"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// alertView is a threshold that was crossed, and what the subscriber can do.
type alertView struct {
	ID, Text, At string
	Held         bool
	Offer        *offeredView // nil: nothing is offered, or no more
}

// offeredView is an option that can be had with one tap.
type offeredView struct {
	Key, Title string
	Brings     []string
	Href       string // where it is bought
	Do         string
	Poor       string // the balance does not reach: why
	TopUp      string
}

// mostNotices bounds what is read of an account's crossings.
const mostNotices = 10

// noticesOf reads an account's crossings, the newest first. What is offered is
// offered until the cycle is over, and once for each option.
func noticesOf(ctx context.Context, tx tenant.Tx, v *web.Visit, a account.Account, subscriptions []account.Subscription, offerings map[uuid.UUID]catalog.Offering) ([]alertView, error) {
	list, err := alert.List(ctx, tx, a.ID, mostNotices)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	offered := map[string]bool{}
	begins := a.Cycle.From.Start(v.Profile.Zone)
	views := make([]alertView, 0, len(list))
	for i := range list {
		one := &list[i]
		view := alertView{ID: one.ID.String(), Text: alertWords(v.Reader, one, subscriptions, offerings), At: v.Reader.Short(one.At), Held: one.State == alert.Held}
		if one.Action == alert.Offer && !offered[one.Terms.Offer] && !one.At.Before(begins) {
			offered[one.Terms.Offer] = true
			if view.Offer, err = offeredBy(ctx, tx, v, a, one, subscriptions); err != nil {
				return nil, err
			}
		}
		views = append(views, view)
	}
	return views, nil
}

// alertWords tells what was crossed, with the names that the subscriber knows.
func alertWords(r ui.Reader, a *alert.Alert, subscriptions []account.Subscription, offerings map[uuid.UUID]catalog.Offering) string {
	name := a.Terms.Code
	if allowance, found := explain.AllowanceNamed(explain.OfferingOf(a.SubscriptionID, name, subscriptions, offerings), name); found {
		name = allowance.Names.In(r.Locale.Language)
	}
	text := r.T("wallet.alert."+string(a.Terms.Measure), "reached", quantityOf(r, a.Reached, a.Unit), "threshold", quantityOf(r, a.Threshold, a.Unit), "percent", r.Number(a.Terms.Percent), "code", name)
	if a.State == alert.Held {
		text += " " + r.T("wallet.alert.held."+string(a.Action))
	}
	return text
}

// offeredBy is what a crossing offers: the option for the subscription that it
// is about, or for the first that can have it; nil if none can.
func offeredBy(ctx context.Context, tx tenant.Tx, v *web.Visit, a account.Account, one *alert.Alert, subscriptions []account.Subscription) (*offeredView, error) {
	for _, s := range subscriptions {
		if s.State != account.SubscriptionActive || s.Part == account.OnTop || one.SubscriptionID != nil && *one.SubscriptionID != s.ID {
			continue
		}
		sold, err := onboarding.Options(ctx, tx, s.ID)
		if err != nil {
			return nil, err
		}
		for _, o := range sold {
			if o.Code == one.Terms.Offer && len(o.Obstacles) == 0 {
				return newOffered(ctx, tx, v, a, s.ID, o)
			}
		}
	}
	return nil, nil
}

func newOffered(ctx context.Context, tx tenant.Tx, v *web.Visit, a account.Account, subscription uuid.UUID, o onboarding.Offer) (*offeredView, error) {
	r, words := v.Reader, soldOption(v, subscription, o)
	_, enough, err := reaches(ctx, tx, a, o.Offering)
	if err != nil {
		return nil, err
	}
	view := &offeredView{Key: newKey(), Title: words.Name + ", " + words.Price, Brings: words.Brings, Href: words.Href, Do: r.T("offered.take", "price", r.Money(money.New(atOnce(o.Offering), o.Offering.Currency)))}
	if !enough {
		view.Poor, view.TopUp = r.T("sales.buy.poor"), v.URL("")+"#amount"
	}
	return view, nil
}

// pressing are those that a person should see at once: what is held, and what
// can be had.
func pressing(all []alertView) (some []alertView) {
	for _, a := range all {
		if a.Held || a.Offer != nil {
			some = append(some, a)
		}
	}
	return some
}
