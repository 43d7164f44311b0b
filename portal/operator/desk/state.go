package desk

import (
	"context"
	"net/http"
	"strings"

	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/desk"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// move is a step in a subscription's life that a clerk may take.
type move struct {
	act    string // as addresses and words name it
	done   string
	from   []account.SubscriptionState
	danger bool
	do     func(ctx context.Context, tx tenant.Tx, stack *billing.Stack, s account.Subscription, w desk.Word) error
}

var (
	suspending = move{act: "suspend", done: "suspended", from: []account.SubscriptionState{account.SubscriptionActive},
		do: func(ctx context.Context, tx tenant.Tx, _ *billing.Stack, s account.Subscription, w desk.Word) error {
			return desk.Suspend(ctx, tx, s.ID, w)
		}}
	resuming = move{act: "resume", done: "resumed", from: []account.SubscriptionState{account.SubscriptionSuspended},
		do: func(ctx context.Context, tx tenant.Tx, stack *billing.Stack, s account.Subscription, w desk.Word) error {
			return stack.Resume(ctx, tx, desk.NewPause{SubscriptionID: s.ID, Reason: w.Reason, By: w.By})
		}}
	// ending is of options and parts: with the present cycle.
	ending = move{act: "end", done: "ending", from: []account.SubscriptionState{account.SubscriptionActive},
		do: func(ctx context.Context, tx tenant.Tx, _ *billing.Stack, s account.Subscription, _ desk.Word) error {
			_, err := onboarding.EndPart(ctx, tx, s.ID, false)
			return err
		}}
	terminating = move{act: "terminate", done: "terminated", danger: true,
		from: []account.SubscriptionState{account.SubscriptionActive, account.SubscriptionSuspended},
		do: func(ctx context.Context, tx tenant.Tx, stack *billing.Stack, s account.Subscription, _ desk.Word) error {
			return stack.Terminate(ctx, tx, s.ID)
		}}
)

func showMove(m move) func(*web.Visit) error {
	return func(v *web.Visit) error {
		p, s, err := loadSubscription(v)
		if err != nil {
			return err
		}
		return p.moveForm(v, s, m).show(v, http.StatusOK)
	}
}

func sendMove(m move) func(*web.Visit) error {
	return func(v *web.Visit) error {
		p, s, err := loadSubscription(v)
		if err != nil {
			return err
		}
		f, reason := p.moveForm(v, s, m), strings.TrimSpace(v.Form("reason"))
		if reason == "" {
			f.fields[0].Error = v.Reader.T("desk.reason.missing")
		}
		c := &command.Command{Action: "subscription." + m.act, Object: "subscription", ID: s.ID, Detail: map[string]any{"account": p.Number, "reason": reason}}
		c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
			return v.Console(p.path("services"), "done", m.done), m.do(ctx, tx, v.Stack, s, desk.Word{Reason: reason, By: v.Who.Actor()})
		}
		return f.settle(v, false, c, nil)
	}
}

// loadSubscription reads the account and the subscription of the address; one
// of another account is not there.
func loadSubscription(v *web.Visit) (*person, account.Subscription, error) {
	p, err := load(v)
	if err != nil {
		return nil, account.Subscription{}, err
	}
	s, err := p.subscription(idOf(v, "subscription"))
	return p, s, err
}

func (p *person) moveForm(v *web.Visit, s account.Subscription, m move) form {
	r, name := v.Reader, p.offerings[s.OfferingID].Names.In(v.Reader.Locale.Language)
	f := p.form(v, "subscriptions/"+s.ID.String()+"/"+m.act)
	f.title, f.danger, f.back = r.T("desk.move."+m.act, "plan", name), m.danger, v.Console(p.path("services"))
	f.fields = []control{reasonControl(v, "")}
	f.effects = []string{r.T("desk.effect."+m.act, "plan", name, "identities", identities(s))}
	switch m.act {
	case "suspend":
		f.effects = append(f.effects, r.T("desk.effect.suspend.fee"))
	case "pause":
		f.effects = append(f.effects, r.T("cycle.effect.pause.fee"))
	case "terminate":
		f.effects = append(f.effects, p.terminationEffects(r, s)...)
	}
	f.submit = r.T("desk.do."+m.act, "plan", name)
	return f
}

// terminationEffects names what ends, and what does not.
func (p *person) terminationEffects(r ui.Reader, s account.Subscription) []string {
	var effects []string
	for _, one := range s.Services {
		for _, i := range one.Identities {
			effects = append(effects, r.T("desk.effect.frees", "kind", r.T("kind."+string(one.Kind)), "identity", i.Value))
		}
	}
	if c, planned := p.changes[s.ID]; planned {
		effects = append(effects, r.T("desk.effect.drops", "plan", p.offerings[c.To].Names.In(r.Locale.Language)))
	}
	if s.Term.Until != nil && s.Term.Until.After(r.Today) {
		fee := "–"
		if s.Term.TerminationFee != nil {
			fee = r.Money(p.amount(*s.Term.TerminationFee))
		}
		effects = append(effects, r.T("desk.effect.term", "date", r.Date(*s.Term.Until), "fee", fee))
	}
	if !p.prepaid() {
		effects = append(effects, r.T("desk.effect.bill", "date", r.Date(p.Cycle.To)))
	}
	return append(effects, r.T("desk.effect.final"))
}

