package collect

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/collection"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// boardFilter are the fields that narrow the board, and choose whom a hold of
// all is for.
var boardFilter = []string{"q", "level", "step", "ladder", "risk", "tag", "party"}

// boardQuery reads them, from an address or a form.
func boardQuery(read func(string) string) collection.BoardQuery {
	return collection.BoardQuery{Text: read("q"), Level: access.Level(read("level")), Step: read("step"), Ladder: read("ladder"), Risk: read("risk"), Tag: read("tag"), Party: account.PartyKind(read("party"))}
}

// filterOf is a query as pairs of an address.
func filterOf(q collection.BoardQuery) []string {
	var pairs []string
	for i, value := range []string{q.Text, string(q.Level), q.Step, q.Ladder, q.Risk, q.Tag, string(q.Party)} {
		if value != "" {
			pairs = append(pairs, boardFilter[i], value)
		}
	}
	return pairs
}

// segmentFields narrow the board to those whom a ladder is for.
func segmentFields(v *web.Visit, p *collection.Policy, q collection.BoardQuery) []control {
	r := v.Reader
	ladders := []ui.Choice{{Label: r.T("ladder.any"), Chosen: q.Ladder == ""}}
	for i := range p.Ladders {
		l := &p.Ladders[i]
		ladders = append(ladders, ui.Choice{Value: l.Code, Label: l.Names.In(r.Locale.Language), Chosen: q.Ladder == l.Code})
	}
	risks := []ui.Choice{{Label: r.T("ladder.risk.any"), Chosen: q.Risk == ""}}
	for _, risk := range []string{"low", "normal", "high"} {
		risks = append(risks, ui.Choice{Value: risk, Label: r.T("col.risk." + risk), Chosen: q.Risk == risk})
	}
	parties := []ui.Choice{{Label: r.T("ladder.party.any"), Chosen: q.Party == ""}}
	for _, kind := range []account.PartyKind{account.Individual, account.Organization} {
		parties = append(parties, ui.Choice{Value: string(kind), Label: r.T("ladder.party." + string(kind)), Chosen: q.Party == kind})
	}
	return []control{{Field: ui.Field{ID: "ladder", Label: r.T("col.ladder")}, choices: ladders}, {Field: ui.Field{ID: "party", Label: r.T("ladder.party")}, choices: parties},
		{Field: ui.Field{ID: "risk", Label: r.T("col.risk")}, choices: risks}, {Field: ui.Field{ID: "tag", Label: r.T("ladder.tag"), Value: q.Tag, Optional: true}}}
}

// allForm holds every case that the filter finds, on whatever page it stands.
func allForm(v *web.Visit, q collection.BoardQuery, found int, fault string) form {
	r := v.Reader
	f := newForm("all", r.N("ladder.hold", int64(found), "n", number(v, found)), v.Console("collection/hold-all"), r.T("col.hold.do"),
		field(v, "all_reason", "col.reason", "", false, fault), field(v, "all_until", "col.until", "date", true, ""))
	f.effect = r.T("ladder.hold.lead")
	pairs := filterOf(q)
	for i := 0; i+1 < len(pairs); i += 2 {
		f.hidden = append(f.hidden, [2]string{"where_" + pairs[i], pairs[i+1]})
	}
	return f
}

// mostPortions bounds one command.
const mostPortions = 200

// holdAll holds portion after portion: each is done whole and once, and a form
// that was cut off goes on where it was when it is sent again.
func holdAll(v *web.Visit) error {
	r, reason := v.Reader, trimmed(v, "all_reason")
	until, bad := optionalDay(v, "all_until")
	if reason == "" || bad {
		return answerBoard(v, http.StatusUnprocessableEntity, r.T("col.refused"), "", r.T("col.reason.missing"))
	}
	q := boardQuery(func(name string) string { return trimmed(v, "where_"+name) })
	for n := range mostPortions {
		c := &command.Command{Action: "holdCollection", Object: "operator", Part: v.Sent() + "/" + strconv.Itoa(n), Detail: map[string]any{"reason": reason, "portion": n, "filter": filterOf(q)}}
		c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
			held, err := v.Stack.Collection().HoldPortion(ctx, tx, collection.NewHold{ID: command.ID(v), Until: until, Reason: reason, By: v.Who.Actor()}, q)
			return strconv.Itoa(held), err
		}
		told, err := command.CarryOut(v, c)
		if wrong := (*account.FieldError)(nil); errors.As(err, &wrong) {
			return answerBoard(v, http.StatusUnprocessableEntity, r.T("col.refused"), "", r.T("col.day.missing"))
		}
		if err != nil {
			return err
		}
		if held, err := strconv.Atoi(told); err != nil || held == 0 {
			break // a repeat is told what the first time did
		}
	}
	return v.Lead(v.Console("collection", append(filterOf(q), "done", "held")...))
}
