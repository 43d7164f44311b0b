package subscriber

import (
	"context"
	"errors"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/desk"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// plansView is what the subscriber has, and what it could have instead.
type plansView struct {
	Page    ui.Page
	Key     string
	Done    string
	Refused string
	Plans   []ownPlan
}

// ownPlan is one plan of the subscriber's.
type ownPlan struct {
	ID, Name, Numbers, Price string
	Brings                   []string
	Why                      string // it can't be changed here, in words
	Coming                   string // a change to come, in words
	Drop                     string // address that takes it back; empty: only the operator does
	Others                   []otherPlan
}

// otherPlan is a plan that could take its place.
type otherPlan struct {
	Name, Price, Differs string
	Brings               []string
	Href                 string
}

func plans(v *web.Visit) error { return answerPlans(v, http.StatusOK, "") }

func answerPlans(v *web.Visit, status int, refused string) error {
	r := v.Reader
	s := plansView{Page: pageOf(v, sectionHome, r.T("plan.title")), Key: newKey(), Refused: refused}
	switch done := v.Query("done"); done {
	case "changed", "planned", "dropped":
		s.Done = r.T("plan.done." + done)
	}
	err := read(v, func(ctx context.Context, tx tenant.Tx) error { return s.load(ctx, tx, v) })
	if err != nil {
		return err
	}
	return v.Show(status, plansPage(s))
}

func (s *plansView) load(ctx context.Context, tx tenant.Tx, v *web.Visit) error {
	subscriptions, err := account.Subscriptions(ctx, tx, v.Who.AccountID)
	if err != nil {
		return err
	}
	coming, err := account.ScheduledChanges(ctx, tx, v.Who.AccountID)
	if err != nil {
		return err
	}
	for _, one := range subscriptions {
		if one.State == account.SubscriptionTerminated || one.State == account.SubscriptionPending || one.Part == account.OnTop {
			continue
		}
		o, err := catalog.LoadVersion(ctx, tx, one.OfferingID)
		if err != nil {
			return err
		}
		p := planOf(v, one, o)
		for _, c := range coming {
			if c.SubscriptionID == one.ID {
				if err := p.comes(ctx, tx, v, c); err != nil {
					return err
				}
			}
		}
		if p.Coming == "" {
			if err := p.alternatives(ctx, tx, v, one, o); err != nil {
				return err
			}
		}
		s.Plans = append(s.Plans, p)
	}
	return nil
}

func planOf(v *web.Visit, one account.Subscription, o catalog.Offering) ownPlan {
	words := optionWords(v.Reader, recurringOnly(o))
	return ownPlan{ID: one.ID.String(), Name: words.Name, Numbers: numbersOf(v.Reader, one), Price: words.Price, Brings: words.Brings}
}

// comes tells of a change to come; one's own can be taken back.
func (p *ownPlan) comes(ctx context.Context, tx tenant.Tx, v *web.Visit, c account.PlanChange) error {
	to, err := catalog.LoadVersion(ctx, tx, c.To)
	if err != nil {
		return err
	}
	p.Coming = v.Reader.T("plan.coming", "plan", to.Names.In(v.Reader.Locale.Language), "date", v.Reader.Date(c.TakesEffect))
	if c.By == v.Who.Actor() {
		p.Drop = v.URL("plan/" + p.ID + "/cancel")
	}
	return nil
}

func (p *ownPlan) alternatives(ctx context.Context, tx tenant.Tx, v *web.Visit, one account.Subscription, from catalog.Offering) error {
	own, err := desk.OwnAlternatives(ctx, tx, one)
	if why := planRefusal(v.Reader, one, err); why != "" {
		p.Why = why
		return nil
	}
	if err != nil {
		return err
	}
	for _, to := range own.Plans {
		words := optionWords(v.Reader, recurringOnly(to.Offering))
		p.Others = append(p.Others, otherPlan{Name: words.Name, Price: words.Price, Brings: words.Brings, Differs: differsBy(v.Reader, from, to.Offering),
			Href: v.URL("plan/" + p.ID + "/to/" + to.ID.String())})
	}
	if len(p.Others) == 0 {
		p.Why = v.Reader.T("plan.none")
	}
	return nil
}

// planRefusal says why a subscriber may not change its plan; empty for another
// error.
func planRefusal(r ui.Reader, s account.Subscription, err error) string {
	switch {
	case errors.Is(err, desk.ErrInTerm) && s.Term.Until != nil:
		return r.T("plan.refused.term", "date", r.Date(*s.Term.Until))
	case errors.Is(err, desk.ErrNotByOwn):
		return r.T("plan.refused.desk")
	case errors.Is(err, desk.ErrNotRunning):
		return r.T("plan.refused.state")
	case errors.Is(err, account.ErrChangeScheduled):
		return r.T("plan.refused.coming")
	case errors.Is(err, onboarding.ErrIncomplete), errors.Is(err, onboarding.ErrNotSold), errors.Is(err, desk.ErrNewService), errors.Is(err, desk.ErrInBundle), errors.Is(err, account.ErrSuspended):
		return r.T("plan.refused.desk")
	}
	return ""
}

// differsBy compares what two offerings cost for each period, where both are
// charged by the same one.
func differsBy(r ui.Reader, from, to catalog.Offering) string {
	every, before, one := eachPeriod(from)
	then, after, other := eachPeriod(to)
	if !one || !other || every != then || from.Currency != to.Currency || from.Tax.Included != to.Tax.Included {
		return ""
	}
	switch by := after.Sub(before); by.Sign() {
	case 1:
		return r.T("plan.more", "amount", r.Exact(money.New(by, to.Currency)), "every", r.Every(every))
	case -1:
		return r.T("plan.less", "amount", r.Exact(money.New(by.Neg(), to.Currency)), "every", r.Every(every))
	}
	return r.T("plan.same")
}

// eachPeriod sums the recurring prices; false where they have several periods,
// or there are none.
func eachPeriod(o catalog.Offering) (every catalog.Every, sum money.Decimal, one bool) {
	for i, p := range o.Prices.Recurring {
		if i > 0 && p.Period() != every {
			return every, sum, false
		}
		every, sum, one = p.Period(), sum.Add(p.Amount), true
	}
	return every, sum, one
}

// ownPlanOf is the plan of the address: one of the visitor's own.
func ownPlanOf(ctx context.Context, tx tenant.Tx, v *web.Visit) (account.Subscription, error) {
	one, err := ownSubscription(ctx, tx, v, parseID(v.Param("subscription")))
	if err == nil && one.Part == account.OnTop {
		err = account.ErrNotFound
	}
	return one, err
}

// dropPlan takes a change back that the subscriber had asked for.
func dropPlan(v *web.Visit) error {
	err := onceOwn(v, "plan.change.cancel", map[string]any{"subscription": v.Param("subscription")}, func(ctx context.Context, tx tenant.Tx) error {
		one, err := ownPlanOf(ctx, tx, v)
		if err != nil {
			return err
		}
		coming, err := account.ScheduledChanges(ctx, tx, one.AccountID)
		if err != nil {
			return err
		}
		for _, c := range coming {
			if c.SubscriptionID == one.ID && c.By == v.Who.Actor() {
				_, err := account.CancelPlanChange(ctx, tx, c.ID)
				return err
			}
		}
		return account.ErrNoPlanChange
	})
	if errors.Is(err, account.ErrNoPlanChange) || errors.Is(err, account.ErrChangeEnded) {
		return answerPlans(v, http.StatusUnprocessableEntity, v.Reader.T("plan.refused.late"))
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.URL("plan", "done", "dropped"))
}

// newPlan is the change that a form asks for.
func newPlan(v *web.Visit, when desk.Timing) desk.NewChange {
	id := parseID(v.Form("key"))
	if id == uuid.Nil {
		id = uuid.Must(uuid.NewV7())
	}
	return desk.NewChange{ID: id, SubscriptionID: parseID(v.Param("subscription")), OfferingID: parseID(v.Param("offering")), When: when,
		By: v.Who.Actor(), Language: v.Reader.Locale.Language}
}

// firstBillOf is the day of the bill that a change first shows on.
func firstBillOf(a account.Account, policy calendar.AnchorPolicy, day calendar.Date) calendar.Date {
	if day.Before(a.Cycle.To) {
		return a.Cycle.To
	}
	if day == a.Cycle.To {
		return day // that bill asks for the period that begins
	}
	return a.Cycles(policy).Containing(day.AddDays(-1)).To
}
