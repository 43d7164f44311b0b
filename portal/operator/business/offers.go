package business

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/catalog/document"
	"tollhouse/billing/identity"
	"tollhouse/billing/insight"
	"tollhouse/billing/tenant"
	"tollhouse/portal/explain"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// offersView lists what is sold.
type offersView struct {
	importing, new string // addresses; empty for who may not
	yaml, json     string // the whole catalog as a file
	done           string
	rows           []offerRow
	pager          pager
}

type offerRow struct {
	name, code, href, version, from, sold, billing string
	tone                                           ui.Tone
	state                                          string
}

// versionsAPage is how many versions a page of offers is made from.
const versionsAPage = 200

func showOffers(v *web.Visit) error {
	r := v.Reader
	number, _ := strconv.Atoi(v.Query("number")) // what is none begins at the first
	after := catalog.Query{AfterCode: v.Query("code"), AfterNumber: number, Limit: versionsAPage}
	var versions []catalog.Version
	sold := map[uuid.UUID]insight.Sold{}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if versions, err = catalog.List(ctx, tx, after); err != nil {
			return err
		}
		all, err := insight.SoldSince(ctx, tx, v.At())
		for _, s := range all {
			sold[s.OfferingID] = s
		}
		return err
	})
	if err != nil {
		return err
	}
	page := &offersView{yaml: v.Console("catalog.yaml"), json: v.Console("catalog.json")}
	if n, err := strconv.ParseInt(v.Query("done"), 10, 32); err == nil && n > 0 {
		page.done = r.N("product.imported", n)
	}
	if v.May(identity.OfferingWrite) {
		page.importing, page.new = v.Console("offers/import"), v.Console("offers/new")
	}
	for _, o := range versions {
		row := offerRow{name: o.Names.In(r.Locale.Language), code: o.Code, href: v.Console("offers/"+o.Code, "version", strconv.Itoa(o.Number)), version: strconv.Itoa(o.Number),
			sold: count(r, sold[o.ID].Active), billing: r.T("biz.offer.billing." + string(o.Billing)), from: "–"}
		if o.AvailableFrom != nil {
			row.from = r.Date(r.LocalDate(*o.AvailableFrom))
		}
		row.tone, row.state = versionState(r, o, v.At())
		page.rows = append(page.rows, row)
	}
	if len(versions) == versionsAPage {
		last := versions[len(versions)-1]
		page.pager.next = v.Console("offers", "code", last.Code, "number", strconv.Itoa(last.Number))
	}
	if after.AfterCode != "" {
		page.pager.first = v.Console("offers")
	}
	return v.Show(http.StatusOK, offersPage(frame.Of(v, frame.Offers, r.T("con.nav.offers")), page))
}

func versionState(r ui.Reader, o catalog.Version, at time.Time) (ui.Tone, string) {
	switch {
	case o.State.Open():
		return ui.Info, r.T("biz.offer.state." + string(o.State))
	case o.State == catalog.Retired:
		return ui.Off, r.T("biz.offer.state.retired")
	case o.AvailableFrom != nil && o.AvailableFrom.After(at):
		return ui.Info, r.T("biz.offer.state.coming")
	}
	return ui.OK, r.T("biz.offer.state.published")
}

// importView takes an offering as a document.
type importView struct {
	list, action string
	text, file   ui.Field
	faults       []ui.Fault
	findings     []findingRow
	key          string
}

type findingRow struct{ line, path, message, lang string }

// documentAtMost bounds an uploaded or pasted document and a draft's form.
const documentAtMost = document.MaxBytes + 1<<20

func showImport(v *web.Visit) error { return answerImport(v, http.StatusOK, nil) }

func answerImport(v *web.Visit, status int, findings []catalog.Finding) error {
	r := v.Reader
	page := &importView{list: v.Console("offers"), action: v.Console("offers/import"), key: command.NewKey(),
		text: ui.Field{ID: "text", Label: r.T("biz.offer.paste"), Hint: r.T("biz.offer.paste.hint"), Value: v.Form("text"), Mono: true, Optional: true},
		file: ui.Field{ID: "file", Label: r.T("biz.offer.file"), Kind: "file", Optional: true}}
	if status != http.StatusOK && len(findings) == 0 {
		page.text.Error = r.T("biz.offer.paste.empty")
	}
	for _, f := range findings {
		words, known := explain.FindingWith(r, f.Message, f.Want)
		row := findingRow{path: f.Path, message: words}
		if !known {
			row.lang = "en" // words that only the format has
		}
		if f.Line > 0 {
			row.line = strconv.Itoa(f.Line)
		}
		page.findings = append(page.findings, row)
	}
	page.faults = ui.FaultsOf(page.text)
	return v.Show(status, importPage(frame.Of(v, frame.Offers, r.T("biz.offer.import")), page))
}

