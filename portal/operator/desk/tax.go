package desk

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// taxView is what tax a customer would pay today and why, and how it wants its
// documents.
type taxView struct {
	here, key  string
	may        bool
	paid       table
	exemptions []exemptionView
	exempt     map[string]ui.Field
	codes      []ui.Choice
	withhold   map[string]ui.Field
	papers     bill.Papers
	faults     []ui.Fault
	statement  string // address of the statement as a file
	checks     table  // what the register said of the tax id
	mayAsk     bool   // there is a tax id to ask about
}

type exemptionView struct {
	id, words, valid string
	open             bool
}

func showTax(v *web.Visit) error { return answerTax(v, http.StatusOK, nil) }

func answerTax(v *web.Visit, status int, faults []ui.Fault) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	r := v.Reader
	w := taxView{here: v.Console(p.path("tax")), key: command.NewKey(), may: v.May(identity.AccountWrite), faults: faults, statement: v.Console(p.path("statement"))}
	var s tax.Standing
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if s, err = tax.StandingOf(ctx, tx, p.ID, r.Today); err == nil {
			w.papers, err = bill.GetPapers(ctx, tx, p.ID)
		}
		if err == nil {
			err = w.loadChecks(ctx, tx, v, p.ID)
		}
		return err
	})
	if err != nil {
		return err
	}
	w.paid = table{id: "h-paid", title: r.T("papers.tax.paid"), icon: "bill", none: r.T("papers.tax.none"), noneMore: r.T("papers.tax.none.more"),
		head: heads(r.T("papers.tax.category"), r.T("papers.tax.code"), r.T("papers.tax.rate")+"#", r.T("papers.tax.why"))}
	for _, a := range s.Categories {
		w.paid.rows = append(w.paid.rows, []cell{{text: a.Category, sub: a.Name}, {text: string(a.Code), sub: r.T("papers.code." + string(a.Code))},
			{text: r.Number(a.Percent) + " %"}, {text: whyTaxed(r, a), sub: a.Reason.Text}})
	}
	for _, e := range s.Exemptions {
		one := exemptionView{id: e.ID, words: string(e.Code) + " · " + e.Reason.Text, valid: r.T("papers.from", "date", r.Date(e.From)), open: e.To.IsZero() || e.To.After(r.Today)}
		if e.Certificate != "" {
			one.words += " (" + e.Certificate + ")"
		}
		if e.Category != "" {
			one.words += " · " + e.Category
		}
		if !e.To.IsZero() {
			one.valid = r.T("papers.from_to", "from", r.Date(e.From), "to", r.Date(e.To.AddDays(-1)))
		}
		w.exemptions = append(w.exemptions, one)
	}
	field := func(id, label, hint, value string, optional bool) ui.Field {
		f := ui.Field{ID: id, Label: r.T(label), Value: value, Optional: optional, Autocomplete: "off"}
		if hint != "" {
			f.Hint = r.T(hint)
		}
		if sent := v.Form(id); sent != "" {
			f.Value = sent
		}
		for _, fault := range faults {
			if fault.Field == id {
				f.Error = fault.Message
			}
		}
		return f
	}
	date := func(f ui.Field) ui.Field { f.Kind = "date"; return f }
	w.exempt = map[string]ui.Field{
		"code": field("code", "papers.exempt.code", "", "", false), "reason": field("reason", "papers.exempt.reason", "papers.exempt.reason.hint", "", false),
		"certificate": field("certificate", "papers.exempt.certificate", "", "", true), "category": field("category", "papers.exempt.category", "papers.exempt.category.hint", "", true),
		"from": date(field("from", "papers.exempt.from", "", r.Today.String(), false)), "to": date(field("to", "papers.exempt.to", "", "", true)),
	}
	for _, code := range []tax.Code{tax.Exempt, tax.ReverseCharge, tax.ZeroRated, tax.OutOfScope, tax.Export, tax.IntraEU} {
		w.codes = append(w.codes, ui.Choice{Value: string(code), Label: string(code) + " · " + r.T("papers.code."+string(code)), Chosen: v.Form("code") == string(code)})
	}
	name, percent := "", ""
	if s.Withholding != nil {
		name, percent = s.Withholding.Name, r.Number(s.Withholding.Percent)
	}
	w.withhold = map[string]ui.Field{"name": field("name", "papers.withhold.name", "papers.withhold.name.hint", name, true), "percent": field("percent", "papers.withhold.percent", "", percent, true)}
	page, head := p.framed(v, "tax")
	return v.Show(status, taxPage(page, head, w))
}

func whyTaxed(r ui.Reader, a tax.Applied) string {
	switch {
	case a.Exemption != nil:
		return r.T("papers.why.exemption")
	case a.Rule != nil:
		return r.T("papers.why.rule", "treatment", r.T("papers.treat."+string(a.Rule.Treat)))
	}
	return r.T("papers.why.home")
}

