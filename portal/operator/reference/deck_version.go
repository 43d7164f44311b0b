package reference

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// changesAPage is how many changes a page shows; a file has them all.
const changesAPage = 200

func versionID(v *web.Visit) uuid.UUID {
	id, err := uuid.Parse(v.Param("version"))
	if err != nil {
		return uuid.Nil
	}
	return id
}

func showVersion(v *web.Visit) error { return answerVersion(v, http.StatusOK, "", "") }

// answerVersion shows a version; fault is the key of what a form was refused
// for, on a field of the switch or on the page.
func answerVersion(v *web.Visit, status int, field, fault string) error {
	r := v.Reader
	var one catalog.DeckVersion
	var head catalog.DeckHead
	var check catalog.DeckCheck
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if one, err = catalog.GetDeckVersion(ctx, tx, versionID(v)); err != nil {
			return err
		}
		if head, err = catalog.GetDeck(ctx, tx, one.Deck); err != nil || one.State == catalog.DeckDiscarded {
			return err
		}
		check, err = catalog.CompareDeck(ctx, tx, one.ID)
		return err
	})
	if err != nil {
		return err
	}
	title := r.T("ref.version.title", "deck", named(v, head.Names, head.Code), "n", strconv.Itoa(one.Number))
	d := &view{crumb: named(v, head.Names, head.Code), crumbTo: v.Console("decks/" + head.Code), factsTitle: r.T("ref.version")}
	d.tone, d.state = deckState(v, one, head.Live)
	d.tell(v, one)
	if fault != "" && field == "" {
		d.title = fault
	}
	d.facts = versionFacts(v, one, head, check)
	if check.Deck != nil {
		at := v.Console("deck-versions/" + one.ID.String())
		d.links = append(d.links, link{r.T("ref.entries.csv"), at + "/entries.csv", "down"})
		if head.Live == nil || head.Live.ID != one.ID {
			d.links = append(d.links, link{r.T("ref.changes.csv"), at + "/changes.csv", "down"})
			if len(check.Missing) > 0 {
				d.tables = append(d.tables, missingTable(v, check.Missing))
			}
			d.tables = append(d.tables, changesTable(v, check))
		} else {
			d.tables = append(d.tables, zonesTable(v, one))
		}
	}
	if v.May(identity.OfferingWrite) {
		d.forms = versionForms(v, one, head, check, field, fault)
		d.blame(d.forms...)
	}
	return v.Show(status, page(frame.Of(v, frame.Decks, title), d))
}

// tell says what has just been done.
func (d *view) tell(v *web.Visit, one catalog.DeckVersion) {
	r := v.Reader
	switch done := v.Query("done"); done {
	case "uploaded":
		d.done = r.T("ref.done.uploaded", "n", number(v, one.Prefixes))
		if ignored := v.Query("ignored"); ignored != "" {
			d.notes = append(d.notes, note{ui.Info, r.T("ref.ignored", "columns", ignored)})
		}
		if n, err := strconv.Atoi(v.Query("repeated")); err == nil && n > 0 {
			d.notes = append(d.notes, note{ui.Info, r.N("ref.repeated", int64(n), "n", number(v, n))})
		}
	case "checked", "live", "taken", "restored", "discarded":
		d.done = r.T("ref.done." + done)
	}
}

func versionFacts(v *web.Visit, one catalog.DeckVersion, head catalog.DeckHead, check catalog.DeckCheck) []fact {
	r := v.Reader
	facts := []fact{{r.T("ref.file"), one.FileName, ""}, {r.T("ref.prefixes"), number(v, one.Prefixes), ""}, {r.T("ref.zones"), number(v, len(one.Zones)), ""},
		{r.T("ref.made"), r.DateTime(one.CreatedAt), ""}}
	if one.Restores != nil {
		facts = append(facts, fact{r.T("ref.restores"), strconv.Itoa(*one.Restores), ""})
	}
	if one.CheckedAt != nil {
		facts = append(facts, fact{r.T("ref.checked"), r.DateTime(*one.CheckedAt), ""})
	}
	if one.LiveFrom != nil {
		facts = append(facts, fact{r.T("ref.live.from"), r.DateTime(*one.LiveFrom), ""})
	}
	if check.Deck != nil && (head.Live == nil || head.Live.ID != one.ID) {
		for _, count := range []struct {
			key string
			n   int
		}{{"added", check.Diff.Added}, {"removed", check.Diff.Removed}, {"moved", check.Diff.Moved}, {"same", check.Diff.Same}} {
			facts = append(facts, fact{r.T("ref.diff." + count.key), number(v, count.n), ""})
		}
	}
	return facts
}

