package desk

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"tollhouse/billing/bill"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// registerCorrections adds what is done to a bill after it was issued.
func registerCorrections(console *echo.Group, site *web.Site) {
	for _, act := range []struct {
		name  string
		wants identity.Permission
		form  func(*web.Visit, *issued) form
		send  func(*web.Visit, *issued, *form) (*command.Command, error)
	}{
		{"credit", identity.BillWrite, creditForm, sendCredit},
		{"debit", identity.BillWrite, debitForm, sendDebit},
		{"void", identity.BillWrite, voidForm, sendVoid},
		{"write-off", identity.BillWrite, writeOffForm, sendWriteOff},
		{"instalments", identity.PaymentWrite, instalForm, sendInstal},
		{"call-in", identity.PaymentWrite, callInForm, sendCallIn},
		{"refund", identity.RefundWrite, noteRefundForm, sendNoteRefund},
		{"certificate", identity.PaymentWrite, certificateForm, sendCertificate},
	} {
		console.GET("/bills/:bill/"+act.name, site.Console(act.wants, func(v *web.Visit) error {
			i, err := loadIssued(v)
			if err != nil {
				return err
			}
			return act.form(v, i).show(v, http.StatusOK)
		}))
		console.POST("/bills/:bill/"+act.name, site.Console(act.wants, func(v *web.Visit) error {
			i, err := loadIssued(v)
			if err != nil {
				return err
			}
			f := act.form(v, i)
			c, err := act.send(v, i, &f)
			if err != nil {
				return err
			}
			return f.settle(v, true, c, func(f *form, err error) bool { return correctionFault(v.Reader, f, err) })
		}))
	}
}

// issued is a bill with what corrections need to know of it.
type issued struct {
	bill.Bill
	left  bill.Creditable
	parts []bill.Instalment
	notes []bill.Note
	own   bill.Note // where it is a note itself
	held  error     // why it may not be voided
}

func loadIssued(v *web.Visit) (*issued, error) {
	i := &issued{}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) { return i.read(ctx, tx, v) })
	return i, err
}

func (i *issued) read(ctx context.Context, tx tenant.Tx, v *web.Visit) (err error) {
	if i.Bill, err = bill.Get(ctx, tx, idOf(v, "bill")); err != nil {
		return err
	}
	if i.left, err = bill.GetCreditable(ctx, tx, i.ID); err != nil {
		return err
	}
	if i.parts, err = bill.InstalmentsOf(ctx, tx, i.ID); err != nil {
		return err
	}
	if i.notes, err = bill.NotesOf(ctx, tx, i.ID); err != nil {
		return err
	}
	if i.Kind == bill.KindCreditNote || i.Kind == bill.KindDebitNote {
		if i.own, err = bill.GetNote(ctx, tx, i.ID); err != nil {
			return err
		}
	}
	i.held = bill.Voidable(ctx, tx, i.Bill)
	if errors.Is(i.held, bill.ErrVoidForbidden) || errors.Is(i.held, bill.ErrHasMoney) || errors.Is(i.held, bill.ErrSent) {
		return nil
	}
	return i.held
}

// form is an act on the bill.
func (i *issued) form(v *web.Visit, act string) form {
	r, at := v.Reader, "bills/"+i.ID.String()
	return form{title: r.T("correct."+act, "number", i.Number), action: v.Console(at + "/" + act), back: v.Console(at), backTo: i.Number,
		submit: r.T("desk.form.next")}
}

func (i *issued) currency() money.Currency { return i.Total.Currency() }

// amountControl is a field for money.
func amountControl(v *web.Visit, id, label string, c money.Currency, optional bool, hint string) control {
	r := v.Reader
	return control{Field: ui.Field{ID: id, Label: label + ", " + r.Locale.Symbol(c), Hint: hint, Value: v.Form(id), InputMode: "decimal", Autocomplete: "off", MaxLength: "40", Optional: optional}}
}

// read is what was typed into a field for money; nil where it was left empty.
func (c *control) read(r ui.Reader, currency money.Currency) *money.Amount {
	if strings.TrimSpace(c.Value) == "" {
		return nil
	}
	a, err := ui.ParseAmount(c.Value, currency, r.Locale)
	if err != nil || a.Sign() <= 0 {
		c.Error = r.T("desk.adjust.amount.not")
		return nil
	}
	return &a
}

// readReason is the reason, which must be there.
func readReason(v *web.Visit, c *control) string {
	reason := strings.TrimSpace(v.Form("reason"))
	if reason == "" {
		c.Error = v.Reader.T("correct.reason.not")
	}
	return reason
}

// printedReason is the reason of a note, which stands on it.
func printedReason(v *web.Visit) control {
	c := reasonControl(v, "")
	c.Hint = v.Reader.T("correct.reason.printed")
	return c
}

