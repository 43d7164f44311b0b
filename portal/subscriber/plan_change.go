package subscriber

import (
	"context"
	"errors"
	"net/http"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/desk"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// planView asks once more before a plan is changed, for each time at which it
// may be.
type planView struct {
	Page         ui.Page
	Key          string
	Title        string
	Refused      string
	Action, Back string
	From, To     otherPlan
	Times        []planTime
	Ends         []string // what ends with the old plan
}

// planTime is the change at one time.
type planTime struct {
	Value, Title, Lead string
	Back               string      // that some of what was paid is given back
	Lines              [][2]string // what the first bill, or the balance, has of it
	Net                [2]string
	Then               string
	Do                 string
	TopUp              string // address that helps a balance that is too low
	Poor               string
}

func showPlan(v *web.Visit) error { return answerPlan(v, http.StatusOK, "") }

func answerPlan(v *web.Visit, status int, refused string) error {
	r := v.Reader
	s := planView{Page: pageOf(v, sectionHome, r.T("plan.title")), Key: newKey(), Refused: refused, Back: v.URL("plan"),
		Action: v.URL("plan/" + v.Param("subscription") + "/to/" + v.Param("offering"))}
	var one account.Subscription
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		if one, err = ownPlanOf(ctx, tx, v); err == nil {
			err = s.load(ctx, tx, v, one)
		}
		return err
	})
	if why := planRefusal(r, one, err); why != "" {
		return answerPlans(v, http.StatusUnprocessableEntity, why)
	}
	if err != nil {
		return err
	}
	return v.Show(status, planPage(s))
}

// load looks at the change at every time that the offering allows.
func (s *planView) load(ctx context.Context, tx tenant.Tx, v *web.Visit, one account.Subscription) error {
	r := v.Reader
	own, err := desk.OwnAlternatives(ctx, tx, one)
	if err != nil {
		return err
	}
	a, err := account.Get(ctx, tx, one.AccountID)
	if err != nil {
		return err
	}
	for _, when := range []desk.Timing{desk.Now, desk.AtPeriodEnd} {
		target, err := catalog.Get(ctx, tx, parseID(v.Param("offering")))
		if err != nil {
			return err
		}
		if !own.Rule.Allows(target.Offering.Code, catalog.ChangeTime(when)) {
			continue
		}
		c, lacks, err := desk.PreviewOwn(ctx, tx, v.Stack.Desk(), newPlan(v, when))
		if err != nil {
			return err
		}
		if len(s.Times) == 0 {
			from, to := optionWords(r, recurringOnly(c.From)), optionWords(r, recurringOnly(c.To))
			s.Title = r.T("plan.confirm", "plan", to.Name)
			s.From = otherPlan{Name: from.Name, Price: from.Price, Brings: from.Brings}
			s.To = otherPlan{Name: to.Name, Price: to.Price, Brings: to.Brings, Differs: differsBy(r, c.From, c.To)}
			for _, o := range c.Options {
				s.Ends = append(s.Ends, r.T("plan.ends.option", "name", o.Offering.Names.In(r.Locale.Language)))
			}
			for _, kind := range c.Ends {
				s.Ends = append(s.Ends, r.T("plan.ends.service", "name", r.T("kind."+string(kind))))
			}
		}
		s.Times = append(s.Times, timeOf(v, a, when, c, lacks))
	}
	if len(s.Times) == 0 {
		return desk.ErrNotByOwn
	}
	return nil
}

func timeOf(v *web.Visit, a account.Account, when desk.Timing, c desk.Change, lacks money.Amount) planTime {
	r, prepaid := v.Reader, a.Kind == account.Prepaid
	t := planTime{Value: string(when), Title: r.T("plan.when." + string(when)), Do: r.T("plan.do." + string(when))}
	t.Lead = r.T("plan.lead", "plan", c.To.Names.In(r.Locale.Language), "date", r.Date(c.Day))
	if when == desk.AtPeriodEnd {
		t.Title, t.Do = r.T("plan.when.period_end", "date", r.Date(c.Day)), r.T("plan.do.period_end", "date", r.Date(c.Day))
		t.Lead = r.T("plan.lead.end", "plan", c.From.Names.In(r.Locale.Language), "date", r.Date(c.Day.AddDays(-1)))
	}
	lines := c.Money.Lines
	if when == desk.AtPeriodEnd {
		lines = nil // what the old plan costs until then it costs in any case
	}
	for _, l := range lines {
		if l.Price.Sign() < 0 {
			t.Back = r.T("plan.back")
		}
		t.Lines = append(t.Lines, [2]string{quoteWords(r, l), r.Money(l.Price)})
	}
	bill := r.Date(firstBillOf(a, v.Profile.AnchorPolicy, c.Day))
	switch {
	case len(lines) == 0:
	case prepaid && c.Money.Net.Sign() < 0:
		t.Net = [2]string{r.T("plan.net.back"), r.Money(c.Money.Net.Neg())}
	case prepaid:
		t.Net = [2]string{r.T("plan.net.balance"), r.Money(c.Money.Net)}
	default:
		t.Net = [2]string{r.T("plan.net.bill", "date", bill), r.Money(c.Money.Net)}
	}
	if len(lines) == 0 && !prepaid {
		t.Then = r.T("plan.then.first", "date", bill, "price", priceWords(r, recurringOnly(c.To)))
	} else {
		t.Then = r.T("plan.then", "price", priceWords(r, recurringOnly(c.To)))
	}
	if lacks.Sign() > 0 {
		t.Poor, t.TopUp = r.T("plan.poor", "amount", r.Money(lacks)), v.URL("")+"#amount"
	}
	return t
}

func quoteWords(r ui.Reader, l bill.QuoteLine) string {
	key := "plan.line"
	if l.Price.Sign() < 0 {
		key = "plan.line.back"
	}
	return r.T(key, "name", l.Name, "from", r.Date(l.Period.From), "to", r.Date(l.Period.To.AddDays(-1)))
}

// recurringOnly is an offering without what is charged once: a change of plan
// does not ask for it.
func recurringOnly(o catalog.Offering) catalog.Offering {
	o.Prices.OneTime = nil
	return o
}

// changePlan does what the page has shown.
func changePlan(v *web.Visit) error {
	when := desk.Timing(v.Form("when"))
	var one account.Subscription
	err := onceOwn(v, "plan.change", map[string]any{"subscription": v.Param("subscription"), "offering": v.Param("offering"), "when": string(when)}, func(ctx context.Context, tx tenant.Tx) (err error) {
		if one, err = ownPlanOf(ctx, tx, v); err != nil {
			return err
		}
		if _, err := account.Lock(ctx, tx, one.AccountID); err != nil {
			return err
		}
		n := newPlan(v, when)
		_, lacks, err := desk.PreviewOwn(ctx, tx, v.Stack.Desk(), n)
		if err != nil {
			return err
		}
		if lacks.Sign() > 0 {
			return errPoor
		}
		_, err = v.Stack.ChangePlan(ctx, tx, n)
		return err
	})
	if why := planRefusal(v.Reader, one, err); why != "" {
		return answerPlans(v, http.StatusUnprocessableEntity, why)
	}
	switch {
	case errors.Is(err, errPoor), errors.Is(err, charging.ErrInsufficient):
		return answerPlan(v, http.StatusUnprocessableEntity, v.Reader.T("sales.buy.poor"))
	case err != nil:
		return err
	case when == desk.Now:
		return v.Redirect(v.URL("plan", "done", "changed"))
	}
	return v.Redirect(v.URL("plan", "done", "planned"))
}