func missingTable(v *web.Visit, missing []catalog.MissingZone) table {
	r := v.Reader
	t := table{id: "missing", title: r.T("ref.missing"), heads: []string{r.T("ref.zone"), r.T("ref.offer"), r.T("ref.version")}, nums: "--n"}
	for _, m := range missing {
		t.rows = append(t.rows, []cell{{text: m.Zone, code: true}, {text: m.Offering, href: v.Console("offers/"+m.Offering, "version", strconv.Itoa(m.Version))}, {text: strconv.Itoa(m.Version)}})
	}
	return t
}

func changesTable(v *web.Visit, check catalog.DeckCheck) table {
	r, after := v.Reader, v.Query("after")
	t := table{id: "changes", title: r.T("ref.changes"), heads: []string{r.T("ref.prefix"), r.T("ref.change"), r.T("ref.before"), r.T("ref.after")},
		none: r.T("ref.changes.none"), more: r.T("ref.changes.none.more"), icon: "ok"}
	for c := range check.Deck.Changes(check.Before) {
		if c.Prefix <= after {
			continue
		}
		if len(t.rows) == changesAPage {
			t.next = v.Console("deck-versions/"+check.Version.ID.String(), "after", t.rows[changesAPage-1][0].text)
			break
		}
		tone, word := changeOf(c)
		t.rows = append(t.rows, []cell{{text: c.Prefix, code: true}, {text: r.T("ref.change." + word), tone: tone}, {text: entryText(c.Before)}, {text: entryText(c.After)}})
	}
	if after != "" {
		t.first = v.Console("deck-versions/" + check.Version.ID.String())
	}
	return t
}

func changeOf(c catalog.DeckChange) (ui.Tone, string) {
	switch {
	case c.Before == nil:
		return ui.OK, "added"
	case c.After == nil:
		return ui.Bad, "removed"
	}
	return ui.Warn, "moved"
}

func entryText(e *catalog.DeckEntry) string {
	if e == nil {
		return "–"
	}
	return e.String()
}

// versionForms are the steps that a version's state allows.
func versionForms(v *web.Visit, one catalog.DeckVersion, head catalog.DeckHead, check catalog.DeckCheck, field, fault string) []form {
	r, at := v.Reader, v.Console("deck-versions/"+one.ID.String())
	step := func(id string, fields ...control) form {
		f := newForm(id, r.T("ref.step."+id), at+"/"+id, r.T("ref.step."+id+".do"), fields...)
		f.effect = r.T("ref.step." + id + ".effect")
		return f
	}
	wrong := func(of string) string {
		if of != field {
			return ""
		}
		return r.T(fault)
	}
	without := control{Field: ui.Field{ID: "without", Label: r.T("ref.without"), Hint: r.T("ref.without.hint"), Optional: true, Error: wrong("without")}, box: true, ticked: v.Form("without") != ""}
	switch {
	case one.State == catalog.DeckDraft, one.State == catalog.DeckChecked:
		var forms []form
		if one.State == catalog.DeckChecked {
			from := ui.Field{ID: "from", Label: r.T("ref.from"), Hint: r.T("ref.from.hint"), Kind: "datetime-local", Value: v.Form("from"), Optional: true, Error: wrong("from")}
			f := step("switch", input(from))
			if field == "from" && fault == "ref.not.past" {
				f.fields = append(f.fields, pastBox(v, false))
			}
			if len(check.Missing) > 0 {
				f.fields = append(f.fields, without)
			}
			forms = append(forms, f)
		}
		again := step("check")
		again.quiet = one.State == catalog.DeckChecked
		discard := step("discard")
		discard.bad = true
		return append(forms, again, discard)
	case one.State == catalog.DeckLive && one.LiveFrom.After(v.At()):
		return []form{step("take-back")}
	case one.State == catalog.DeckLive && head.Live != nil && head.Live.ID != one.ID:
		f := step("restore")
		if len(check.Missing) > 0 {
			f.fields = append(f.fields, without)
		}
		return []form{f}
	}
	return nil
}

