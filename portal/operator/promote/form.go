package promote

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"tollhouse/billing/catalog/document"
	"tollhouse/billing/promotion"
	"tollhouse/billing/tenant"
	"tollhouse/portal/explain"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// formView is a promotion as a form, or its document as text.
type formView struct {
	list, action string
	key          string
	sections     []section
	faults       []ui.Fault
	findings     []promotion.Finding // of what has no field here
	text         *ui.Field           // the document, where it is written as text
}

// section is a part of the form under a heading.
type section struct {
	title  string
	fields []control
}

type control struct {
	ui.Field
	choices []ui.Choice // a choice of these
	tick    bool        // a box to tick
	ticked  bool
}

// names of fields are the paths of the document, so that a finding lands
// beside its field.
const (
	kindPercent = "percent"
	kindAmount  = "amount"
	kindUnits   = "units"
	kindMoney   = "money"
)

func showNew(v *web.Visit) error {
	p := promotion.Promotion{Occasion: promotion.OnActivation, Currency: v.Profile.Currency, From: v.Reader.Today}
	return answerForm(v, http.StatusOK, valuesOf(&p), nil)
}

func showEdit(v *web.Visit) error {
	version, err := load(v)
	if err != nil {
		return err
	}
	return answerForm(v, http.StatusOK, valuesOf(&version.Promotion), nil)
}

// valuesOf is what the form's fields hold for a promotion.
func valuesOf(p *promotion.Promotion) map[string]string {
	values := map[string]string{
		"code": p.Code, "occasion": string(p.Occasion), "from": p.From.String(), "offerings": list(p.Offerings), "with": list(p.With),
		"eligibility": p.Eligibility, "after_months": whole(p.AfterMonths), "every_months": whole(p.EveryMonths),
		"limits.total": whole(p.Limits.Total), "limits.per_account": whole(p.Limits.PerAccount),
		"stacking.group": p.Stacking.Group, "stacking.order": whole(p.Stacking.Order),
	}
	for _, language := range []string{"en", "id", "ru"} {
		values["names."+language] = p.Names[language]
	}
	if p.Until != nil {
		values["until"] = p.Until.String()
	}
	if p.MinimumTopUp != nil {
		values["minimum_top_up"] = p.MinimumTopUp.String()
	}
	if p.Limits.Budget != nil {
		values["limits.budget"] = p.Limits.Budget.String()
	}
	if p.Stacking.Alone {
		values["stacking.alone"] = "on"
	}
	benefitValues(values, "benefit", &p.Benefit)
	if p.Friend != nil {
		benefitValues(values, "friend", p.Friend)
	}
	return values
}

func benefitValues(values map[string]string, at string, b *promotion.Benefit) {
	values[at+".cycles"] = whole(b.Cycles)
	switch {
	case b.Percent != nil:
		values[at+".kind"], values[at+".value"] = kindPercent, b.Percent.String()
	case b.Amount != nil:
		values[at+".kind"], values[at+".value"] = kindAmount, b.Amount.String()
	case b.Bucket != nil && b.Bucket.Units != nil:
		values[at+".kind"], values[at+".value"] = kindUnits, b.Bucket.Units.String()
	case b.Bucket != nil && b.Bucket.Money != nil:
		values[at+".kind"], values[at+".value"] = kindMoney, b.Bucket.Money.String()
	}
	if b.Bucket != nil {
		values[at+".days"] = whole(b.Bucket.ValidityDays)
		kinds := make([]string, len(b.Bucket.Kinds))
		for i, k := range b.Bucket.Kinds {
			kinds[i] = string(k)
		}
		values[at+".kinds"] = list(kinds)
	}
}

