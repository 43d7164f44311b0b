package desk

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// ordersView is the list of orders.
type ordersView struct {
	states  []ui.NavItem
	orders  table
	connect string
}

var orderTones = map[onboarding.OrderState]ui.Tone{onboarding.Acknowledged: ui.Info, onboarding.Completed: ui.OK, onboarding.Cancelled: ui.Off}

func showOrders(v *web.Visit) error {
	wanted, r := onboarding.OrderState(v.Query("state")), v.Reader
	before := parseID(v.Query("before"))
	view := ordersView{orders: table{id: "h-orders", title: r.T("con.nav.orders"), icon: "plus", none: r.T("desk.orders.none"), noneMore: r.T("desk.orders.none.more"),
		head: heads(r.T("desk.col.taken"), r.T("desk.col.state"), r.T("desk.col.plan"), r.T("desk.col.name"), r.T("desk.col.by"))}}
	if v.May(identity.OrderWrite) {
		view.connect = v.Console("orders/new")
	}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		orders, err := v.Stack.Desk().List(ctx, tx, wanted, before, rowsAPage+1)
		if err != nil {
			return err
		}
		if len(orders) > rowsAPage {
			orders = orders[:rowsAPage]
			view.orders.next = v.Console("orders", "state", string(wanted), "before", orders[rowsAPage-1].ID.String())
		}
		view.orders.rows, err = orderRows(ctx, tx, v, orders)
		return err
	})
	if err != nil {
		return err
	}
	if before != uuid.Nil {
		view.orders.first = v.Console("orders", "state", string(wanted))
	}
	for _, s := range []onboarding.OrderState{"", onboarding.Acknowledged, onboarding.Completed, onboarding.Cancelled} {
		item := ui.NavItem{Href: v.Console("orders"), Label: r.T("desk.any"), Current: s == wanted}
		if s != "" {
			item.Href, item.Label = v.Console("orders", "state", string(s)), r.T("desk.order."+string(s))
		}
		view.states = append(view.states, item)
	}
	return v.Show(http.StatusOK, ordersPage(frame.Of(v, frame.Orders, r.T("con.nav.orders")), view))
}

func orderRows(ctx context.Context, tx tenant.Tx, v *web.Visit, orders []onboarding.Order) ([][]cell, error) {
	r := v.Reader
	plans, names := map[uuid.UUID]string{}, map[string]string{}
	rows := make([][]cell, len(orders))
	for i, o := range orders {
		if _, known := plans[o.OfferingID]; !known {
			offering, err := catalog.LoadVersion(ctx, tx, o.OfferingID)
			if err != nil {
				return nil, err
			}
			plans[o.OfferingID] = offering.Names.In(r.Locale.Language)
		}
		name := text(o.Facts["party.name"])
		if o.AccountID != nil {
			a, err := account.Get(ctx, tx, *o.AccountID)
			if err != nil {
				return nil, err
			}
			party, err := account.GetParty(ctx, tx, a.PartyID)
			if err != nil {
				return nil, err
			}
			name = cell{text: party.Name, href: v.Console("subscribers/" + a.ID.String()), sub: a.Number}
		}
		if user, err := v.Authority().GetUser(ctx, tx, parseID(trimmed(o.CreatedBy, "user:"))); err == nil {
			names[o.CreatedBy] = user.Name
		}
		rows[i] = []cell{link(r.Short(o.CreatedAt), v.Console("orders/"+o.ID.String())), state(orderTones[o.State], r.T("desk.order."+string(o.State))),
			text(plans[o.OfferingID]), name, text(actorWords(r, o.CreatedBy, names))}
	}
	return rows, nil
}

func trimmed(text, prefix string) string {
	if len(text) > len(prefix) && text[:len(prefix)] == prefix {
		return text[len(prefix):]
	}
	return ""
}

