package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

func registerNumbers(console *echo.Group, site *web.Site) {
	console.GET("/settings/numbers", site.Console(identity.SettingsRead, numbers))
	console.POST("/settings/numbers/format", site.Console(identity.SettingsWrite, saveFormat))
	console.POST("/settings/numbers/continue", site.Console(identity.SettingsWrite, continueSeries))
	console.POST("/settings/numbers/rules", site.Console(identity.SettingsWrite, saveNoteRules))
	console.POST("/settings/numbers/late", site.Console(identity.SettingsWrite, addLate))
	console.POST("/settings/numbers/late/remove", site.Console(identity.SettingsWrite, removeLate))
	console.POST("/settings/numbers/base", site.Console(identity.SettingsWrite, saveBase))
}

// numbersView shows how documents are numbered, what may be voided and what
// late payment costs.
type numbersView struct {
	ui.ConsolePage
	Tabs       []ui.NavItem
	Series     []bill.Numbering
	Format     form
	Next       string // number that the typed format prints
	Continue   form
	Rules      form
	Late       form
	Base       form
	Steps      bill.LateRules
	Sellers    []ui.Choice
	Categories []string
	Done       string
	May        bool
	currency   money.Currency
}

// numbers shows the page; its fields begin with what holds.
func numbers(v *web.Visit) error { return showNumbers(v, func(*numbersView) {}) }

func showNumbers(v *web.Visit, with func(*numbersView)) error {
	r := v.Reader
	view := numbersView{ConsolePage: frame.Of(v, frame.Settings, r.T("admin.set.tab.numbers")), Tabs: settingsNav(v, "numbers"), Done: v.Query("done"), May: v.May(identity.SettingsWrite), currency: v.Profile.Currency}
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		if view.Series, err = bill.Numberings(ctx, tx); err != nil {
			return err
		}
		entities, err := account.LegalEntities(ctx, tx)
		if err != nil {
			return err
		}
		for _, e := range entities {
			view.Sellers = append(view.Sellers, ui.Choice{Value: e.ID.String(), Label: e.Name})
		}
		rules, err := bill.GetRules(ctx, tx)
		if err != nil {
			return err
		}
		if view.Steps, err = bill.GetLateRules(ctx, tx); err != nil {
			return err
		}
		rates, err := tax.Load(ctx, tx)
		if err != nil {
			return err
		}
		view.Categories = rates.Categories()
		view.Rules = newForm(map[string]string{"void": string(rules.Void), "tax_relief": on(rules.TaxRelief)})
		return view.begin(ctx, tx, v)
	})
	if err != nil {
		return err
	}
	with(&view)
	status := http.StatusOK
	for _, f := range []form{view.Format, view.Continue, view.Rules, view.Late, view.Base} {
		if f.status() != http.StatusOK {
			status = f.status()
		}
	}
	return v.Show(status, numbersPage(view))
}

func on(b bool) string {
	if b {
		return "on"
	}
	return ""
}

// begin fills the forms with what they start from: a format that was looked
// at, or the one of the first series.
func (n *numbersView) begin(ctx context.Context, tx tenant.Tx, v *web.Visit) error {
	seller, kind, template := v.Query("legal_entity"), v.Query("document"), strings.TrimSpace(v.Query("template"))
	if seller == "" && len(n.Sellers) > 0 {
		seller = n.Sellers[0].Value
	}
	if kind == "" {
		kind = string(bill.KindBill)
	}
	id, err := uuid.Parse(seller)
	if err != nil {
		return account.ErrNotFound
	}
	if template == "" {
		if template, err = bill.NumberTemplate(ctx, tx, id, bill.Kind(kind)); err != nil {
			return err
		}
	}
	n.Format = newForm(map[string]string{"legal_entity": seller, "document": kind, "template": template})
	n.Next, err = bill.PrintedNumber(ctx, tx, bill.NumberFormat{LegalEntity: id, Kind: bill.Kind(kind), Template: template})
	if refused := (*account.FieldError)(nil); errors.As(err, &refused) {
		n.Format.refuse(refused.Field, v.Reader.T("admin.numbers.template.not"))
		err = nil
	}
	n.Continue = newForm(map[string]string{"c_entity": seller, "c_document": kind, "year": strconv.Itoa(v.Reader.Today.Year), "last_issue": v.Reader.Today.String()})
	n.Late = newForm(map[string]string{"grace_days": "5", "kind": string(bill.LateFixed), "day_count": string(bill.Act365)})
	var base []string
	for _, b := range n.Steps.BaseRates {
		base = append(base, b.From.String()+" "+b.Percent.String())
	}
	n.Base = newForm(map[string]string{"base_rates": strings.Join(base, "\n")})
	return err
}

