package desk

import (
	"context"
	"net/http"
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// optionForm offers what can be had on top of a subscription, and says of the
// rest why not.
func optionForm(v *web.Visit, p *person, s account.Subscription) (form, error) {
	r := v.Reader
	f := p.form(v, "subscriptions/"+s.ID.String()+"/option")
	f.title, f.back = r.T("desk.act.option"), v.Console(p.path("services"))
	f.lead = r.T("desk.plan.now", "plan", p.offerings[s.OfferingID].Names.In(r.Locale.Language), "identities", identities(s))
	var choices []ui.Choice
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		offers, err := onboarding.Options(ctx, tx, s.ID)
		for _, o := range offers {
			name := o.Offering.Names.In(r.Locale.Language)
			if len(o.Obstacles) == 0 {
				choices = append(choices, ui.Choice{Value: o.ID.String(), Label: name, Hint: priceWords(r, o.Offering)})
				continue
			}
			var why []string
			for _, one := range o.Obstacles {
				why = append(why, r.T("catalog.obstacle."+string(one.Code), "offering", one.Offering))
			}
			f.lead += " " + name + ": " + strings.Join(why, ", ") + "."
		}
		return err
	})
	if err != nil {
		return f, err
	}
	when := []ui.Choice{{Value: "now", Label: r.T("catalog.option.now")}, {Value: "next_cycle", Label: r.T("catalog.option.next")}}
	f.fields = []control{
		{kind: radios, Field: ui.Field{ID: "option", Label: r.T("catalog.option.choose"), Value: v.Form("option")}, choices: chosen(choices, v.Form("option"))},
		{kind: radios, Field: ui.Field{ID: "when", Label: r.T("catalog.option.when"), Value: v.Form("when")}, choices: chosen(when, v.Form("when"))},
	}
	f.submit = r.T("desk.form.next")
	if len(choices) == 0 {
		f.fields, f.submit, f.refused = nil, "", ""
		f.lead += " " + r.T("catalog.option.none")
	}
	return f, nil
}

func showOption(v *web.Visit) error {
	p, s, err := loadSubscription(v)
	if err != nil {
		return err
	}
	f, err := optionForm(v, p, s)
	if err != nil {
		return err
	}
	return f.show(v, http.StatusOK)
}

// sendOption places the order and lets it through the gate, or lets it wait for
// the next cycle.
func sendOption(v *web.Visit) error {
	p, s, err := loadSubscription(v)
	if err != nil {
		return err
	}
	f, err := optionForm(v, p, s)
	if err != nil {
		return err
	}
	r := v.Reader
	if len(f.fields) == 0 {
		return f.show(v, http.StatusUnprocessableEntity)
	}
	if !offered(f.fields[0].choices, v.Form("option")) {
		f.fields[0].Error = r.T("catalog.option.missing")
	}
	if !offered(f.fields[1].choices, v.Form("when")) {
		f.fields[1].Error = r.T("catalog.option.when.missing")
	}
	for _, c := range f.fields[0].choices {
		if c.Value == v.Form("option") {
			f.effects = []string{c.Label + ": " + c.Hint}
		}
	}
	n := onboarding.NewOrder{OfferingID: parseID(v.Form("option")), PartOf: &s.ID, NextCycle: v.Form("when") == "next_cycle", CreatedBy: v.Who.Actor(), Branch: v.User.Branch}
	c := &command.Command{Action: "order.place", Object: "subscription", ID: s.ID, Detail: map[string]any{"account": p.Number, "offering": n.OfferingID, "next_cycle": n.NextCycle}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		placed, err := v.Stack.Desk().Place(ctx, tx, []onboarding.NewOrder{n})
		if err == nil && !n.NextCycle {
			_, err = v.Stack.Desk().Activate(ctx, tx, placed[0].ID)
		}
		return v.Console(p.path("services")), err
	}
	return f.settle(v, true, c, nil)
}
