package reference

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"tollhouse/billing/catalog"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// refusal is what was wrong with a form: the message's key by field, and what
// a file holds.
type refusal struct {
	field, key string
	table      *catalog.TableError
}

func (f refusal) of(v *web.Visit, field string) string {
	if f.field != field {
		return ""
	}
	return v.Reader.T(f.key)
}

func (f refusal) status() int {
	if f.field == "" && f.table == nil {
		return http.StatusOK
	}
	return http.StatusUnprocessableEntity
}

func showDecks(v *web.Visit) error { return answerDecks(v, refusal{}) }

func answerDecks(v *web.Visit, bad refusal) error {
	r := v.Reader
	var heads []catalog.DeckHead
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		heads, err = catalog.Decks(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	t := table{id: "decks", title: r.T("con.nav.decks"), heads: []string{r.T("ref.deck"), r.T("ref.code"), r.T("ref.live"), r.T("ref.prefixes"), r.T("ref.zones"), r.T("ref.next")},
		nums: "---nn", none: r.T("ref.decks.none"), more: r.T("ref.decks.none.more"), icon: "list"}
	for _, h := range heads {
		row := []cell{{text: named(v, h.Names, h.Code), href: v.Console("decks/" + h.Code)}, {text: h.Code, code: true}, {text: "–"}, {text: "–"}, {text: "–"}, {text: "–"}}
		if h.Live != nil {
			row[2].text = r.T("ref.version.since", "n", strconv.Itoa(h.Live.Number), "at", r.DateTime(*h.Live.LiveFrom))
			row[3].text, row[4].text = number(v, h.Live.Prefixes), number(v, len(h.Live.Zones))
		}
		if h.Next != nil {
			row[5].text = r.T("ref.version.from", "n", strconv.Itoa(h.Next.Number), "at", r.DateTime(*h.Next.LiveFrom))
		}
		t.rows = append(t.rows, row)
	}
	d := &view{tables: []table{t}}
	if v.May(identity.OfferingWrite) {
		code := text(v, "code", "ref.code", false)
		code.Hint, code.Mono, code.Error = r.T("ref.code.hint"), true, bad.of(v, "code")
		f := newForm("new", r.T("ref.deck.new"), v.Console("decks"), r.T("ref.upload"), append([]control{input(code)}, nameFields(v, nil)...)...)
		f.fields = append(f.fields, uploadFields(v, bad)...)
		f.upload = true
		d.forms = append(d.forms, f)
		d.blame(f)
	}
	d.refuse(v, bad)
	return v.Show(bad.status(), page(frame.Of(v, frame.Decks, r.T("con.nav.decks")), d))
}

// refuse puts a file's faults first.
func (d *view) refuse(v *web.Visit, bad refusal) {
	if bad.table != nil {
		d.title = "ref.file.refused"
		d.faults = []ui.Fault{{Field: "faults", Message: v.Reader.N("ref.faults", int64(bad.table.Total), "n", number(v, bad.table.Total))}}
		d.tables = append([]table{faultsTable(v, bad.table)}, d.tables...)
	}
}

// uploadFields choose a deck's file and say how it is written.
func uploadFields(v *web.Visit, bad refusal) []control {
	fields := []control{fileField(v, "ref.deck.file.hint", bad.of(v, "file"))}
	fields = append(fields, formatFields(v)...)
	trim := control{Field: ui.Field{ID: "trim", Label: v.Reader.T("ref.trim")}}
	for _, rule := range []catalog.Trim{catalog.TrimZeros, catalog.TrimPlus, catalog.TrimNothing} {
		trim.choices = append(trim.choices, ui.Choice{Value: string(rule), Label: v.Reader.T("ref.trim." + string(rule)), Chosen: v.Form("trim") == string(rule)})
	}
	return append(fields, trim)
}

// uploadFirst takes a file for a deck that the form names.
func uploadFirst(v *web.Visit) error {
	return uploadDeck(v, strings.TrimSpace(v.Form("code")), namesOf(v), answerDecks)
}

// uploadNext takes a file for the deck of the address.
func uploadNext(v *web.Visit) error { return uploadDeck(v, v.Param("deck"), nil, answerDeck) }

func uploadDeck(v *web.Visit, code string, names catalog.Names, refuse func(*web.Visit, refusal) error) error {
	content, name, err := upload(v)
	if err != nil {
		return err
	}
	if content == nil {
		return refuse(v, refusal{field: "file", key: "ref.file.missing"})
	}
	format := catalog.DeckFormat{TableFormat: formatOf(v), Trim: catalog.TrimZeros}
	if trim := catalog.Trim(v.Form("trim")); trim.Known() {
		format.Trim = trim
	}
	file, err := catalog.ReadDeck(content, format)
	var bad *catalog.TableError
	if errors.As(err, &bad) {
		return refuse(v, refusal{table: bad})
	}
	if err != nil {
		return err
	}
	c := &command.Command{Action: "uploadDeckVersion", Object: "deck_version", Detail: map[string]any{"deck": code, "file": name}, Part: part(content)}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		saved, err := catalog.SaveDeck(ctx, tx, catalog.NewDeckVersion{Deck: code, Names: names, FileName: name, File: file, By: v.Who.Actor()})
		c.ID = saved.ID
		return v.Console("deck-versions/"+saved.ID.String(), "done", "uploaded", "ignored", strings.Join(file.Ignored, ", "), "repeated", strconv.Itoa(file.Repeated)), err
	}
	next, err := command.CarryOut(v, c)
	switch {
	case errors.Is(err, catalog.ErrReferenceCode):
		return refuse(v, refusal{field: "code", key: "ref.code.not"})
	case err != nil:
		return err
	}
	return v.Lead(next)
}
