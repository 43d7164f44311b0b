package business

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"tollhouse/billing/catalog"
	"tollhouse/billing/catalog/document"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// mostRules bounds what a form shows: beyond it a document is the better way.
const mostRules = 60

// design is a draft in the form as it stands.
type design struct {
	tree      tree
	fresh     bool // not stored yet
	findings  []catalog.Finding
	refused   bool // it was to be saved, and could not be read
	unsaved   bool // rows were added or taken away since it was saved
	focus     string
	done      string
	from      string // typed publication day
	fromFault string
	painting  *paint
	stored    *catalog.Stored // nil: not stored yet
}

// designView is the page of it.
type designView struct {
	list, action, publish, offer, yaml string
	title, done                        string
	groups                             []group
	faults                             map[string]string
	summary                            []ui.Fault
	summaryTitle                       string
	clean, large, unsaved              bool
	from                               ui.Field
	fromOpen                           bool
	why                                string // publishing waits for
	key, name                          string
	code                               string
	focus                              string
	parts                              []partLink
	warnings                           []ui.Fault
	changes                            []changeRow
	changesTitle, kept                 string
	state                              string
	tone                               ui.Tone
	told                               string // what is sold now
	trial                              string // address of the trial
	tried                              triedView
	check                              string // address that checks the draft
}

// opens says whether a row of the form stands open: it is wrong, it is new, or
// the way to what is.
func (d *designView) opens(g group) bool {
	if strings.HasPrefix(d.focus, g.path) {
		return true
	}
	if strings.HasSuffix(g.path, moreMark) {
		return slices.ContainsFunc(g.fields, func(c control) bool { return c.Error != "" })
	}
	for path, fault := range d.faults {
		if fault != "" && strings.HasPrefix(path, g.path) {
			return true
		}
	}
	return false
}

func showDesign(v *web.Visit) error {
	draft, err := findDraft(v)
	if err != nil {
		return err
	}
	t, err := treeOf(draft.Offering)
	if err != nil {
		return err
	}
	findings, err := review(v, draft.Offering)
	if err != nil {
		return err
	}
	return answerDesign(v, http.StatusOK, design{tree: t, findings: findings, done: v.Query("done"), stored: &draft, focus: partOf(v)})
}

// findDraft reads the draft of the address's offering.
func findDraft(v *web.Visit) (draft catalog.Stored, err error) {
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		list, err := catalog.List(ctx, tx, catalog.Query{Code: v.Param("code"), Open: true, Limit: 1})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return catalog.ErrNotFound
		}
		draft, err = catalog.Get(ctx, tx, list[0].ID)
		return err
	})
	return draft, err
}

func answerDesign(v *web.Visit, status int, d design) error {
	r := v.Reader
	code := d.tree.text("code", r.Locale)
	page := &designView{list: v.Console("offers"), key: command.NewKey(), code: code, name: designName(r, d.tree), unsaved: d.unsaved || d.fresh || d.refused}
	page.title = r.T("biz.offer.new")
	page.action = v.Console("offers/new")
	if !d.fresh {
		page.title = r.T("biz.offer.edit.of", "name", page.name)
		page.action, page.publish = v.Console("offers/"+v.Param("code")+"/edit"), v.Console("offers/"+v.Param("code")+"/publish")
		page.offer, page.yaml = v.Console("offers/"+v.Param("code")), v.Console("offers/"+v.Param("code")+"/yaml")
	}
	for i := range d.tree.rows("usage") {
		page.large = page.large || d.tree.rows("usage["+strconv.Itoa(i)+"].rules") > mostRules
	}
	form := newDesigner(r, d.tree, d.findings)
	form.focus, page.focus, form.painting = d.focus, d.focus, d.painting
	if d.painting != nil {
		page.focus = "usage[" + strconv.Itoa(d.painting.usage) + "]"
	}
	page.groups, page.faults = form.build(), form.faults
	faults := catalog.Faults(d.findings)
	page.summary = form.summary(faults)
	page.warnings = form.summary(warningsOf(d.findings))
	page.parts = form.parts(page.groups)
	page.clean = len(faults) == 0 && !page.unsaved
	if err := beside(v, page, &d); err != nil {
		return err
	}
	switch {
	case d.refused:
		page.summaryTitle = r.T("biz.offer.refused")
	case len(faults) > 0:
		page.summaryTitle = r.N("biz.offer.findings", int64(len(faults)))
	}
	switch {
	case page.unsaved:
		page.why = r.T("biz.offer.why.unsaved")
	case !page.clean:
		page.why = r.N("biz.offer.why.findings", int64(len(faults)))
	}
	if d.done != "" {
		page.done = r.T("biz.offer.done." + d.done)
	}
	if d.from == "" {
		d.from = r.Today.String()
	}
	page.from = ui.Field{ID: "from", Label: r.T("biz.offer.from.day"), Hint: r.T("biz.offer.from.hint"), Kind: "date", Value: d.from, Error: d.fromFault}
	page.fromOpen = d.fromFault != ""
	return v.Show(status, designPage(frame.Of(v, frame.Offers, page.title), page))
}