// mostLines bounds the lines that a form asks for one by one.
const mostLines = 30

func creditForm(v *web.Visit, i *issued) form {
	r := v.Reader
	f := i.form(v, "credit")
	f.lead = r.T("correct.credit.lead", "left", r.Money(i.left.Left), "open", r.Money(i.Open))
	what := v.Form("what")
	if what != "amount" && what != "lines" {
		what = "whole"
	}
	rest := v.Form("rest")
	if rest != string(payment.RestRefund) && rest != string(payment.RestDebts) {
		rest = string(payment.RestCredit)
	}
	whats := []ui.Choice{{Value: "whole", Label: r.T("correct.credit.whole", "left", r.Money(i.left.Left))}, {Value: "amount", Label: r.T("correct.credit.amount")}, {Value: "lines", Label: r.T("correct.credit.lines")}}
	rests := []ui.Choice{{Value: string(payment.RestCredit), Label: r.T("correct.rest.credit")}, {Value: string(payment.RestDebts), Label: r.T("correct.rest.debts")}}
	if v.May(identity.RefundWrite) {
		rests = append(rests, ui.Choice{Value: string(payment.RestRefund), Label: r.T("correct.rest.refund")})
	}
	f.fields = []control{
		{kind: radios, Field: ui.Field{ID: "what", Label: r.T("correct.credit.what"), Value: what}, choices: chosen(whats, what)},
		amountControl(v, "amount", r.T("correct.credit.gross"), i.currency(), true, r.T("correct.credit.gross.hint")),
		{kind: radios, Field: ui.Field{ID: "rest", Label: r.T("correct.rest"), Value: rest}, choices: chosen(rests, rest)},
		printedReason(v),
	}
	basis := r.T("correct.line.net")
	if i.left.Document.Basis == tax.Inclusive {
		basis = r.T("correct.line.gross")
	}
	for n, l := range i.left.Lines {
		if n == mostLines {
			break
		}
		left := l.NetLeft
		if i.left.Document.Basis == tax.Inclusive {
			left = money.New(l.NetLeft.Decimal().Add(l.TaxLeft.Decimal()), i.currency())
		}
		name := l.Description
		if !l.Period.To.IsZero() {
			name += ", " + r.T("desk.period", "from", r.DayMonth(l.Period.From), "to", r.DayMonth(l.Period.To.AddDays(-1)))
		}
		f.fields = append(f.fields, amountControl(v, "line_"+strconv.Itoa(l.No), name+" ("+basis+")", i.currency(), true, r.T("correct.line.left", "left", r.Money(left))))
	}
	return f
}

func sendCredit(v *web.Visit, i *issued, f *form) (*command.Command, error) {
	r := v.Reader
	n := bill.NewCredit{ID: command.ID(v), BillID: i.ID, Reason: readReason(v, &f.fields[3]), By: v.Who.Actor()}
	total := i.left.Left
	switch f.fields[0].Value {
	case "amount":
		if gross := f.fields[1].read(r, i.currency()); gross != nil {
			n.Gross, total = *gross, *gross
			if gross.Decimal().Cmp(i.left.Left.Decimal()) > 0 {
				f.fields[1].Error = r.T("correct.credit.much", "left", r.Money(i.left.Left))
			}
		} else if f.fields[1].Error == "" {
			f.fields[1].Error = r.T("desk.adjust.amount.not")
		}
	case "lines":
		sum := money.Decimal{}
		for at := 4; at < len(f.fields); at++ {
			no, _ := strconv.Atoi(strings.TrimPrefix(f.fields[at].ID, "line_"))
			if a := f.fields[at].read(r, i.currency()); a != nil {
				n.Lines, sum = append(n.Lines, bill.CreditLine{No: no, Amount: a}), sum.Add(a.Decimal())
			}
		}
		if len(n.Lines) == 0 && len(f.faults()) == 0 {
			f.fields[0].Error = r.T("correct.lines.none")
		}
		total = money.New(sum, i.currency())
	}
	if f.fields[0].Value == "lines" && i.left.Document.Basis == tax.Exclusive {
		f.effects = []string{r.T("correct.credit.effect.net", "amount", r.Money(total))}
	} else {
		f.effects = i.creditEffects(r, total, f.fields[2].Value)
	}
	if f.submit = r.T("correct.credit.do"); len(f.faults()) > 0 { // nothing of it would come about
		f.effects, f.submit = nil, r.T("desk.form.next")
	}
	rest := payment.Rest(f.fields[2].Value)
	if rest == payment.RestRefund && !v.May(identity.RefundWrite) {
		rest = payment.RestCredit
	}
	c := &command.Command{Action: "bill.credit", Object: "bill", ID: i.ID, Detail: map[string]any{"bill": i.Number, "reason": n.Reason}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		note, _, err := payment.CreditBill(ctx, tx, n, rest)
		c.Detail["note"], c.Detail["total"] = note.Number, note.Total.String()
		return v.Console("bills/"+note.ID.String(), "done", "credited"), err
	}
	return c, nil
}