// stepVersion takes a version a step further and leads back to it, or tells
// why not.
func stepVersion(v *web.Visit, action, done string, do func(ctx context.Context, tx tenant.Tx) (uuid.UUID, error)) error {
	c := &command.Command{Action: action, Object: "deck_version", ID: versionID(v)}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		id, err := do(ctx, tx)
		return v.Console("deck-versions/"+id.String(), "done", done), err
	}
	next, err := command.CarryOut(v, c)
	for _, refused := range []struct {
		err        error
		field, key string
	}{{catalog.ErrDeckState, "", "ref.not.state"}, {catalog.ErrDeckOvertaken, "", "ref.not.overtaken"}, {catalog.ErrDeckPast, "from", "ref.not.past"}, {catalog.ErrDeckZones, "without", "ref.not.zones"}} {
		if errors.Is(err, refused.err) {
			return answerVersion(v, http.StatusUnprocessableEntity, refused.field, refused.key)
		}
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

func checkVersion(v *web.Visit) error {
	return stepVersion(v, "checkDeckVersion", "checked", func(ctx context.Context, tx tenant.Tx) (uuid.UUID, error) {
		c, err := catalog.CheckDeck(ctx, tx, versionID(v))
		return c.Version.ID, err
	})
}

func switchVersion(v *web.Visit) error {
	wanted := catalog.SwitchDeck{ID: versionID(v), WithoutZones: v.Form("without") != "", Past: v.Form("past") != ""}
	if from := v.Form("from"); from != "" {
		at, err := time.ParseInLocation("2006-01-02T15:04", from, v.Profile.Zone)
		if err != nil {
			return answerVersion(v, http.StatusUnprocessableEntity, "from", "ref.from.not")
		}
		wanted.From = at
	}
	return stepVersion(v, "switchDeck", "live", func(ctx context.Context, tx tenant.Tx) (uuid.UUID, error) {
		one, err := catalog.GoLive(ctx, tx, wanted)
		return one.ID, err
	})
}

func takeBackVersion(v *web.Visit) error {
	return stepVersion(v, "takeBackDeckSwitch", "taken", func(ctx context.Context, tx tenant.Tx) (uuid.UUID, error) {
		one, err := catalog.TakeBackDeck(ctx, tx, versionID(v))
		return one.ID, err
	})
}

func restoreVersion(v *web.Visit) error {
	wanted := catalog.SwitchDeck{ID: versionID(v), WithoutZones: v.Form("without") != ""}
	return stepVersion(v, "restoreDeckVersion", "restored", func(ctx context.Context, tx tenant.Tx) (uuid.UUID, error) {
		one, err := catalog.RestoreDeck(ctx, tx, wanted, v.Who.Actor())
		return one.ID, err
	})
}

func discardVersion(v *web.Visit) error {
	return stepVersion(v, "discardDeckVersion", "discarded", func(ctx context.Context, tx tenant.Tx) (uuid.UUID, error) {
		one, err := catalog.DiscardDeck(ctx, tx, versionID(v))
		return one.ID, err
	})
}

// sendChanges answers with all that a version changes.
func sendChanges(v *web.Visit) error {
	var check catalog.DeckCheck
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		check, err = catalog.CompareDeck(ctx, tx, versionID(v))
		return err
	})
	if err != nil {
		return err
	}
	sheet := web.NewSheet("prefix", "change", "zone before", "network before", "own before", "zone", "network", "own")
	for c := range check.Deck.Changes(check.Before) {
		_, word := changeOf(c)
		before, after := entryCells(c.Before), entryCells(c.After)
		sheet.Add(c.Prefix, word, before[0], before[1], before[2], after[0], after[1], after[2])
	}
	return v.SendSheet(fmt.Sprintf("%s-v%d-changes.csv", check.Version.Deck, check.Version.Number), sheet)
}

func entryCells(e *catalog.DeckEntry) [3]string {
	if e == nil {
		return [3]string{}
	}
	own := ""
	if e.Own {
		own = "yes"
	}
	return [3]string{e.Zone, e.Network, own}
}

// sendEntries answers with a version's entries, as a file that can be sent in
// again.
func sendEntries(v *web.Visit) error {
	var one catalog.DeckVersion
	var deck *catalog.Deck
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if one, err = catalog.GetDeckVersion(ctx, tx, versionID(v)); err == nil {
			deck, err = catalog.ReadDeckVersion(ctx, tx, one.ID)
		}
		return err
	})
	if err != nil {
		return err
	}
	sheet := web.NewSheet("prefix", "zone", "network", "own", "zone_name", "zone_name_id", "zone_name_ru")
	for e := range deck.All() {
		cells, names := entryCells(&e), one.ZoneNames[e.Zone]
		sheet.Add(e.Prefix, cells[0], cells[1], cells[2], names["en"], names["id"], names["ru"])
	}
	return v.SendSheet(fmt.Sprintf("%s-v%d.csv", one.Deck, one.Number), sheet)
}
