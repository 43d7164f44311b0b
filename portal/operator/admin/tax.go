package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/letter"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// taxesView shows what documents are taxed with and how they are numbered.
type taxesView struct {
	ui.ConsolePage
	Tabs       []ui.NavItem
	Done       string
	May        bool
	Rates      []tax.Rate
	Categories []tax.Category
	Rules      []tax.Rule
	Series     []bill.Numbering

	Rate, Category, Rule, Settings     form
	Strict, Attach, AttachUBL, Outside bool
	Documents                          form
}

// The forms of the page, by what they change.
var taxFields = map[string][]string{
	"rates":      {"category", "levy", "rate_name", "percent", "base", "position", "from", "on_earlier", "other"},
	"categories": {"category_key", "title", "code", "service", "reason"},
	"rules":      {"seller", "buyer", "kind", "rule_service", "treatment", "as_category", "rule_reason"},
	"settings":   {"rounding", "strict", "top_ups"},
	"documents":  {"attach", "attach_ubl"},
}

func taxes(v *web.Visit) error { return showTaxes(v, "", form{}) }

// showTaxes answers with the page; which names the form that was refused.
func showTaxes(v *web.Visit, which string, sent form) error {
	r := v.Reader
	view := taxesView{ConsolePage: frame.Of(v, frame.Settings, r.T("admin.set.tab.taxes")), Tabs: settingsNav(v, "taxes"), Done: v.Query("done"), May: v.May(identity.SettingsWrite)}
	var settings tax.Settings
	err := read(v, func(ctx context.Context, tx tenant.Tx) error {
		table, err := tax.Load(ctx, tx)
		if err != nil {
			return err
		}
		view.Rates, view.Categories, view.Rules, settings = table.Rates(), table.Descriptions(), table.Rules(), table.Settings
		documents, err := letter.GetSettings(ctx, tx)
		if err != nil {
			return err
		}
		view.Attach, view.AttachUBL = documents.Attach, documents.AttachUBL
		view.Series, err = bill.Numberings(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	if settings.Rounding == "" {
		settings.Rounding = tax.PerGroup
	}
	view.Strict, view.Outside = settings.Strict, settings.Engine != ""
	view.Rate = newForm(map[string]string{"category": "standard", "position": "1", "from": r.Today.String()})
	view.Category = newForm(map[string]string{"service": string(tax.Telecom)})
	view.Rule = newForm(map[string]string{"seller": v.Profile.Country})
	view.Documents = newForm(nil)
	view.Settings = newForm(map[string]string{"rounding": string(settings.Rounding), "top_ups": string(cmp.Or(settings.TopUps, tax.AtUse))})
	for name, f := range map[string]*form{"rates": &view.Rate, "categories": &view.Category, "rules": &view.Rule, "settings": &view.Settings} {
		if name == which {
			*f = sent
		}
	}
	status := http.StatusOK
	if which != "" {
		status = sent.status()
	}
	return v.Show(status, taxesPage(view))
}

// saveTax carries out one of the page's forms.
func saveTax(which string, do func(ctx context.Context, tx tenant.Tx, v *web.Visit, f *form) error) func(*web.Visit) error {
	return func(v *web.Visit) error {
		f := sentForm(v, taxFields[which]...)
		_, err := once(v, "tax."+which, func(ctx context.Context, tx tenant.Tx) (act, error) {
			return act{"tax", uuid.Nil, map[string]any{which: f.Typed}}, do(ctx, tx, v, &f)
		})
		if err != nil && len(f.Faults) == 0 {
			if field, words := taxFault(which, err); field != "" {
				f.refuse(field, v.Reader.T(words))
			}
		}
		if len(f.Faults) > 0 {
			return showTaxes(v, which, f)
		}
		if err != nil {
			return err
		}
		return after(v, "settings/taxes", "saved")
	}
}

// taxFault is the field that the domain refused, with what would be right.
func taxFault(which string, err error) (field, words string) {
	switch {
	case errors.Is(err, tax.ErrPercent), errors.Is(err, money.ErrSyntax):
		return "percent", "papers.want.percent"
	case errors.Is(err, tax.ErrFactor):
		return "base", "papers.want.base"
	case errors.Is(err, tax.ErrOverlap), errors.Is(err, calendar.ErrSyntax):
		return "from", "papers.want.after"
	case errors.Is(err, tax.ErrRate):
		return "category", "papers.want.key"
	case errors.Is(err, tax.ErrCategory):
		return "category_key", "papers.want.key"
	case errors.Is(err, tax.ErrCode):
		return "code", "papers.want.code"
	case errors.Is(err, tax.ErrNoRate) && which == "rules":
		return "as_category", "papers.want.rated"
	case errors.Is(err, tax.ErrNoRate):
		return "from", "papers.want.after"
	case errors.Is(err, tax.ErrRule), errors.Is(err, tax.ErrTooMany):
		return "buyer", "papers.want.rule"
	case errors.Is(err, tax.ErrMoment):
		return "top_ups", "outside.top_ups.hint"
	case errors.Is(err, tax.ErrRounding):
		return "rounding", "papers.want.rounding"
	}
	return "", ""
}

// saveRate lets a rate begin on a day; the one that holds until then ends.
func saveRate(ctx context.Context, tx tenant.Tx, _ *web.Visit, f *form) error {
	from, err := calendar.ParseDate(f.Typed["from"])
	if err != nil {
		return calendar.ErrSyntax
	}
	percent, err := money.ParseDecimal(strings.ReplaceAll(f.Typed["percent"], ",", "."))
	if err != nil {
		return err
	}
	factor, err := tax.ParseFactor(f.Typed["base"])
	if err != nil {
		return err
	}
	position, _ := strconv.Atoi(f.Typed["position"]) // the domain refuses 0
	table, err := tax.Load(ctx, tx)
	if err != nil {
		return err
	}
	if f.Typed["rate_name"] == "" {
		return tax.ErrRate
	}
	for _, r := range table.Rates() {
		if r.Category == f.Typed["category"] && r.Levy == f.Typed["levy"] && r.To.IsZero() {
			if !r.From.Before(from) {
				return tax.ErrOverlap
			}
			if err := tax.End(ctx, tx, r.Category, r.Levy, from); err != nil {
				return err
			}
		}
	}
	return tax.Add(ctx, tx, tax.Rate{Category: f.Typed["category"], Levy: f.Typed["levy"], Name: f.Typed["rate_name"], Percent: percent, From: from, Factor: factor,
		Position: position, OnEarlier: f.Typed["on_earlier"] != "", Other: f.Typed["other"] != ""})
}

func saveCategory(ctx context.Context, tx tenant.Tx, _ *web.Visit, f *form) error {
	return tax.PutCategory(ctx, tx, tax.Category{Key: f.Typed["category_key"], Name: f.Typed["title"], Code: tax.Code(f.Typed["code"]), Service: tax.Service(f.Typed["service"]),
		Reason: tax.Reason{Text: f.Typed["reason"], Code: tax.UsualReason(tax.Code(f.Typed["code"])).Code}})
}

// saveRule puts a rule behind the others.
func saveRule(ctx context.Context, tx tenant.Tx, _ *web.Visit, f *form) error {
	table, err := tax.Load(ctx, tx)
	if err != nil {
		return err
	}
	_, err = tax.PutRules(ctx, tx, append(slices.Clone(table.Rules()), tax.Rule{Seller: place(f.Typed["seller"]), Buyer: place(f.Typed["buyer"]), Kind: tax.BuyerKind(f.Typed["kind"]),
		Service: tax.Service(f.Typed["rule_service"]), Treat: tax.Treatment(f.Typed["treatment"]), Category: f.Typed["as_category"], Reason: tax.Reason{Text: f.Typed["rule_reason"]}}))
	return err
}

func place(text string) string {
	if text == "other" {
		return text
	}
	return strings.ToUpper(text)
}

// removeRule takes a rule away. One that is gone already is no fault.
func removeRule(v *web.Visit) error {
	id, err := idIn(v, "rule")
	if err != nil {
		return err
	}
	_, err = once(v, "tax.rules", func(ctx context.Context, tx tenant.Tx) (act, error) {
		table, err := tax.Load(ctx, tx)
		if err != nil {
			return act{}, err
		}
		rules := slices.DeleteFunc(slices.Clone(table.Rules()), func(r tax.Rule) bool { return r.ID == id })
		_, err = tax.PutRules(ctx, tx, rules)
		return act{"tax", id, map[string]any{"removed": id}}, err
	})
	if err != nil {
		return err
	}
	return after(v, "settings/taxes", "saved")
}

func saveTaxSettings(ctx context.Context, tx tenant.Tx, _ *web.Visit, f *form) error {
	return tax.PutSettings(ctx, tx, tax.Settings{Rounding: tax.Rounding(f.Typed["rounding"]), Strict: f.Typed["strict"] != "", TopUps: tax.Moment(f.Typed["top_ups"])})
}

func saveDocuments(ctx context.Context, tx tenant.Tx, _ *web.Visit, f *form) error {
	return letter.PutSettings(ctx, tx, letter.Settings{Attach: f.Typed["attach"] != "", AttachUBL: f.Typed["attach_ubl"] != ""})
}

// rateState says whether a rate holds today, did, or will.
func rateState(r ui.Reader, rate tax.Rate) (ui.Tone, string) {
	switch {
	case r.Today.Before(rate.From):
		return ui.Info, r.T("admin.tax.later")
	case !rate.To.IsZero() && !r.Today.Before(rate.To):
		return ui.Off, r.T("admin.tax.over")
	}
	return ui.OK, r.T("admin.tax.now")
}

// rateWords is a rate as its row tells it.
func rateWords(r ui.Reader, rate tax.Rate) string {
	words := r.Number(rate.Percent) + " %"
	if !rate.Factor.IsZero() {
		words += " × " + rate.Factor.String()
	}
	if rate.OnEarlier {
		words += " · " + r.T("papers.rate.on_earlier")
	}
	if rate.Other {
		words += " · " + r.T("papers.rate.other")
	}
	return words
}

func choicesOf[T ~string](r ui.Reader, prefix string, values ...T) []ui.Choice {
	list := make([]ui.Choice, len(values))
	for i, value := range values {
		list[i] = ui.Choice{Value: string(value), Label: r.T(prefix + string(value))}
	}
	return list
}

func codeChoices(r ui.Reader) []ui.Choice {
	list := choicesOf(r, "papers.code.", tax.Codes...)
	for i := range list {
		list[i].Label = list[i].Value + " · " + list[i].Label
	}
	return list
}

func serviceChoices(r ui.Reader, any bool) []ui.Choice {
	list := choicesOf(r, "papers.service.", tax.Services...)
	if any {
		list = append([]ui.Choice{{Value: "", Label: r.T("papers.service.any")}}, list...)
	}
	return list
}

var (
	buyerKinds = tax.BuyerKinds
	treatments = tax.Treatments
)

// ruleWords tells a rule in a sentence.
func ruleWords(r ui.Reader, rule tax.Rule) string {
	words := r.T("papers.rule.words", "seller", placeWords(r, rule.Seller), "buyer", placeWords(r, rule.Buyer), "kind", r.T("papers.kind."+string(rule.Kind)),
		"treatment", r.T("papers.treat."+string(rule.Treat)))
	if rule.Category != "" {
		words += " (" + rule.Category + ")"
	}
	if rule.Service != tax.AnyService {
		words += " · " + r.T("papers.service."+string(rule.Service))
	}
	return words
}

func placeWords(r ui.Reader, place string) string {
	switch place {
	case "*":
		return r.T("papers.place.any")
	case "other":
		return r.T("papers.place.other")
	}
	return place
}
