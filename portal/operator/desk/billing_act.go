package desk

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/desk"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// whenControls ask when a new plan begins.
func whenControls(v *web.Visit) []control {
	r := v.Reader
	when := v.Form("when")
	if when == "" {
		when = string(desk.AtPeriodEnd)
	}
	var choices []ui.Choice
	for _, one := range []desk.Timing{desk.AtPeriodEnd, desk.Now, desk.OnDate} {
		choices = append(choices, ui.Choice{Value: string(one), Label: r.T("cycle.when." + string(one)), Hint: r.T("cycle.when." + string(one) + ".hint")})
	}
	return []control{
		{kind: radios, Field: ui.Field{ID: "when", Label: r.T("cycle.when"), Value: when}, choices: chosen(choices, when)},
		{kind: line, Field: ui.Field{ID: "day", Label: r.T("cycle.when.day"), Kind: "date", Value: v.Form("day"), Optional: true}},
	}
}

// timing reads when a plan is to begin; a fault stands beside the day.
func timing(v *web.Visit, f *form, n *desk.NewChange) {
	n.When = desk.Timing(v.Form("when"))
	if n.When != desk.OnDate {
		return
	}
	day, err := calendar.ParseDate(v.Form("day"))
	if err != nil {
		for i := range f.fields {
			if f.fields[i].ID == "day" {
				f.fields[i].Error = v.Reader.T("cycle.day.missing")
			}
		}
	}
	n.Day = day
}

// moneyEffects say what a change of plan gives back and asks.
func moneyEffects(r ui.Reader, c desk.Change) []string {
	var effects []string
	for _, l := range c.Money.Lines {
		effects = append(effects, r.T("cycle.money.line", "name", l.Name, "from", r.Date(l.Period.From), "to", r.Date(l.Period.To.AddDays(-1)), "amount", r.Money(l.Price)))
	}
	if len(c.Money.Lines) > 0 {
		effects = append(effects, r.T("cycle.money.net", "amount", r.Money(c.Money.Net)))
	}
	return effects
}

// pausing lets a subscription rest.
var pausing = move{act: "pause", done: "paused", from: []account.SubscriptionState{account.SubscriptionActive},
	do: func(ctx context.Context, tx tenant.Tx, stack *billing.Stack, s account.Subscription, w desk.Word) error {
		return stack.Pause(ctx, tx, desk.NewPause{SubscriptionID: s.ID, Reason: w.Reason, By: w.By})
	}}

// cycleForm chooses how often an account is billed from its open cycle's end on.
func cycleForm(v *web.Visit, p *person) form {
	r := v.Reader
	f := p.form(v, "cycle")
	f.lead = r.T("cycle.now", "from", r.Date(p.Cycle.From), "to", r.Date(p.Cycle.To.AddDays(-1)))
	if p.Changes != nil && p.Changes.Next != nil {
		f.lead += " " + r.T("cycle.planned", "date", r.Date(p.Cycle.To))
	}
	every := v.Form("every")
	if every == "" {
		every = "1"
	}
	var choices []ui.Choice
	for _, one := range []string{"1", "3", "6", "12", "7", "14", "28"} {
		choices = append(choices, ui.Choice{Value: one, Label: r.T("cycle.every." + one)})
	}
	anchor := v.Form("anchor")
	if anchor == "" && !sent(v) {
		anchor = p.Cycle.To.String()
	}
	f.fields = []control{
		{kind: selects, Field: ui.Field{ID: "every", Label: r.T("cycle.every"), Value: every}, choices: chosen(choices, every)},
		{kind: line, Field: ui.Field{ID: "anchor", Label: r.T("cycle.anchor"), Hint: r.T("cycle.anchor.hint"), Kind: "date", Value: anchor}},
	}
	f.submit = r.T("cycle.do")
	return f
}

func showCycle(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	return cycleForm(v, p).show(v, http.StatusOK)
}

func sendCycle(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	r, f := v.Reader, cycleForm(v, p)
	next := account.Every{}
	if next.Anchor, err = calendar.ParseDate(v.Form("anchor")); err != nil {
		f.fields[1].Error = r.T("cycle.day.missing")
	}
	n, err := strconv.Atoi(v.Form("every"))
	if err != nil || !offered(f.fields[0].choices, v.Form("every")) {
		f.fields[0].Error = r.T("cycle.every.missing")
	}
	if next.Months = n; n == 7 || n == 14 || n == 28 {
		next.Months, next.Days = 0, n
	}
	if len(f.faults()) == 0 {
		would := p.Account
		would.Changes = &account.CycleChanges{Next: &next}
		bridge := would.Following(calendar.Clamp)
		err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
			profile, err := account.GetProfile(ctx, tx)
			bridge = would.Following(profile.AnchorPolicy)
			return err
		})
		if err != nil {
			return err
		}
		f.effects = []string{
			r.T("cycle.effect.last", "date", r.Date(p.Cycle.To.AddDays(-1))),
			r.T("cycle.effect.bridge", "from", r.Date(bridge.From), "to", r.Date(bridge.To.AddDays(-1))),
		}
	}
	c := &command.Command{Action: "changeCycle", Object: "account", ID: p.ID, Detail: map[string]any{"anchor": next.Anchor.String(), "months": next.Months, "days": next.Days}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := account.ChangeCycle(ctx, tx, p.ID, &next, v.Who.Actor())
		return v.Console(p.path(""), "done", "cycle"), err
	}
	return f.settle(v, true, c, nil)
}

