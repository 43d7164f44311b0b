package subscriber

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
	"tollhouse/portal/explain"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// optionsView is what the subscriber has on top of its plans, and what it could
// have.
type optionsView struct {
	Page  ui.Page
	Done  string
	Key   string
	Plans []planOptions
}

// planOptions are the options of one plan.
type planOptions struct {
	ID, Name string
	Numbers  string
	Active   []optionView
	Coming   []optionView
	On       []optionView // on sale
}

// optionView is an option in words.
type optionView struct {
	Name, Price string
	Brings      []string
	More        string // since when, until when, or why it cannot be had
	Href        string // where it is bought, or ended
	Drop        string // the order that can still be taken back
}

func options(v *web.Visit) error {
	r := v.Reader
	s := optionsView{Page: pageOf(v, sectionHome, r.T("sales.options")), Key: newKey()}
	for _, done := range []string{"bought", "planned", "ended", "dropped", "stays"} {
		if v.Query("done") == done {
			s.Done = r.T("sales.done." + done)
		}
	}
	err := read(v, func(ctx context.Context, tx tenant.Tx) error { return s.load(ctx, tx, v) })
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, optionsPage(s))
}

func (s *optionsView) load(ctx context.Context, tx tenant.Tx, v *web.Visit) error {
	r := v.Reader
	subscriptions, err := account.Subscriptions(ctx, tx, v.Who.AccountID)
	if err != nil {
		return err
	}
	coming, err := v.Stack.Desk().Coming(ctx, tx, v.Who.AccountID)
	if err != nil {
		return err
	}
	offerings, err := offeringsOf(ctx, tx, append(subscriptions, bought(coming)...))
	if err != nil {
		return err
	}
	for _, one := range subscriptions {
		if one.State == account.SubscriptionTerminated || one.Part == account.OnTop {
			continue
		}
		p := planOptions{ID: one.ID.String(), Name: offerings[one.OfferingID].Names.In(r.Locale.Language), Numbers: numbersOf(r, one)}
		for _, option := range subscriptions {
			if option.Part == account.OnTop && option.PartOf != nil && *option.PartOf == one.ID && option.State != account.SubscriptionTerminated {
				p.Active = append(p.Active, activeOption(v, option, offerings[option.OfferingID]))
			}
		}
		for _, o := range coming {
			if *o.PartOf == one.ID {
				p.Coming = append(p.Coming, comingOption(r, o, offerings[o.OfferingID]))
			}
		}
		sold, err := onboarding.Options(ctx, tx, one.ID)
		if err != nil {
			return err
		}
		for _, o := range sold {
			p.On = append(p.On, soldOption(v, one.ID, o))
		}
		if len(p.Active)+len(p.Coming)+len(p.On) > 0 {
			s.Plans = append(s.Plans, p)
		}
	}
	return nil
}

// bought stands for the subscriptions that orders will become.
func bought(orders []onboarding.Order) []account.Subscription {
	list := make([]account.Subscription, len(orders))
	for i, o := range orders {
		list[i].OfferingID = o.OfferingID
	}
	return list
}

func numbersOf(r ui.Reader, s account.Subscription) string {
	var numbers []string
	for _, one := range s.Services {
		numbers = append(numbers, explain.Readable(explain.ServiceName(r, one)))
	}
	return strings.Join(numbers, ", ")
}

func optionWords(r ui.Reader, o catalog.Offering) optionView {
	view := optionView{Name: o.Names.In(r.Locale.Language), Price: priceWords(r, o)}
	for _, a := range o.Allowances {
		view.Brings = append(view.Brings, a.Names.In(r.Locale.Language)+": "+quantityOf(r, a.Amount.Decimal(), a.Amount.Unit()))
	}
	if o.Option != nil && o.Option.Lasts != nil {
		if lasts := *o.Option.Lasts; lasts.Days > 0 {
			view.Brings = append(view.Brings, r.N("sales.lasts.days", int64(lasts.Days)))
		} else {
			view.Brings = append(view.Brings, r.N("sales.lasts.cycles", int64(lasts.Cycles)))
		}
	}
	return view
}

func activeOption(v *web.Visit, s account.Subscription, o catalog.Offering) optionView {
	r, view := v.Reader, optionWords(v.Reader, o)
	switch {
	case s.EndsOn != nil:
		view.More = r.T("sales.ends", "date", r.Date(s.EndsOn.AddDays(-1)))
	case s.ActivatedAt != nil:
		view.More = r.T("services.since", "date", r.Date(r.LocalDate(*s.ActivatedAt)))
	}
	if s.EndsOn == nil {
		view.Href = v.URL("options/" + s.ID.String() + "/end")
	}
	return view
}

func comingOption(r ui.Reader, order onboarding.Order, o catalog.Offering) optionView {
	view := optionWords(r, o)
	view.Drop, view.More = order.ID.String(), r.T("sales.waits")
	if order.StartsOn != nil {
		view.More = r.T("sales.begins", "date", r.Date(*order.StartsOn))
	}
	return view
}

func soldOption(v *web.Visit, subscription uuid.UUID, o onboarding.Offer) optionView {
	r, view := v.Reader, optionWords(v.Reader, o.Offering)
	if len(o.Obstacles) == 0 {
		view.Href = v.URL("options/" + subscription.String() + "/buy/" + o.ID.String())
		return view
	}
	var why []string
	for _, one := range o.Obstacles {
		why = append(why, r.T("catalog.obstacle."+string(one.Code), "offering", one.Offering))
	}
	view.More = strings.Join(why, ", ")
	return view
}

// priceWords are an offering's prices in words.
func priceWords(r ui.Reader, o catalog.Offering) string {
	var words []string
	for _, p := range o.Prices.Recurring {
		words = append(words, r.T("sales.price", "amount", r.Exact(money.New(p.Amount, o.Currency)), "every", r.Every(p.Period())))
	}
	for _, p := range o.Prices.OneTime {
		words = append(words, r.T("sales.price.once", "amount", r.Exact(money.New(p.Amount, o.Currency))))
	}
	if len(words) == 0 {
		return r.T("sales.price.free")
	}
	text := strings.Join(words, ", ")
	if !o.Tax.Included {
		text += " " + r.T("sales.price.tax")
	}
	return text
}

// atOnce is what an option costs where it begins.
func atOnce(o catalog.Offering) money.Decimal {
	sum := money.Decimal{}
	for _, p := range o.Prices.Recurring {
		sum = sum.Add(p.Amount)
	}
	for _, p := range o.Prices.OneTime {
		sum = sum.Add(p.Amount)
	}
	return sum
}

// cycleEndOf is where an account's next cycle begins.
func cycleEndOf(v *web.Visit, a account.Account) calendar.Date {
	return a.Cycles(v.Profile.AnchorPolicy).Containing(v.Reader.Today).To
}

// reaches says whether a prepaid balance pays for an option now.
func reaches(ctx context.Context, tx tenant.Tx, a account.Account, o catalog.Offering) (available money.Amount, enough bool, err error) {
	if a.Kind != account.Prepaid {
		return money.Amount{}, true, nil
	}
	standing, err := charging.Available(ctx, tx, a.ID, tx.At)
	return money.New(standing.Available(), a.Currency), standing.Available().Cmp(atOnce(o)) >= 0, err
}