// creditEffects says what a note would do with its money.
func (i *issued) creditEffects(r ui.Reader, total money.Amount, rest string) []string {
	off := total
	if i.Open.Decimal().Cmp(off.Decimal()) < 0 {
		off = i.Open
	}
	effects := []string{r.T("correct.credit.effect", "amount", r.Money(total), "off", r.Money(off))}
	if left := total.Decimal().Sub(off.Decimal()); left.Sign() > 0 {
		effects = append(effects, r.T("correct.credit.rest."+rest, "left", r.Money(money.New(left, i.currency()))))
	}
	return effects
}

func debitForm(v *web.Visit, i *issued) form {
	r := v.Reader
	f := i.form(v, "debit")
	f.lead = r.T("correct.debit.lead")
	basis := r.T("correct.line.net")
	if i.left.Document.Basis == tax.Inclusive {
		basis = r.T("correct.line.gross")
	}
	lines := []ui.Choice{{Value: "", Label: r.T("correct.debit.own")}}
	for n, l := range i.left.Lines {
		if n < mostLines {
			lines = append(lines, ui.Choice{Value: strconv.Itoa(l.No), Label: l.Description})
		}
	}
	f.fields = []control{
		{kind: selects, Field: ui.Field{ID: "line", Label: r.T("correct.debit.line"), Hint: r.T("correct.debit.line.hint"), Value: v.Form("line")}, choices: chosen(lines, v.Form("line"))},
		{Field: ui.Field{ID: "description", Label: r.T("correct.description"), Value: v.Form("description"), Optional: true, MaxLength: "200"}},
		amountControl(v, "amount", r.T("correct.debit.amount")+" ("+basis+")", i.currency(), false, ""),
		printedReason(v),
	}
	return f
}

func sendDebit(v *web.Visit, i *issued, f *form) (*command.Command, error) {
	r := v.Reader
	no, _ := strconv.Atoi(f.fields[0].Value)
	line := bill.DebitLine{No: no, Description: strings.TrimSpace(v.Form("description"))}
	if no == 0 {
		line.Category = "standard"
		if line.Description == "" {
			f.fields[1].Error = r.T("correct.description.not")
		}
	}
	n := bill.NewDebit{ID: command.ID(v), BillID: i.ID, Reason: readReason(v, &f.fields[3]), By: v.Who.Actor()}
	if a := f.fields[2].read(r, i.currency()); a != nil {
		line.Amount = *a
		f.effects = []string{r.T("correct.debit.effect", "amount", r.Money(*a))}
	} else if f.fields[2].Error == "" {
		f.fields[2].Error = r.T("desk.adjust.amount.not")
	}
	n.Lines = []bill.DebitLine{line}
	f.submit = r.T("correct.debit.do")
	c := &command.Command{Action: "bill.debit", Object: "bill", ID: i.ID, Detail: map[string]any{"bill": i.Number, "reason": n.Reason}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		note, err := bill.Debit(ctx, tx, n)
		c.Detail["note"], c.Detail["total"] = note.Number, note.Total.String()
		return v.Console("bills/"+note.ID.String(), "done", "debited"), err
	}
	return c, nil
}

func voidForm(v *web.Visit, i *issued) form {
	r := v.Reader
	f := i.form(v, "void")
	f.lead, f.danger = r.T("correct.void.lead"), true
	f.fields = []control{
		{kind: check, Field: ui.Field{ID: "again", Name: "bill_again", Label: r.T("correct.void.again"), Hint: r.T("correct.void.again.hint"), Value: "1"}, ticked: v.Form("bill_again") != ""},
		reasonControl(v, ""),
	}
	if i.held != nil {
		f.refused, f.submit = refusal(r, i.held), ""
	}
	return f
}

func sendVoid(v *web.Visit, i *issued, f *form) (*command.Command, error) {
	r := v.Reader
	order := bill.Voiding{BillID: i.ID, Again: v.Form("bill_again") != "", Reason: readReason(v, &f.fields[1]), By: v.Who.Actor()}
	if !order.Again {
		f.fields[0].Value = ""
	}
	if i.held == nil {
		f.effects, f.submit = []string{r.T("correct.void.effect", "number", i.Number, "amount", r.Money(i.Total))}, r.T("correct.void.do")
	}
	c := &command.Command{Action: "bill.void", Object: "bill", ID: i.ID, Detail: map[string]any{"bill": i.Number, "reason": order.Reason, "again": order.Again}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return v.Console("bills/"+i.ID.String(), "done", "voided"), bill.Cancel(ctx, tx, order)
	}
	return c, nil
}