// changeTax carries out one change of how a customer is taxed.
func changeTax(action string, do func(ctx context.Context, tx tenant.Tx, v *web.Visit, p *person) (ui.Fault, error)) func(*web.Visit) error {
	return func(v *web.Visit) error {
		p, err := load(v)
		if err != nil {
			return err
		}
		var fault ui.Fault
		c := &command.Command{Action: action, Object: "account", ID: p.ID, Detail: map[string]any{"account": p.Number}}
		c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
			var err error
			if fault, err = do(ctx, tx, v, p); err == nil && fault.Message != "" {
				err = errTyped
			}
			return v.Console(p.path("tax"), "done", "tax"), err
		}
		next, err := command.CarryOut(v, c)
		if err == nil {
			return v.Lead(next)
		}
		if fault.Message != "" {
			return answerTax(v, http.StatusUnprocessableEntity, []ui.Fault{fault})
		}
		return err
	}
}

// errTyped ends the transaction of a form with a fault.
var errTyped = errors.New("a field is not as it should be")

func fault(r ui.Reader, field, words string) ui.Fault {
	return ui.Fault{Field: field, Message: r.T(words)}
}

func addExemption(ctx context.Context, tx tenant.Tx, v *web.Visit, p *person) (ui.Fault, error) {
	e := tax.Exemption{Code: tax.Code(v.Form("code")), Reason: tax.Reason{Code: tax.UsualReason(tax.Code(v.Form("code"))).Code, Text: strings.TrimSpace(v.Form("reason"))},
		Certificate: strings.TrimSpace(v.Form("certificate")), Category: strings.TrimSpace(v.Form("category"))}
	var err error
	if e.From, err = calendar.ParseDate(v.Form("from")); err != nil {
		return fault(v.Reader, "from", "papers.want.day"), nil
	}
	if to := v.Form("to"); to != "" {
		if e.To, err = calendar.ParseDate(to); err != nil || !e.To.After(e.From) {
			return fault(v.Reader, "to", "papers.want.later"), nil
		}
	}
	if e.Reason.Text == "" {
		return fault(v.Reader, "reason", "papers.want.reason"), nil
	}
	_, err = tax.AddExemption(ctx, tx, p.ID, e, v.Who.Actor())
	if errors.Is(err, tax.ErrExemption) {
		return fault(v.Reader, "code", "papers.want.code"), nil
	}
	return ui.Fault{}, err
}

func endExemption(ctx context.Context, tx tenant.Tx, v *web.Visit, p *person) (ui.Fault, error) {
	id, err := uuid.Parse(v.Param("exemption"))
	if err != nil {
		return ui.Fault{}, tax.ErrNoExemption
	}
	return ui.Fault{}, tax.EndExemption(ctx, tx, p.ID, id, v.Reader.Today.AddDays(1))
}

func saveWithholding(ctx context.Context, tx tenant.Tx, v *web.Visit, p *person) (ui.Fault, error) {
	name := strings.TrimSpace(v.Form("name"))
	if name == "" {
		return ui.Fault{}, tax.PutWithholding(ctx, tx, p.ID, nil)
	}
	percent, err := money.ParseDecimal(strings.ReplaceAll(strings.TrimSpace(v.Form("percent")), ",", "."))
	if err == nil {
		err = tax.PutWithholding(ctx, tx, p.ID, &tax.Withholding{Name: name, Percent: percent})
	}
	if errors.Is(err, money.ErrSyntax) || errors.Is(err, tax.ErrWithholding) {
		return fault(v.Reader, "percent", "papers.want.percent"), nil
	}
	return ui.Fault{}, err
}

func savePapers(ctx context.Context, tx tenant.Tx, v *web.Visit, p *person) (ui.Fault, error) {
	return ui.Fault{}, bill.PutPapers(ctx, tx, p.ID, bill.Papers{Annex: v.Form("annex") != "", Mask: v.Form("mask") != "", Separate: v.Form("separate") != ""})
}

// statementFile gives a subscriber's statement of a period as pdf or csv.
func statementFile(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	format, media := "pdf", "application/pdf"
	if v.Query("format") == "csv" {
		format, media = "csv", "text/csv; charset=utf-8"
	}
	period := v.Query("period")
	if from, to := v.Query("from"), v.Query("to"); from != "" || to != "" {
		period = "days:" + from + "/" + to
	}
	if period == "" {
		period = "since-last-payment"
	}
	name, content, err := v.Stack.StatementFile(v.Context(), p.ID, period, format)
	if errors.Is(err, bill.ErrPeriod) {
		return answerTax(v, http.StatusUnprocessableEntity, []ui.Fault{fault(v.Reader, "from", "papers.want.days")})
	}
	if err != nil {
		return err
	}
	return v.Download(name, media, content)
}

func showUBL(v *web.Visit) error {
	return billFile(v, ".xml", "application/xml", v.Stack.BillUBL)
}

func showCSV(v *web.Visit) error {
	return billFile(v, ".csv", "text/csv; charset=utf-8", v.Stack.BillCSV)
}

func billFile(v *web.Visit, ending, media string, file func(ctx context.Context, id uuid.UUID) ([]byte, error)) error {
	id := idOf(v, "bill")
	var b bill.Bill
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		b, err = bill.Get(ctx, tx, id)
		return err
	})
	if err != nil {
		return err
	}
	body, err := file(v.Context(), id)
	if err != nil {
		return err
	}
	return v.Download(b.Number+ending, media, body)
}