// billNowForm bills an account in advance of its cycle's end.
func billNowForm(v *web.Visit, p *person) form {
	r := v.Reader
	f := p.form(v, "bill-now")
	f.lead = r.T("cycle.billnow.lead", "date", r.Date(p.Cycle.To))
	scope := v.Form("scope")
	if scope == "" {
		scope = string(bill.ScopeAll)
	}
	choices := []ui.Choice{
		{Value: string(bill.ScopeAll), Label: r.T("cycle.billnow.all"), Hint: r.T("cycle.billnow.all.hint")},
		{Value: string(bill.ScopeItems), Label: r.T("cycle.billnow.items"), Hint: r.T("cycle.billnow.items.hint")},
	}
	f.fields = []control{{kind: radios, Field: ui.Field{ID: "scope", Label: r.T("cycle.billnow.what"), Value: scope}, choices: chosen(choices, scope)}}
	f.submit = r.T("cycle.billnow.do")
	return f
}

func showBillNow(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	return billNowForm(v, p).show(v, http.StatusOK)
}

func sendBillNow(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	f := billNowForm(v, p)
	scope := bill.Scope(v.Form("scope"))
	if !offered(f.fields[0].choices, string(scope)) {
		f.fields[0].Error = v.Reader.T("cycle.billnow.missing")
	}
	c := &command.Command{Action: "billNow", Object: "account", ID: p.ID, Detail: map[string]any{"scope": string(scope)}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		d, err := v.Stack.BillNow(ctx, tx, p.ID, scope)
		return v.Console("bills/" + d.ID.String()), err
	}
	return f.settle(v, false, c, nil)
}

// itemForm puts a charge or a credit on the next bill.
func itemForm(v *web.Visit, p *person) form {
	r := v.Reader
	f := p.form(v, "bill-item")
	f.lead = r.T("cycle.item.lead", "date", r.Date(p.Cycle.To))
	kind := v.Form("kind")
	if kind == "" {
		kind = string(bill.ItemCharge)
	}
	choices := []ui.Choice{{Value: string(bill.ItemCharge), Label: r.T("cycle.item.charge")}, {Value: string(bill.ItemCredit), Label: r.T("cycle.item.credit")}}
	f.fields = []control{
		{kind: radios, Field: ui.Field{ID: "kind", Label: r.T("cycle.item.kind"), Value: kind}, choices: chosen(choices, kind)},
		{kind: line, Field: ui.Field{ID: "words", Label: r.T("cycle.item.words"), Value: v.Form("words"), MaxLength: "200"}},
		{kind: line, Field: ui.Field{ID: "amount", Label: r.T("cycle.item.amount"), Value: v.Form("amount"), InputMode: "decimal"}},
	}
	f.submit = r.T("cycle.item.do")
	return f
}

func showItem(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	return itemForm(v, p).show(v, http.StatusOK)
}

func sendItem(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	r, f := v.Reader, itemForm(v, p)
	words := strings.TrimSpace(v.Form("words"))
	if words == "" {
		f.fields[1].Error = r.T("cycle.item.words.missing")
	}
	amount, err := ui.ParseAmount(v.Form("amount"), p.Currency, r.Locale)
	if err != nil || amount.Sign() <= 0 {
		f.fields[2].Error = r.T("cycle.item.amount.missing")
	}
	id := command.ID(v)
	i := bill.Item{ID: id, Account: p.ID, Kind: bill.ItemKind(v.Form("kind")), Code: v.Form("kind"), Words: map[string]string{"en": words}, Price: amount,
		Cause: bill.Cause{Kind: "person", ID: id}, By: v.Who.Actor()}
	if i.Kind == bill.ItemCredit {
		i.Price = amount.Neg()
	}
	if !offered(f.fields[0].choices, string(i.Kind)) {
		f.fields[0].Error = r.T("cycle.item.kind.missing")
	}
	c := &command.Command{Action: "createBillItem", Object: "account", ID: p.ID, Detail: map[string]any{"price": i.Price.Text(), "description": words}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := bill.AddItem(ctx, tx, i)
		return v.Console(p.path(""), "done", "item"), err
	}
	return f.settle(v, false, c, nil)
}
