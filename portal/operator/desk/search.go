package desk

import (
	"context"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/desk"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/explain"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// searchView is the list of subscribers with what narrows it.
type searchView struct {
	here, csv string
	query     string
	filters   []control
	results   table
	connect   string // address of the wizard; empty: the visitor may not
}

// spans are the overdue days that lists narrow by, as the dashboard's ageing has them.
var spans = []string{"", desk.NotDue, desk.Overdue, "1-30", "31-60", "61-90", "91+"}

// asked reads the query of an address.
func asked(v *web.Visit) desk.Query {
	owing := v.Query("owing")
	if owing == "90+" {
		owing = "91+" // as people say it
	}
	q := desk.Query{Text: v.Query("q"), State: desk.State(v.Query("state")), Offering: v.Query("offering"), Branch: parseID(v.Query("branch")),
		After: parseID(v.Query("after")), Limit: rowsAPage}
	q.Owing, _ = desk.ParseOwing(owing)
	return q
}

func showSubscribers(v *web.Visit) error {
	q := asked(v)
	if v.Query("format") == "csv" {
		return sendSubscribers(v, q)
	}
	var page desk.Page
	var exact desk.Exact
	var filters []control
	var plans map[uuid.UUID]catalog.Offering
	found := false
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if q.Text != "" {
			if exact, found, err = desk.Find(ctx, tx, q.Text); err != nil {
				return err
			}
		}
		if page, err = desk.Search(ctx, tx, q); err != nil {
			return err
		}
		if plans, err = plansOf(ctx, tx, page); err != nil || v.Part("found") {
			return err
		}
		filters, err = filtersOf(ctx, tx, v)
		return err
	})
	if err != nil {
		return err
	}
	// Who types a whole number and presses Enter wants to be there; while typing
	// the list tells.
	if found && !v.Part("found") {
		if exact.Bill != uuid.Nil {
			return v.Redirect(v.Console("bills/" + exact.Bill.String()))
		}
		return v.Redirect(v.Console("subscribers/" + exact.Account.String()))
	}
	results := foundTable(v, q, page, plans)
	if v.Part("found") {
		return v.Show(http.StatusOK, foundPart(v.Reader, results))
	}
	frame := frame.Of(v, frame.Subscribers, v.Reader.T("con.nav.subscribers"))
	frame.Query = q.Text
	view := searchView{here: v.Console("subscribers"), query: q.Text, filters: filters, results: results, csv: v.Console("subscribers", append(narrowing(v), "format", "csv")...)}
	if v.May(identity.OrderWrite) {
		view.connect = v.Console("orders/new")
	}
	return v.Show(http.StatusOK, searchPage(frame, view))
}

// narrowing are the parameters that pages of one list share.
func narrowing(v *web.Visit) []string {
	var pairs []string
	for _, name := range []string{"q", "state", "owing", "offering", "branch"} {
		if value := v.Query(name); value != "" {
			pairs = append(pairs, name, value)
		}
	}
	return pairs
}