func whole(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func list(codes []string) string { return strings.Join(codes, ", ") }

// documentOf turns what was typed into the document's form; the promotion's
// own reader judges it.
func documentOf(v *web.Visit) map[string]any {
	get := func(name string) string { return strings.TrimSpace(v.Form(name)) }
	doc := map[string]any{"code": get("code"), "occasion": get("occasion"), "currency": v.Profile.Currency.Code(), "from": get("from")}
	put := func(to map[string]any, key, name string) {
		if text := get(name); text != "" {
			to[key] = text
		}
	}
	number := func(to map[string]any, key, name string) {
		text := get(name)
		if n, err := strconv.Atoi(text); err == nil {
			to[key] = n
		} else if text != "" {
			to[key] = text // the schema says what would be right
		}
	}
	codes := func(key string) {
		if found := strings.FieldsFunc(get(key), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' }); len(found) > 0 {
			doc[key] = found
		}
	}
	names := map[string]any{}
	for _, language := range []string{"en", "id", "ru"} {
		put(names, language, "names."+language)
	}
	doc["names"] = names
	put(doc, "until", "until")
	put(doc, "eligibility", "eligibility")
	put(doc, "minimum_top_up", "minimum_top_up")
	number(doc, "after_months", "after_months")
	number(doc, "every_months", "every_months")
	codes("offerings")
	codes("with")
	doc["benefit"] = benefitOf(get, "benefit")
	if get("friend.kind") != "" {
		doc["friend"] = benefitOf(get, "friend")
	}
	limits, stacking := map[string]any{}, map[string]any{}
	number(limits, "total", "limits.total")
	number(limits, "per_account", "limits.per_account")
	put(limits, "budget", "limits.budget")
	put(stacking, "group", "stacking.group")
	number(stacking, "order", "stacking.order")
	if get("stacking.alone") != "" {
		stacking["alone"] = true
	}
	if len(limits) > 0 {
		doc["limits"] = limits
	}
	if len(stacking) > 0 {
		doc["stacking"] = stacking
	}
	return doc
}

func benefitOf(get func(string) string, at string) map[string]any {
	b, value := map[string]any{}, get(at+".value")
	if n, err := strconv.Atoi(get(at + ".cycles")); err == nil {
		b["cycles"] = n
	}
	switch kind := get(at + ".kind"); kind {
	case kindPercent, kindAmount:
		b[kind] = value
	case kindUnits, kindMoney:
		bucket := map[string]any{kind: value}
		if n, err := strconv.Atoi(get(at + ".days")); err == nil {
			bucket["validity_days"] = n
		}
		if kinds := strings.FieldsFunc(get(at+".kinds"), func(r rune) bool { return r == ',' || r == ' ' }); len(kinds) > 0 {
			bucket["kinds"] = kinds
		}
		b["bucket"] = bucket
	}
	return b
}

// fieldOf is the form's field of a path of the document.
func fieldOf(path string) string {
	for _, at := range []string{"benefit", "friend"} {
		switch path {
		case at, at + ".percent", at + ".amount", at + ".bucket", at + ".bucket.units", at + ".bucket.money":
			return at + ".value"
		case at + ".bucket.validity_days":
			return at + ".days"
		}
		if strings.HasPrefix(path, at+".bucket.kinds") {
			return at + ".kinds"
		}
	}
	if path == "names" {
		return "names.en"
	}
	field, _, _ := strings.Cut(path, "[")
	return field
}

// save keeps what was typed as the draft of its code, if it can be read; what
// Check finds is told there.
func save(v *web.Visit) error {
	doc := documentOf(v)
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	p, err := promotion.Parse(text)
	var invalid *document.InvalidError
	if errors.As(err, &invalid) {
		return answerForm(v, http.StatusUnprocessableEntity, typed(v), invalid.Findings)
	}
	if err != nil {
		return err
	}
	return keep(v, p)
}

func keep(v *web.Visit, p promotion.Promotion) error {
	c := &command.Command{Action: "importPromotion", Object: "promotion", Detail: map[string]any{"code": p.Code}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		version, err := promotion.SaveDraft(ctx, tx, p)
		c.ID = version.ID
		return v.Console("promotions/"+version.ID.String(), "done", "saved"), err
	}
	next, err := command.CarryOut(v, c)
	if err != nil {
		return err
	}
	return v.Lead(next)
}

func typed(v *web.Visit) map[string]string {
	values := map[string]string{}
	for name := range v.Fields() {
		values[name] = v.Form(name)
	}
	return values
}

func answerForm(v *web.Visit, status int, values map[string]string, findings []promotion.Finding) error {
	r := v.Reader
	page := &formView{list: v.Console("promotions"), action: v.Console("promotions/new"), key: command.NewKey()}
	errorsAt := map[string]string{}
	for _, f := range findings {
		if field := fieldOf(f.Path); errorsAt[field] == "" {
			errorsAt[field], _ = explain.Finding(v.Reader, f.Message)
		}
	}
	page.sections = sectionsOf(r, values)
	known := map[string]bool{}
	for i := range page.sections {
		for j := range page.sections[i].fields {
			f := &page.sections[i].fields[j]
			known[f.ID] = true
			f.Error = errorsAt[f.ID]
			if fault, wrong := f.Fault(); wrong {
				page.faults = append(page.faults, fault)
			}
		}
	}
	for _, f := range findings {
		if !known[fieldOf(f.Path)] {
			page.findings = append(page.findings, f)
		}
	}
	return v.Show(status, formPage(frame.Of(v, frame.Promotions, r.T("promo.form")), page))
}

func sectionsOf(r ui.Reader, values map[string]string) []section {
	field := func(id, label string, change ...func(*ui.Field)) control {
		f := ui.Field{ID: id, Label: r.T(label), Value: values[id], Autocomplete: "off"}
		for _, one := range change {
			one(&f)
		}
		return control{Field: f}
	}
	optional := func(f *ui.Field) { f.Optional = true }
	hint := func(key string) func(*ui.Field) { return func(f *ui.Field) { f.Hint = r.T(key) } }
	date := func(f *ui.Field) { f.Kind = "date" }
	choice := func(id, label string, options []ui.Choice) control {
		for i := range options {
			options[i].Chosen = options[i].Value == values[id]
		}
		return control{Field: ui.Field{ID: id, Label: r.T(label), Value: values[id]}, choices: options}
	}
	var occasions []ui.Choice
	for _, o := range promotion.Occasions {
		occasions = append(occasions, ui.Choice{Value: string(o), Label: r.T("promo.on." + string(o))})
	}
	kinds := func(none string) []ui.Choice {
		list := []ui.Choice{{Value: kindPercent, Label: r.T("promo.kind.percent")}, {Value: kindAmount, Label: r.T("promo.kind.amount")},
			{Value: kindUnits, Label: r.T("promo.kind.units")}, {Value: kindMoney, Label: r.T("promo.kind.money")}}
		if none != "" {
			list = append([]ui.Choice{{Value: "", Label: r.T(none)}}, list...)
		}
		return list
	}
	benefit := func(at, title, none string) section {
		return section{r.T(title), []control{
			choice(at+".kind", "promo.kind", kinds(none)), field(at+".value", "promo.value", hint("promo.value.hint"), func(f *ui.Field) { f.Optional = none != "" }),
			field(at+".cycles", "promo.for", hint("promo.for.hint"), optional), field(at+".days", "promo.valid", hint("promo.valid.hint"), optional),
			field(at+".kinds", "promo.kinds", hint("promo.kinds.hint"), optional),
		}}
	}
	alone := control{Field: ui.Field{ID: "stacking.alone", Label: r.T("promo.alone")}, tick: true, ticked: values["stacking.alone"] != ""}
	return []section{
		{r.T("promo.basics"), []control{
			field("names.en", "promo.name.en"), field("names.id", "promo.name.id", optional), field("names.ru", "promo.name.ru", optional),
			field("code", "promo.code", hint("promo.code.hint")), choice("occasion", "promo.occasion", occasions),
			field("from", "promo.from", date), field("until", "promo.until", date, optional),
		}},
		benefit("benefit", "promo.benefit", ""),
		{r.T("promo.who"), []control{
			field("offerings", "promo.offerings", hint("promo.offerings.hint"), optional), field("with", "promo.with", hint("promo.with.hint"), optional),
			field("eligibility", "promo.eligibility", hint("promo.eligibility.hint"), optional, func(f *ui.Field) { f.Mono = true }),
			field("minimum_top_up", "promo.minimum", hint("promo.minimum.hint"), optional),
			field("after_months", "promo.after", hint("promo.after.hint"), optional), field("every_months", "promo.every", optional),
		}},
		benefit("friend", "promo.friend", "promo.friend.none"),
		{r.T("promo.limits"), []control{
			field("limits.total", "promo.total", optional), field("limits.per_account", "promo.each", optional), field("limits.budget", "promo.budget", hint("promo.budget.hint"), optional),
			field("stacking.group", "promo.group", hint("promo.group.hint"), optional), field("stacking.order", "promo.order", hint("promo.order.hint"), optional), alone,
		}},
	}
}

func showImport(v *web.Visit) error { return answerImport(v, http.StatusOK, nil) }

func answerImport(v *web.Visit, status int, findings []promotion.Finding) error {
	r := v.Reader
	page := &formView{list: v.Console("promotions"), action: v.Console("promotions/import"), key: command.NewKey(), findings: findings}
	page.text = &ui.Field{ID: "text", Label: r.T("promo.text"), Hint: r.T("promo.text.hint"), Value: v.Form("text"), Mono: true}
	if status != http.StatusOK {
		page.text.Error = r.T("promo.text.not")
	}
	page.faults = ui.FaultsOf(*page.text)
	return v.Show(status, formPage(frame.Of(v, frame.Promotions, r.T("promo.import")), page))
}

func importText(v *web.Visit) error {
	p, err := promotion.Parse([]byte(v.Form("text")))
	var invalid *document.InvalidError
	if errors.As(err, &invalid) {
		return answerImport(v, http.StatusUnprocessableEntity, invalid.Findings)
	}
	if err != nil {
		return err
	}
	return keep(v, p)
}