// importOffer stores a document as the draft of its code.
func importOffer(v *web.Visit) error {
	text := []byte(v.Form("text"))
	if head := v.File("file"); head != nil {
		file, err := head.Open()
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }() // it was only read
		if text, err = io.ReadAll(io.LimitReader(file, documentAtMost)); err != nil {
			return err
		}
	}
	if len(text) == 0 {
		return answerImport(v, http.StatusUnprocessableEntity, nil)
	}
	if catalog.IsArchive(text) {
		return importCatalog(v, text)
	}
	offering, _, err := catalog.ParseLines(text)
	var invalid *document.InvalidError
	if errors.As(err, &invalid) {
		return answerImport(v, http.StatusUnprocessableEntity, invalid.Findings)
	}
	if err != nil {
		return err
	}
	return saveAndLead(v, "importOffering", offering, v.Console("offers/"+offering.Code+"/edit", "done", "imported"))
}

// importCatalog stores many documents, each as the draft of its code: all or,
// where one is refused, none.
func importCatalog(v *web.Visit, text []byte) error {
	offerings, err := catalog.ReadArchive(text)
	var invalid *document.InvalidError
	switch {
	case errors.As(err, &invalid):
		return answerImport(v, http.StatusUnprocessableEntity, invalid.Findings)
	case errors.Is(err, catalog.ErrArchive):
		return answerImport(v, http.StatusUnprocessableEntity, []catalog.Finding{{Message: err.Error()}})
	case err != nil:
		return err
	}
	c := &command.Command{Action: "importCatalog", Object: "offering", Detail: map[string]any{"offerings": len(offerings)}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		drafts, err := catalog.SaveDrafts(ctx, tx, offerings)
		if err != nil {
			return "", err
		}
		for _, one := range drafts {
			if _, _, err := catalog.MarkChecked(ctx, tx, one.ID, time.Time{}); err != nil {
				return "", err
			}
		}
		return v.Console("offers", "done", strconv.Itoa(len(drafts))), nil
	}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// saveAndLead saves a draft and leads to where it is seen.
func saveAndLead(v *web.Visit, action string, o catalog.Offering, to string) error {
	c := &command.Command{Action: action, Object: "offering", Detail: map[string]any{"code": o.Code}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		version, err := catalog.SaveDraft(ctx, tx, o)
		if err != nil {
			return "", err
		}
		c.ID = version.ID
		_, _, err = catalog.MarkChecked(ctx, tx, version.ID, time.Time{})
		return to, err
	}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// offerView is one version of an offering in words.
type offerView struct {
	list, yaml, edit string
	done, fault      string
	name, code       string
	tone             ui.Tone
	state            string
	facts            []fact
	prices           []priceRow
	allowances       []allowanceRow
	usage            []usageRow
	versions         []offerRow
	retire           *actForm
	copy, compare    string   // addresses; empty for who may not
	renew            *actForm // begins a draft from this version
}

type actForm struct{ action, id, key string }
type priceRow struct{ name, when, amount string }
type allowanceRow struct{ name, amount, use string }
type usageRow struct{ name, to, windows, price, more string }

// versionOf finds the version of an offering that an address asks for: by
// number, or the newest.
func versionOf(ctx context.Context, tx tenant.Tx, code string, number int) (chosen catalog.Stored, all []catalog.Version, err error) {
	if all, err = catalog.List(ctx, tx, catalog.Query{Code: code, Limit: versionsAPage}); err != nil {
		return catalog.Stored{}, nil, err
	}
	if len(all) == 0 {
		return catalog.Stored{}, nil, catalog.ErrNotFound
	}
	at := all[len(all)-1].ID
	if number > 0 {
		at = uuid.Nil
		for _, o := range all {
			if o.Number == number {
				at = o.ID
			}
		}
	}
	chosen, err = catalog.Get(ctx, tx, at)
	return chosen, all, err
}

func wantedNumber(v *web.Visit) int {
	n, err := strconv.Atoi(v.Query("version"))
	if err != nil {
		return 0
	}
	return n
}

func showOffer(v *web.Visit) error { return answerOffer(v, http.StatusOK, "") }

func answerOffer(v *web.Visit, status int, fault string) error {
	var o catalog.Stored
	var all []catalog.Version
	sold := map[uuid.UUID]insight.Sold{}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if o, all, err = versionOf(ctx, tx, v.Param("code"), wantedNumber(v)); err != nil {
			return err
		}
		list, err := insight.SoldSince(ctx, tx, v.At())
		for _, s := range list {
			sold[s.OfferingID] = s
		}
		return err
	})
	if err != nil {
		return err
	}
	page := newOfferView(v, o, sold[o.ID])
	page.fault = fault
	draft := false
	for _, one := range all {
		r := v.Reader
		row := offerRow{version: strconv.Itoa(one.Number), href: v.Console("offers/"+one.Code, "version", strconv.Itoa(one.Number)), sold: count(r, sold[one.ID].Active), from: "–"}
		if one.AvailableFrom != nil {
			row.from = r.Date(r.LocalDate(*one.AvailableFrom))
		}
		row.tone, row.state = versionState(r, one, v.At())
		page.versions = append(page.versions, row)
		draft = draft || one.State.Open()
	}
	page.compare = v.Console("offers/"+o.Code+"/compare", "to", o.ID.String())
	if v.May(identity.OfferingWrite) {
		page.copy = v.Console("offers/"+o.Code+"/copy", "version", strconv.Itoa(o.Number))
		switch {
		case draft:
			page.edit = v.Console("offers/" + o.Code + "/edit")
		default:
			page.renew = &actForm{v.Console("offers/" + o.Code + "/draft"), o.ID.String(), command.NewKey()}
		}
		if o.State == catalog.Published {
			page.retire = &actForm{v.Console("offers/" + o.Code + "/retire"), o.ID.String(), command.NewKey()}
		}
	}
	return v.Show(status, offerPage(frame.Of(v, frame.Offers, page.name), page))
}

