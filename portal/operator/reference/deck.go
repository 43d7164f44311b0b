package reference

import (
	"context"
	"errors"
	"strconv"

	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

func showDeck(v *web.Visit) error { return answerDeck(v, refusal{}) }

func answerDeck(v *web.Visit, bad refusal) error {
	r, code := v.Reader, v.Param("deck")
	var head catalog.DeckHead
	var versions []catalog.DeckVersion
	var found string
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if head, err = catalog.GetDeck(ctx, tx, code); err != nil {
			return err
		}
		if versions, err = catalog.DeckVersions(ctx, tx, code); err != nil && !errors.Is(err, catalog.ErrDeckNotFound) {
			return err
		}
		found, err = findNumber(ctx, tx, v, head)
		return err
	})
	if err != nil {
		return err
	}
	d := &view{crumb: r.T("con.nav.decks"), crumbTo: v.Console("decks"), factsTitle: r.T("ref.deck")}
	t := table{id: "versions", title: r.T("ref.versions"), nums: "n--nn", none: r.T("ref.versions.none"), more: r.T("ref.decks.none.more"), icon: "list",
		heads: []string{r.T("ref.version"), r.T("ref.state"), r.T("ref.live"), r.T("ref.prefixes"), r.T("ref.zones"), r.T("ref.file")}}
	for _, one := range versions {
		tone, state := deckState(v, one, head.Live)
		row := []cell{{text: strconv.Itoa(one.Number), href: v.Console("deck-versions/" + one.ID.String())}, {text: state, tone: tone}, {text: "–"},
			{text: number(v, one.Prefixes)}, {text: number(v, len(one.Zones))}, {text: one.FileName}}
		if one.LiveFrom != nil {
			row[2].text = r.DateTime(*one.LiveFrom)
		}
		t.rows = append(t.rows, row)
	}
	d.tables = append(d.tables, t)
	if head.Live != nil {
		d.tables = append(d.tables, zonesTable(v, *head.Live))
		lookup := form{id: "find", title: r.T("ref.find"), action: v.Console("decks/" + code), do: r.T("ref.find.do"), get: true, effect: found,
			fields: []control{input(ui.Field{ID: "number", Label: r.T("ref.find.number"), Value: v.Query("number"), InputMode: "tel", Mono: true})}}
		d.forms = append(d.forms, lookup)
	}
	d.facts = []fact{{r.T("ref.code"), head.Code, ""}}
	if head.Live != nil {
		d.facts = append(d.facts, fact{r.T("ref.live"), r.T("ref.version.since", "n", strconv.Itoa(head.Live.Number), "at", r.DateTime(*head.Live.LiveFrom)), v.Console("deck-versions/" + head.Live.ID.String())})
	}
	if head.Next != nil {
		d.facts = append(d.facts, fact{r.T("ref.next"), r.T("ref.version.from", "n", strconv.Itoa(head.Next.Number), "at", r.DateTime(*head.Next.LiveFrom)), v.Console("deck-versions/" + head.Next.ID.String())})
	}
	if v.May(identity.OfferingWrite) {
		next := newForm("next", r.T("ref.version.new"), v.Console("decks/"+code+"/versions"), r.T("ref.upload"), uploadFields(v, bad)...)
		next.upload = true
		d.forms = append(d.forms, next, newForm("names", r.T("ref.names"), v.Console("decks/"+code+"/names"), r.T("ref.save"), nameFields(v, head.Names)...))
		d.blame(next)
	}
	if v.Query("done") == "named" {
		d.done = r.T("ref.done.named")
	}
	d.refuse(v, bad)
	return v.Show(bad.status(), page(frame.Of(v, frame.Decks, named(v, head.Names, head.Code)), d))
}

// findNumber tells the zone of the number that is asked for.
func findNumber(ctx context.Context, tx tenant.Tx, v *web.Visit, head catalog.DeckHead) (string, error) {
	destination := catalog.TrimZeros.Of(v.Query("number"))
	if destination == "" || head.Live == nil {
		return "", nil
	}
	deck, err := catalog.ReadDeckVersion(ctx, tx, head.Live.ID)
	if err != nil {
		return "", err
	}
	entry, found := deck.Entry(destination)
	if !found {
		return v.Reader.T("ref.find.none", "number", destination), nil
	}
	return v.Reader.T("ref.find.found", "number", destination, "zone", entry.String(), "prefix", entry.Prefix), nil
}

func zonesTable(v *web.Visit, live catalog.DeckVersion) table {
	r := v.Reader
	t := table{id: "zones", title: r.T("ref.zones"), heads: []string{r.T("ref.zone"), r.T("ref.name")}}
	for _, zone := range live.Zones {
		t.rows = append(t.rows, []cell{{text: zone, code: true}, {text: live.ZoneNames[zone].In(r.Locale.Language)}})
	}
	return t
}

// deckState tells a version's state; of those that went live one is.
func deckState(v *web.Visit, one catalog.DeckVersion, live *catalog.DeckVersion) (ui.Tone, string) {
	r := v.Reader
	switch {
	case one.State == catalog.DeckDraft || one.State == catalog.DeckChecked:
		return ui.Info, r.T("ref.state." + string(one.State))
	case one.State == catalog.DeckDiscarded:
		return ui.Off, r.T("ref.state.discarded")
	case one.LiveFrom.After(v.At()):
		return ui.Info, r.T("ref.state.planned")
	case live != nil && live.ID == one.ID:
		return ui.OK, r.T("ref.state.live")
	}
	return ui.Off, r.T("ref.state.past")
}

func nameDeck(v *web.Visit) error {
	code := v.Param("deck")
	c := &command.Command{Action: "putDeck", Object: "deck", Detail: map[string]any{"deck": code}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		if _, err := catalog.GetDeck(ctx, tx, code); err != nil {
			return "", err
		}
		return v.Console("decks/"+code, "done", "named"), catalog.PutDeck(ctx, tx, code, namesOf(v))
	}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	return v.Lead(next)
}
