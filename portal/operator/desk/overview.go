package desk

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/desk"
	"tollhouse/billing/history"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/portal/explain"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// overviewView is what of an account matters most.
type overviewView struct {
	services table
	days     *ui.Columns
	dayRows  [][2]string
	bills    *table // nil: the visitor may not see them
	sessions *table // that are charged while they run; nil: none
	records  string // address of the usage
	contact  []fact
	edit     string
	timeline timelineView
}

// latestEvents is how much of the stream an overview tells.
const latestEvents = 10

// latestBills is how many an overview tells.
const latestBills = 6

func showOverview(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	page, head := p.framed(v, "")
	view := overviewView{services: p.servicesTable(v)}
	if v.May(identity.AccountWrite) {
		view.edit = v.Console(p.path("contact"))
	}
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		if err := view.readContact(ctx, tx, v, p); err != nil {
			return err
		}
		if err := view.readSessions(ctx, tx, v, p); err != nil {
			return err
		}
		if v.May(identity.UsageRead) {
			if err := view.readDays(ctx, tx, v, p); err != nil {
				return err
			}
		}
		if v.May(identity.BillRead) {
			if err := view.readBills(ctx, tx, v, p); err != nil {
				return err
			}
		}
		view.timeline, err = readTimeline(ctx, tx, v, p, latestEvents)
		return err
	})
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, overviewPage(page, head, view))
}

// readBills tells the latest documents.
func (o *overviewView) readBills(ctx context.Context, tx tenant.Tx, v *web.Visit, p *person) error {
	page, err := bill.List(ctx, tx, p.ID, bill.Cursor{}, latestBills)
	if err != nil {
		return err
	}
	t := billTable(v, page.Bills)
	t.title = v.Reader.T("desk.latest")
	t.more = ui.NavItem{Href: v.Console(p.path("bills")), Label: v.Reader.T("desk.services.all")}
	o.bills = &t
	return nil
}

// readContact gathers how the subscriber is reached, and who pays.
func (o *overviewView) readContact(ctx context.Context, tx tenant.Tx, v *web.Visit, p *person) error {
	r := v.Reader
	add := func(key, value string) {
		if value == "" {
			value = "–"
		}
		o.contact = append(o.contact, fact{name: r.T(key), value: value})
	}
	add("desk.contact.phone", explain.Readable(p.party.Phone))
	add("desk.contact.email", p.party.Email)
	a := p.party.Address
	add("desk.contact.address", joined(a.Street, joinedBy(" ", a.Postcode, a.City), a.Region, a.Country))
	add("desk.contact.language", r.T("desk.language."+string(p.party.Language)))
	user, found, err := userOf(ctx, tx, v, p.ID)
	if err != nil {
		return err
	}
	login := r.T("desk.login.none")
	if found {
		login = user.Email
	}
	entry := fact{name: r.T("desk.login"), value: login}
	if v.May(identity.AccountWrite) {
		entry.href = v.Console(p.path("resend"))
	}
	o.contact = append(o.contact, entry)
	parent, name, err := desk.ParentOf(ctx, tx, p.Account)
	if err == nil && parent.ID != uuid.Nil {
		o.contact = append(o.contact, fact{r.T("desk.contact.parent"), name + ", " + parent.Number, v.Console("subscribers/" + parent.ID.String())})
	}
	return err
}

func joined(parts ...string) string { return joinedBy(", ", parts...) }

func joinedBy(by string, parts ...string) (all string) {
	for _, part := range parts {
		if part == "" {
			continue
		}
		if all != "" {
			all += by
		}
		all += part
	}
	return all
}