// numberedChoices are the documents that have a series.
func numberedChoices(r ui.Reader) []ui.Choice {
	var list []ui.Choice
	for _, kind := range bill.NumberedKinds {
		list = append(list, ui.Choice{Value: string(kind), Label: r.T("admin.document." + string(kind))})
	}
	return list
}

func saveFormat(v *web.Visit) error {
	f := sentForm(v, "legal_entity", "document", "template")
	if v.Form("show") != "" {
		return v.Redirect(v.Console("settings/numbers", "legal_entity", f.Typed["legal_entity"], "document", f.Typed["document"], "template", f.Typed["template"]))
	}
	entity, err := uuid.Parse(f.Typed["legal_entity"])
	if err != nil {
		return account.ErrNotFound
	}
	format := bill.NumberFormat{LegalEntity: entity, Kind: bill.Kind(f.Typed["document"]), Template: f.Typed["template"]}
	_, err = once(v, "number_format.put", func(ctx context.Context, tx tenant.Tx) (act, error) {
		return act{object: "operator", detail: map[string]any{"document": format.Kind, "template": format.Template}}, bill.PutNumberFormat(ctx, tx, format, v.Who.Actor())
	})
	refused := (*account.FieldError)(nil)
	switch {
	case err == nil:
		return after(v, "settings/numbers", "format")
	case errors.Is(err, bill.ErrNumberFormat):
		f.refuse("template", v.Reader.T("admin.numbers.template.taken"))
	case errors.As(err, &refused):
		f.refuse("template", v.Reader.T("admin.numbers.template.not"))
	default:
		return err
	}
	return showNumbers(v, func(view *numbersView) { view.Format, view.Next = f, "" })
}

func continueSeries(v *web.Visit) error {
	r := v.Reader
	f := sentForm(v, "c_entity", "c_document", "year", "next", "last_issue")
	entity, err := uuid.Parse(f.Typed["c_entity"])
	if err != nil || !slices.Contains(bill.NumberedKinds, bill.Kind(f.Typed["c_document"])) {
		return account.ErrNotFound
	}
	year, err := strconv.Atoi(f.Typed["year"])
	if err != nil || year < 2000 || year > 2200 {
		f.refuse("year", r.T("admin.numbers.year.not"))
	}
	next, err := strconv.ParseInt(f.Typed["next"], 10, 64)
	if err != nil || next < 1 || next > 999_999_999 {
		f.refuse("next", r.T("admin.numbers.number.not"))
	}
	last, err := calendar.ParseDate(f.Typed["last_issue"])
	if err != nil || last.After(r.Today) {
		f.refuse("last_issue", r.T("admin.numbers.date.not"))
	}
	if f.status() == http.StatusOK {
		s := bill.Series{LegalEntity: entity, Kind: bill.Kind(f.Typed["c_document"]), Year: year}
		_, err := once(v, "number_series.continue", func(ctx context.Context, tx tenant.Tx) (act, error) {
			return act{object: "operator", detail: map[string]any{"document": s.Kind, "year": year, "next": next}}, bill.ContinueAt(ctx, tx, s, next, last)
		})
		switch {
		case err == nil:
			return after(v, "settings/numbers", "continued")
		case !errors.Is(err, bill.ErrNumberTaken):
			return err
		}
		f.refuse("next", r.T("admin.numbers.next.not"))
	}
	return showNumbers(v, func(view *numbersView) { view.Continue = f })
}

func saveNoteRules(v *web.Visit) error {
	f := sentForm(v, "void", "tax_relief")
	rules := bill.Rules{Void: bill.VoidRule(f.Typed["void"]), TaxRelief: f.Typed["tax_relief"] != ""}
	_, err := once(v, "note_rules.put", func(ctx context.Context, tx tenant.Tx) (act, error) {
		return act{object: "operator", detail: map[string]any{"rules": rules}}, bill.PutRules(ctx, tx, rules, v.Who.Actor())
	})
	if fieldOf(err) != "" {
		f.refuse("void", v.Reader.T("admin.late.not"))
		return showNumbers(v, func(view *numbersView) { view.Rules = f })
	}
	if err != nil {
		return err
	}
	return after(v, "settings/numbers", "saved")
}