func designName(r ui.Reader, t tree) string {
	for _, language := range []string{r.Locale.Language, "en", "id", "ru"} {
		if name := t.text("names."+language, r.Locale); name != "" {
			return name
		}
	}
	return t.text("code", r.Locale)
}

// changeDesign saves the draft, or adds or takes away a row and shows the form
// again. A draft is saved with whatever findings it has; only what cannot be
// read is refused.
func changeDesign(v *web.Visit) error {
	fresh := v.Param("code") == ""
	t := treeFromForm(v.Fields(), v.Reader.Locale)
	d := design{tree: t, fresh: fresh}
	verb, path, _ := strings.Cut(v.Form("act"), ":")
	switch verb {
	case "hours", "paint":
		return paintDesign(v, d, verb, path)
	case "show":
		d.unsaved = true
		return answerDesign(v, http.StatusOK, d)
	case "add":
		d.focus, d.unsaved = t.insert(path), true
		return answerDesign(v, http.StatusOK, d)
	case "remove":
		t.remove(path)
		d.unsaved = true
		return answerDesign(v, http.StatusOK, d)
	}
	offering, err := t.offering()
	var invalid *document.InvalidError
	if errors.As(err, &invalid) {
		d.findings, d.refused = invalid.Findings, true
		return answerDesign(v, http.StatusUnprocessableEntity, d)
	}
	if err != nil {
		return err
	}
	if !fresh && offering.Code != v.Param("code") {
		d.findings, d.refused = []catalog.Finding{{Path: "code", Message: v.Reader.T("biz.offer.code.fixed", "code", v.Param("code"))}}, true
		return answerDesign(v, http.StatusUnprocessableEntity, d)
	}
	if fresh {
		taken, err := known(v, offering.Code)
		if err != nil {
			return err
		}
		if taken {
			d.findings, d.refused = []catalog.Finding{{Path: "code", Message: v.Reader.T("biz.offer.code.taken")}}, true
			return answerDesign(v, http.StatusUnprocessableEntity, d)
		}
	}
	return saveAndLead(v, "saveOfferingDraft", offering, v.Console("offers/"+offering.Code+"/edit", "done", "saved"))
}

func known(v *web.Visit, code string) (taken bool, err error) {
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		list, err := catalog.List(ctx, tx, catalog.Query{Code: code, Limit: 1})
		taken = len(list) > 0
		return err
	})
	return taken, err
}

// publishOffer puts the draft on sale from a day on. One with findings is
// refused, and each finding leads to its field.
func publishOffer(v *web.Visit) error {
	draft, err := findDraft(v)
	if err != nil {
		return err
	}
	t, err := treeOf(draft.Offering)
	if err != nil {
		return err
	}
	refused := func(findings []catalog.Finding, fault string) error {
		return answerDesign(v, http.StatusUnprocessableEntity, design{tree: t, findings: findings, from: v.Form("from"), fromFault: fault, stored: &draft})
	}
	from, fault := publishDay(v)
	if fault != "" {
		findings, err := review(v, draft.Offering)
		if err != nil {
			return err
		}
		return refused(findings, fault)
	}
	c := &command.Command{Action: "publishOffering", Object: "offering", ID: draft.ID, Detail: map[string]any{"code": draft.Code, "version": draft.Number, "from": fromText(from)}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		version, err := catalog.Publish(ctx, tx, draft.ID, from)
		return v.Console("offers/"+draft.Code, "version", strconv.Itoa(version.Number), "done", "published"), err
	}
	next, err := command.CarryOut(v, c)
	var notClean *catalog.NotCleanError
	switch {
	case errors.As(err, &notClean):
		return refused(notClean.Findings, "")
	case errors.Is(err, catalog.ErrNotTried):
		return refused(nil, v.Reader.T("catalog.publish.untried"))
	case errors.Is(err, catalog.ErrSuperseded):
		return refused(nil, v.Reader.T("biz.offer.superseded"))
	case err != nil:
		return err
	}
	return v.Lead(next)
}

func fromText(from time.Time) string {
	if from.IsZero() {
		return "now"
	}
	return from.UTC().Format(time.RFC3339)
}