// newOrderForm begins a connection: which offering, for whom.
func newOrderForm(v *web.Visit) (form, error) {
	r := v.Reader
	f := form{section: frame.Orders, title: r.T("desk.connect"), action: v.Console("orders/new"), back: v.Console("orders"), backTo: r.T("con.nav.orders"), submit: r.T("desk.connect.begin")}
	value := func(name string) string {
		if sent(v) {
			return v.Form(name)
		}
		return v.Query(name)
	}
	var choices []ui.Choice
	number, who := value("number"), ""
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		if id := parseID(v.Query("account")); id != uuid.Nil && !sent(v) {
			a, err := account.Get(ctx, tx, id)
			if err != nil {
				return err
			}
			party, err := account.GetParty(ctx, tx, a.PartyID)
			if err != nil {
				return err
			}
			number, who = a.Number, party.Name
		}
		sold, err := catalog.OnSale(ctx, tx, tx.At)
		if err != nil {
			return err
		}
		for _, version := range sold {
			o, err := catalog.LoadVersion(ctx, tx, version.ID)
			if err != nil {
				return err
			}
			if o.OnTop() {
				continue // bought on the page of the subscription that it is on top of
			}
			choices = append(choices, ui.Choice{Value: version.ID.String(), Label: o.Names.In(r.Locale.Language), Hint: joined(r.T("desk.kind."+string(o.Billing)), priceWords(r, o))})
		}
		return nil
	})
	if err != nil {
		return f, err
	}
	if len(choices) == 0 {
		f.lead, f.submit = r.T("desk.connect.none"), ""
		return f, nil
	}
	hint := r.T("desk.connect.number.hint")
	if who != "" {
		hint = r.T("desk.connect.for", "name", who)
	}
	f.fields = []control{
		{kind: radios, Field: ui.Field{ID: "offering", Label: r.T("desk.connect.offering"), Value: value("offering")}, choices: chosen(choices, value("offering"))},
		{Field: ui.Field{ID: "number", Label: r.T("desk.connect.number"), Hint: hint, Value: number, Optional: true, Autocomplete: "off", MaxLength: "40", Mono: true}},
	}
	return f, nil
}

func showNewOrder(v *web.Visit) error {
	f, err := newOrderForm(v)
	if err != nil {
		return err
	}
	return f.show(v, http.StatusOK)
}

func sendNewOrder(v *web.Visit) error {
	f, err := newOrderForm(v)
	if err != nil {
		return err
	}
	r := v.Reader
	if len(f.fields) == 0 {
		return f.show(v, http.StatusUnprocessableEntity)
	}
	if !offered(f.fields[0].choices, v.Form("offering")) {
		f.fields[0].Error = r.T("desk.connect.offering.not")
	}
	n := onboarding.NewOrder{OfferingID: parseID(v.Form("offering")), CreatedBy: v.Who.Actor(), Facts: onboarding.Facts{}, Branch: v.User.Branch}
	if number := f.fields[1].Value; number != "" {
		found, err := accountFor(v, number, n.OfferingID)
		if err != nil {
			return err
		}
		if found.ID == uuid.Nil {
			f.fields[1].Error = r.T("desk.connect.number.not")
		} else if n.AccountID = &found.ID; found.State == account.Closed {
			f.fields[1].Error = r.T("desk.refused.closed")
		}
	} else {
		n.Facts["party.kind"] = string(account.Individual)
		n.Facts["address.country"] = v.Profile.Country
		n.Facts["party.language"] = string(v.Profile.Language)
	}
	c := &command.Command{Action: "order.place", Object: "order", Detail: map[string]any{"offering": v.Form("offering")}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		placed, err := v.Stack.Desk().Place(ctx, tx, []onboarding.NewOrder{n})
		if err != nil {
			return "", err
		}
		return v.Console("orders/" + placed[0].ID.String()), nil
	}
	return f.settle(v, false, c, nil)
}

// accountFor finds the account of a number; the zero account for none.
func accountFor(v *web.Visit, number string, _ uuid.UUID) (found account.Account, err error) {
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.ByNumber(ctx, tx, upper(number))
		if isNotFound(err) {
			return nil
		}
		found = a
		return err
	})
	return found, err
}