// readDays draws what was used of the main kind in the open cycle.
func (o *overviewView) readDays(ctx context.Context, tx tenant.Tx, v *web.Visit, p *person) error {
	o.records = v.Console(p.path("usage"))
	from, to := p.Cycle.Instants(v.Profile.Zone)
	days, err := history.Days(ctx, tx, p.ID, from, to, v.Profile.Zone)
	if err != nil || len(days) == 0 {
		return err
	}
	kind := days[0].Kind
	for _, d := range days {
		if d.Kind == usage.Data {
			kind = usage.Data
		}
	}
	used := map[calendar.Date]money.Decimal{}
	var total, most money.Decimal
	var mostOn calendar.Date
	r := v.Reader
	for _, d := range days {
		if d.Kind != kind {
			continue
		}
		used[d.Day], total = d.Quantity, total.Add(d.Quantity)
		if d.Quantity.Cmp(most) > 0 {
			most, mostOn = d.Quantity, d.Day
		}
		o.dayRows = append(o.dayRows, [2]string{r.DayMonth(d.Day), explain.QuantityOf(r, kind, d.Quantity)})
	}
	top, labels := explain.Scale(r, kind, most)
	c := ui.Columns{ID: "used", Title: r.T("usage.byday." + string(kind)),
		Finds: r.T("usage.finds", "total", explain.QuantityOf(r, kind, total), "most", explain.QuantityOf(r, kind, most), "day", r.DayMonth(mostOn)),
		Scale: labels, Below: []string{r.DayMonth(p.Cycle.From), r.DayMonth(p.Cycle.To.AddDays(-1))}}
	width := money.NewDecimal(int64(p.Cycle.Days()))
	for i := 0; i < p.Cycle.Days(); i++ {
		day := p.Cycle.From.AddDays(i)
		if quantity, some := used[day]; some {
			c.Bars = append(c.Bars, ui.Column{X: ui.Share(money.NewDecimal(int64(i)), width), Y: ui.Share(top.Sub(quantity), top),
				Width: ui.Share(money.DecimalOf(66, 2), width), Height: ui.Share(quantity, top), Pale: day == r.Today})
		}
	}
	o.days = &c
	return nil
}

func showServices(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	page, head := p.framed(v, "services")
	return v.Show(http.StatusOK, servicesPage(page, head, p.serviceViews(v)))
}

// servicesTable lists what the account has, ended ones last and left out when
// they are long gone.
func (p *person) servicesTable(v *web.Visit) table {
	r := v.Reader
	t := table{id: "h-services", title: r.T("desk.services"), icon: "box", none: r.T("desk.services.none"), noneMore: r.T("desk.services.none.more"),
		head: heads(r.T("desk.col.service"), r.T("desk.col.state"), r.T("desk.col.identity"), r.T("desk.col.monthly", "currency", r.Locale.Symbol(p.Currency))+"#"),
		more: ui.NavItem{Href: v.Console(p.path("services")), Label: r.T("desk.services.all")}}
	var sum money.Decimal
	for _, s := range p.subscriptions {
		if s.State == account.SubscriptionTerminated {
			continue
		}
		monthly := p.monthly(s)
		sum = sum.Add(monthly)
		offering := p.offerings[s.OfferingID]
		t.rows = append(t.rows, []cell{link(offering.Names.In(r.Locale.Language), v.Console(p.path("services"))), state(stateTones[s.State], r.T("service."+string(s.State))),
			{text: identities(s), mono: true}, num(r.Locale.FormatFigure(p.amount(monthly).RoundToDocument()))})
	}
	if len(t.rows) > 1 {
		t.foot = []cell{text(r.T("desk.services.sum")), {}, {}, num(r.Locale.FormatFigure(p.amount(sum).RoundToDocument()))}
	}
	return t
}

// monthly is what a subscription's recurring prices cost by the month.
func (p *person) monthly(s account.Subscription) (sum money.Decimal) {
	for _, price := range p.offerings[s.OfferingID].Prices.Recurring {
		share, err := price.AMonth(money.Scale)
		if err == nil {
			sum = sum.Add(share)
		}
	}
	return sum
}

// serviceView is one subscription with what can be done with it.
type serviceView struct {
	id, name, state string
	tone            ui.Tone
	facts           []fact
	services        table
	change          string // what is to come, in words
	cancel          string // address of the form that takes it back
	acts            []ui.NavItem
}

func (p *person) serviceViews(v *web.Visit) []serviceView {
	views := make([]serviceView, 0, len(p.subscriptions))
	for _, s := range p.subscriptions {
		views = append(views, p.serviceView(v, s))
	}
	return views
}