// planForm chooses another plan.
func planForm(v *web.Visit, p *person, s account.Subscription) (form, error) {
	r := v.Reader
	f := p.form(v, "subscriptions/"+s.ID.String()+"/plan")
	f.title, f.back = r.T("desk.act.plan"), v.Console(p.path("services"))
	f.lead = r.T("desk.plan.now", "plan", p.offerings[s.OfferingID].Names.In(r.Locale.Language), "identities", identities(s))
	var choices []ui.Choice
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		fitting, err := desk.Alternatives(ctx, tx, s)
		for _, one := range fitting {
			choices = append(choices, ui.Choice{Value: one.ID.String(), Label: one.Offering.Names.In(r.Locale.Language), Hint: priceWords(r, one.Offering)})
		}
		return err
	})
	if err != nil {
		return f, err
	}
	f.fields = []control{{kind: radios, Field: ui.Field{ID: "plan", Label: r.T("desk.plan.choose"), Value: v.Form("plan")}, choices: chosen(choices, v.Form("plan"))}, reasonControl(v, "")}
	f.fields[1].Optional, f.submit = true, r.T("desk.form.next")
	f.fields = append(f.fields, whenControls(v)...)
	if len(choices) == 0 {
		f.fields, f.submit, f.refused = nil, "", ""
		f.lead += " " + r.T("desk.plan.none")
	}
	return f, nil
}

func showPlan(v *web.Visit) error {
	p, s, err := loadSubscription(v)
	if err != nil {
		return err
	}
	f, err := planForm(v, p, s)
	if err != nil {
		return err
	}
	return f.show(v, http.StatusOK)
}

func sendPlan(v *web.Visit) error {
	p, s, err := loadSubscription(v)
	if err != nil {
		return err
	}
	f, err := planForm(v, p, s)
	if err != nil {
		return err
	}
	r := v.Reader
	n := desk.NewChange{ID: command.ID(v), SubscriptionID: s.ID, OfferingID: parseID(v.Form("plan")), Reason: strings.TrimSpace(v.Form("reason")), By: v.Who.Actor(), Role: string(v.Who.Role)}
	if len(f.fields) == 0 {
		return f.show(v, http.StatusUnprocessableEntity)
	}
	n.Language = r.Locale.Language
	timing(v, &f, &n)
	if !offered(f.fields[0].choices, v.Form("plan")) {
		f.fields[0].Error = r.T("desk.plan.missing")
	} else if len(f.faults()) > 0 {
		return f.show(v, http.StatusUnprocessableEntity)
	} else if err := p.planEffects(v, &f, n); err != nil {
		f.refused = refusal(r, err)
		f.fields[0].Error = f.refused
	}
	c := &command.Command{Action: "subscription.plan", Object: "subscription", ID: s.ID, Detail: map[string]any{"account": p.Number, "offering": n.OfferingID, "reason": n.Reason}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := v.Stack.ChangePlan(ctx, tx, n)
		return v.Console(p.path("services"), "done", "planned"), err
	}
	return f.settle(v, true, c, nil)
}

func offered(choices []ui.Choice, value string) bool {
	for _, c := range choices {
		if c.Value == value {
			return true
		}
	}
	return false
}

// planEffects says from when what would change.
func (p *person) planEffects(v *web.Visit, f *form, n desk.NewChange) error {
	var c desk.Change
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		c, err = desk.Preview(ctx, tx, v.Stack.Desk(), n)
		return err
	})
	if err != nil {
		return err
	}
	r := v.Reader
	name := c.To.Names.In(r.Locale.Language)
	f.effects = []string{
		r.T("desk.plan.effect.old", "plan", c.From.Names.In(r.Locale.Language), "date", r.Date(c.Day.AddDays(-1))),
		r.T("desk.plan.effect.new", "plan", name, "date", r.Date(c.Day), "price", priceWords(r, c.To)),
		r.T("desk.plan.effect.setup"),
	}
	f.effects = append(f.effects, moneyEffects(r, c)...)
	if c.PricedAnew > 0 {
		f.effects = append(f.effects, r.T("desk.plan.effect.usage", "n", counted(r, int(c.PricedAnew)), "date", r.Date(c.Day)))
	}
	for _, o := range c.Options {
		f.effects = append(f.effects, r.T("desk.plan.effect.option", "option", o.Offering.Names.In(r.Locale.Language)))
	}
	for _, kind := range c.Ends {
		f.effects = append(f.effects, r.T("desk.plan.effect.ends", "kind", r.T("kind."+string(kind))))
	}
	if c.Day.After(r.Today) {
		f.effects = append(f.effects, r.T("desk.plan.effect.cancel"))
	}
	f.submit = r.T("desk.plan.do", "plan", name, "date", r.Date(c.Day))
	return nil
}

func cancelPlan(v *web.Visit) error {
	p, s, err := loadSubscription(v)
	if err != nil {
		return err
	}
	change, planned := p.changes[s.ID]
	if !planned {
		return account.ErrNoPlanChange
	}
	next, err := command.CarryOut(v, &command.Command{Action: "subscription.plan.cancel", Object: "subscription", ID: s.ID, Detail: map[string]any{"account": p.Number},
		Do: func(ctx context.Context, tx tenant.Tx) (string, error) {
			_, err := account.CancelPlanChange(ctx, tx, change.ID)
			return v.Console(p.path("services"), "done", "cancelled"), err
		}})
	if err != nil {
		return err
	}
	return v.Lead(next)
}
