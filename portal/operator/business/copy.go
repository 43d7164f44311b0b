package business

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/catalog"
	"tollhouse/billing/catalog/document"
	"tollhouse/billing/tenant"
	"tollhouse/portal/explain"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// copyView asks under which code an offering is begun anew.
type copyView struct {
	list, back, action, key string
	name                    string
	code                    ui.Field
	names                   []ui.Field
}

func showCopy(v *web.Visit) error { return answerCopy(v, http.StatusOK, "") }

func answerCopy(v *web.Visit, status int, fault string) error {
	r := v.Reader
	var o catalog.Stored
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		o, _, err = versionOf(ctx, tx, v.Param("code"), wantedNumber(v))
		return err
	})
	if err != nil {
		return err
	}
	page := &copyView{list: v.Console("offers"), back: v.Console("offers/" + o.Code), action: v.Console("offers/"+o.Code+"/copy", "version", strconv.Itoa(o.Number)), key: command.NewKey(),
		name: o.Offering.Names.In(r.Locale.Language),
		code: ui.Field{ID: "code", Label: r.T("biz.offer.code"), Hint: r.T("biz.offer.code.hint"), Value: v.Form("code"), Error: fault, Autocomplete: "off", MaxLength: "64"}}
	for _, language := range []string{"en", "id", "ru"} {
		value := o.Offering.Names[language]
		if v.Form("code") != "" {
			value = v.Form("names." + language)
		}
		page.names = append(page.names, ui.Field{ID: "names." + language, Label: r.T("biz.offer.name." + language), Value: value, Lang: language, Optional: language != "en", Autocomplete: "off", MaxLength: "200"})
	}
	return v.Show(status, copyPage(frame.Of(v, frame.Offers, r.T("catalog.copy")), page))
}

// copyOffer begins a draft under a new code from a version of another offering.
func copyOffer(v *web.Visit) error {
	code := strings.TrimSpace(v.Form("code"))
	taken, err := known(v, code)
	if err != nil {
		return err
	}
	if taken {
		return answerCopy(v, http.StatusUnprocessableEntity, v.Reader.T("biz.offer.code.taken"))
	}
	var o catalog.Stored
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		o, _, err = versionOf(ctx, tx, v.Param("code"), wantedNumber(v))
		return err
	})
	if err != nil {
		return err
	}
	t, err := treeOf(o.Offering)
	if err != nil {
		return err
	}
	names := map[string]any{}
	for _, language := range []string{"en", "id", "ru"} {
		if name := strings.TrimSpace(v.Form("names." + language)); name != "" {
			names[language] = name
		}
	}
	t["code"] = code
	if len(names) > 0 {
		t["names"] = names
	}
	copied, err := t.offering()
	var invalid *document.InvalidError
	if errors.As(err, &invalid) {
		words, _ := explain.Finding(v.Reader, invalid.Findings[0].Message)
		return answerCopy(v, http.StatusUnprocessableEntity, words)
	}
	if err != nil {
		return err
	}
	return saveAndLead(v, "importOffering", copied, v.Console("offers/"+code+"/edit", "done", "copied"))
}

// compareView is what is different between two versions, of one offering or of
// two.
type compareView struct {
	list, back, action string
	from, to           ui.Field
	choices, others    []ui.Choice
	told               string // what is compared; empty: nothing is chosen yet
	changes            []changeRow
}

func compareVersions(v *web.Visit) error {
	r := v.Reader
	page := &compareView{list: v.Console("offers"), back: v.Console("offers/" + v.Param("code")), action: v.Console("offers/" + v.Param("code") + "/compare"),
		from: ui.Field{ID: "from", Label: r.T("catalog.compare.from")}, to: ui.Field{ID: "to", Label: r.T("catalog.compare.to")}}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		own, err := catalog.List(ctx, tx, catalog.Query{Code: v.Param("code"), Limit: versionsAPage})
		if err != nil {
			return err
		}
		if len(own) == 0 {
			return catalog.ErrNotFound
		}
		all, err := catalog.List(ctx, tx, catalog.Query{Limit: versionsAPage})
		if err != nil {
			return err
		}
		slices.Reverse(own)
		for _, o := range all {
			if o.Code != v.Param("code") {
				own = append(own, o)
			}
		}
		from, to := chosenVersions(v, own)
		page.choices, page.others = versionChoices(r, own, from, tx.At), versionChoices(r, own, to, tx.At)
		if from == to {
			return nil
		}
		return page.compare(ctx, tx, r, from, to)
	})
	if err != nil {
		return err
	}
	return v.Show(http.StatusOK, comparePage(frame.Of(v, frame.Offers, r.T("catalog.compare")), page))
}

// chosenVersions are those of the address, or the newest beside the one before
// it.
func chosenVersions(v *web.Visit, all []catalog.Version) (from, to uuid.UUID) {
	from, to = parseID(v.Query("from")), parseID(v.Query("to"))
	if to == uuid.Nil {
		to = all[0].ID
	}
	if from == uuid.Nil {
		from = to
		for i, o := range all {
			if o.ID == to && i+1 < len(all) && all[i+1].Code == o.Code {
				from = all[i+1].ID
			}
		}
	}
	return from, to
}

func versionChoices(r ui.Reader, all []catalog.Version, chosen uuid.UUID, at time.Time) []ui.Choice {
	choices := make([]ui.Choice, len(all))
	for i, o := range all {
		_, state := versionState(r, o, at)
		choices[i] = ui.Choice{Value: o.ID.String(), Chosen: o.ID == chosen,
			Label: r.T("catalog.compare.version", "name", o.Names.In(r.Locale.Language), "version", strconv.Itoa(o.Number), "state", state)}
	}
	return choices
}

func (p *compareView) compare(ctx context.Context, tx tenant.Tx, r ui.Reader, from, to uuid.UUID) error {
	before, err := catalog.Get(ctx, tx, from)
	if err != nil {
		return err
	}
	after, err := catalog.Get(ctx, tx, to)
	if err != nil {
		return err
	}
	named := func(o catalog.Stored) string {
		return r.T("catalog.compare.named", "name", o.Offering.Names.In(r.Locale.Language), "version", strconv.Itoa(o.Number))
	}
	p.told = r.T("catalog.compare.told", "from", named(before), "to", named(after))
	p.changes = changeWords(r, after.Offering, catalog.Diff(before.Offering, after.Offering))
	return nil
}