func (p *person) serviceView(v *web.Visit, s account.Subscription) serviceView {
	r := v.Reader
	offering := p.offerings[s.OfferingID]
	at := "subscriptions/" + s.ID.String() + "/"
	view := serviceView{id: "s-" + s.ID.String(), name: offering.Names.In(r.Locale.Language), tone: stateTones[s.State], state: r.T("service." + string(s.State))}
	if s.ActivatedAt != nil {
		view.facts = append(view.facts, fact{name: r.T("desk.service.since"), value: r.DateTime(*s.ActivatedAt)})
	}
	if s.TerminatedAt != nil {
		view.facts = append(view.facts, fact{name: r.T("desk.service.ended"), value: r.DateTime(*s.TerminatedAt)})
	}
	view.facts = append(view.facts, fact{r.T("desk.service.plan"), offering.Names.In(r.Locale.Language), planAddress(v, offering.Code)})
	for _, price := range offering.Prices.Recurring {
		view.facts = append(view.facts, fact{name: price.Names.In(r.Locale.Language), value: r.T("desk.service.price", "amount", r.Exact(p.amount(price.Amount)), "months", r.Every(price.Period()))})
	}
	if s.ChargedThrough != nil {
		view.facts = append(view.facts, fact{name: r.T("desk.service.through"), value: r.Date(*s.ChargedThrough)})
	}
	if s.EndsOn != nil {
		view.facts = append(view.facts, fact{name: r.T("sales.service.ends"), value: r.Date(s.EndsOn.AddDays(-1))})
	}
	if s.Term.Until != nil {
		view.facts = append(view.facts, fact{name: r.T("desk.service.term"), value: r.Date(*s.Term.Until)})
	}
	view.services = p.networkTable(r, s)
	if !v.May(identity.AccountWrite) {
		return view
	}
	act := func(name, icon string) {
		view.acts = append(view.acts, ui.NavItem{Href: v.Console(p.path(at + name)), Label: r.T("desk.act." + name), Icon: icon})
	}
	change, planned := p.changes[s.ID]
	if planned {
		view.change = r.T("desk.change.told", "plan", p.offerings[change.To].Names.In(r.Locale.Language), "date", r.Date(change.TakesEffect))
		view.cancel = v.Console(p.path(at + "plan/cancel"))
	}
	switch s.State {
	case account.SubscriptionActive:
		act("suspend", "stop")
		act("pause", "clock")
	case account.SubscriptionSuspended:
		act("resume", "play")
	default:
		return view
	}
	act("terminate", "trash")
	if s.Part != "" && s.State == account.SubscriptionActive && s.EndsOn == nil {
		act("end", "clock")
	}
	if s.State == account.SubscriptionActive && s.Part != account.OnTop && v.May(identity.OrderWrite) {
		act("option", "plus")
	}
	if !planned {
		act("plan", "swap")
	}
	return view
}

// planAddress leads to an offering, for those who may look at offers.
func planAddress(v *web.Visit, code string) string {
	if !v.May(identity.OfferingRead) {
		return ""
	}
	return v.Console("offers/" + code)
}

// networkTable tells by what the network knows the services.
func (p *person) networkTable(r ui.Reader, s account.Subscription) table {
	t := table{id: "n-" + s.ID.String(), title: r.T("desk.network"), icon: "box", none: r.T("desk.services.none"), noneMore: r.T("desk.services.none.more"),
		head: heads(r.T("desk.col.service"), r.T("desk.col.state"), r.T("desk.col.identity"), r.T("desk.col.facts"))}
	for _, one := range s.Services {
		var ids, facts string
		for _, i := range one.Identities {
			ids = joined(ids, i.Value)
		}
		for _, name := range sortedKeys(one.Facts) {
			facts = joined(facts, name+" "+one.Facts[name])
		}
		t.rows = append(t.rows, []cell{text(r.T("kind." + string(one.Kind))), state(stateTones[one.State], r.T("service."+string(one.State))), {text: ids, mono: true}, {text: facts, mono: true}})
	}
	return t
}