// sendYAML exports a version.
func sendYAML(v *web.Visit) error {
	var o catalog.Stored
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		o, _, err = versionOf(ctx, tx, v.Param("code"), wantedNumber(v))
		return err
	})
	if err != nil {
		return err
	}
	text, err := o.Offering.YAML()
	if err != nil {
		return err
	}
	return v.Download(o.Code+"-v"+strconv.Itoa(o.Number)+".yaml", "application/yaml; charset=utf-8", text)
}

// renewOffer begins a new version from one that is published.
func renewOffer(v *web.Visit) error {
	id := parseID(v.Form("version"))
	c := &command.Command{Action: "newOfferingVersion", Object: "offering", Detail: map[string]any{"from": id.String()}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		o, err := catalog.Get(ctx, tx, id)
		if err != nil || o.Code != v.Param("code") {
			return "", errors.Join(err, catalog.ErrNotFound)
		}
		draft, err := catalog.SaveDraft(ctx, tx, o.Offering)
		c.ID = draft.ID
		return v.Console("offers/" + o.Code + "/edit"), err
	}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// retireOffer ends the sale of a version.
func retireOffer(v *web.Visit) error {
	id := parseID(v.Form("version"))
	c := &command.Command{Action: "retireOffering", Object: "offering", ID: id}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		version, err := catalog.Retire(ctx, tx, id)
		return v.Console("offers/"+version.Code, "version", strconv.Itoa(version.Number), "done", "retired"), err
	}
	next, err := command.CarryOut(v, c)
	if errors.Is(err, catalog.ErrNotPublished) {
		return answerOffer(v, http.StatusUnprocessableEntity, v.Reader.T("biz.offer.retire.not"))
	}
	if err != nil {
		return err
	}
	return v.Lead(next)
}

// newOffer begins an offering with the little that every one has.
func newOffer(v *web.Visit) error {
	t := tree{"billing": "postpaid", "currency": v.Profile.Currency.Code(), "services": []any{},
		"tax": map[string]any{"category": "standard", "included": v.Profile.PricesIncludeTax}}
	return answerDesign(v, http.StatusOK, design{tree: t, fresh: true})
}

// publishDay is from when a version is sold: today means now.
func publishDay(v *web.Visit) (from time.Time, fault string) {
	r := v.Reader
	day, err := calendar.ParseDate(v.Form("from"))
	switch {
	case err != nil:
		return time.Time{}, r.T("biz.run.day.not")
	case day.Before(r.Today):
		return time.Time{}, r.T("biz.offer.from.past", "today", r.Date(r.Today))
	case day == r.Today:
		return time.Time{}, ""
	}
	return day.Start(v.Profile.Zone), ""
}