func filtersOf(ctx context.Context, tx tenant.Tx, v *web.Visit) ([]control, error) {
	r := v.Reader
	states := []ui.Choice{{Label: r.T("desk.any")}}
	for _, s := range []desk.State{desk.Active, desk.Suspended, desk.Ended, desk.Closed} {
		states = append(states, ui.Choice{Value: string(s), Label: r.T("desk.state." + string(s))})
	}
	owing := make([]ui.Choice, len(spans))
	for i, span := range spans {
		owing[i] = ui.Choice{Value: span, Label: owingWords(r, span)}
	}
	offerings, err := offeringChoices(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	branches, err := account.Branches(ctx, tx)
	if err != nil {
		return nil, err
	}
	places := []ui.Choice{{Label: r.T("desk.any")}}
	for _, b := range branches {
		places = append(places, ui.Choice{Value: b.ID.String(), Label: b.Name})
	}
	filter := func(name string, choices []ui.Choice) control {
		return control{kind: selects, Field: ui.Field{ID: "f-" + name, Name: name, Label: r.T("desk.filter." + name), Optional: true}, choices: chosen(choices, v.Query(name))}
	}
	filters := []control{filter("state", states), filter("owing", owing), filter("offering", append([]ui.Choice{{Label: r.T("desk.any")}}, offerings...))}
	if len(branches) > 1 {
		filters = append(filters, filter("branch", places))
	}
	return filters, nil
}

// owingWords name a span of overdue days.
func owingWords(r ui.Reader, span string) string {
	switch span {
	case "":
		return r.T("desk.any")
	case desk.NotDue, desk.Overdue:
		return r.T("desk.owing." + span)
	}
	return r.T("desk.owing.days", "days", span)
}

// offeringChoices are the offerings by their latest published names.
func offeringChoices(ctx context.Context, tx tenant.Tx, r ui.Reader) ([]ui.Choice, error) {
	sold, err := catalog.OnSale(ctx, tx, tx.At)
	if err != nil {
		return nil, err
	}
	choices := make([]ui.Choice, len(sold))
	for i, version := range sold {
		o, err := catalog.LoadVersion(ctx, tx, version.ID)
		if err != nil {
			return nil, err
		}
		choices[i] = ui.Choice{Value: version.Code, Label: o.Names.In(r.Locale.Language)}
	}
	return choices, nil
}

// plansOf are the offerings of the accounts of a page.
func plansOf(ctx context.Context, tx tenant.Tx, page desk.Page) (map[uuid.UUID]catalog.Offering, error) {
	var ids []uuid.UUID
	for _, a := range page.Accounts {
		if a.OfferingID != uuid.Nil && !slices.Contains(ids, a.OfferingID) {
			ids = append(ids, a.OfferingID)
		}
	}
	return catalog.LoadVersions(ctx, tx, ids)
}

func foundTable(v *web.Visit, q desk.Query, page desk.Page, plans map[uuid.UUID]catalog.Offering) table {
	r := v.Reader
	t := table{id: "h-found", title: r.T("desk.found"), icon: "find", none: r.T("desk.found.none"), noneMore: r.T("desk.found.none.more"),
		head: heads(r.T("desk.col.name"), r.T("desk.col.account"), r.T("desk.col.identity"), r.T("desk.col.contact"), r.T("desk.col.plan"), r.T("desk.col.owes")+"#")}
	if q.Owing.Asked {
		t.head = append(t.head, heads(owingWords(r, v.Query("owing"))+"#")...)
	}
	for _, a := range page.Accounts {
		name := link(a.PartyName, v.Console("subscribers/"+a.ID.String()))
		if a.State == account.Closed {
			name.sub = r.T("desk.closed")
		} else if a.Subscriptions == 0 {
			name.sub = r.T("desk.state.ended")
		}
		owes := num("")
		if a.Receivable.Sign() > 0 {
			owes = num(r.Money(ofAccount(a, a.Receivable)))
		}
		if a.Overdue.Sign() > 0 {
			owes.sub = r.T("desk.overdue", "amount", r.Money(a.Overdue))
		}
		row := []cell{name, {text: a.Number, mono: true, sub: a.BranchName}, {text: explain.Readable(a.Reached), mono: true},
			{text: a.Email, sub: explain.Readable(a.Phone)}, {text: plans[a.OfferingID].Names.In(r.Locale.Language), sub: r.T("desk.kind." + string(a.Kind))}, owes}
		if q.Owing.Asked {
			row = append(row, num(r.Money(a.Aged)))
		}
		t.rows = append(t.rows, row)
	}
	if q.After != uuid.Nil {
		t.first = v.Console("subscribers", narrowing(v)...)
	}
	if page.Next != uuid.Nil {
		t.next = v.Console("subscribers", append(narrowing(v), "after", page.Next.String())...)
	}
	if len(page.Accounts) > 0 {
		t.told = r.N("desk.found.n", int64(len(page.Accounts)))
	}
	return t
}

// sendSubscribers answers with the whole list, page by page, up to a bound.
func sendSubscribers(v *web.Visit, q desk.Query) error {
	s := web.NewSheet("account", "name", "kind", "state", "email", "phone", "service", "offering", "branch", "owes", "overdue", "aged", "currency")
	q.Limit, q.After = desk.MaxPage, uuid.Nil
	for rows := 0; rows < rowsACSV; {
		var page desk.Page
		err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
			page, err = desk.Search(ctx, tx, q)
			return err
		})
		if err != nil {
			return err
		}
		for _, a := range page.Accounts {
			s.Add(a.Number, a.PartyName, string(a.Kind), string(a.State), a.Email, a.Phone, a.Reached, a.OfferingCode, a.BranchName,
				ofAccount(a, a.Receivable).RoundToDocument().Decimal().String(), a.Overdue.RoundToDocument().Decimal().String(),
				a.Aged.RoundToDocument().Decimal().String(), a.Currency.Code())
		}
		rows += len(page.Accounts)
		if q.After = page.Next; q.After == uuid.Nil {
			break
		}
	}
	return v.SendSheet("subscribers", s)
}
