package desk

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

func writeOffForm(v *web.Visit, i *issued) form {
	r := v.Reader
	f := i.form(v, "write-off")
	f.lead, f.danger = r.T("correct.off.lead", "open", r.Money(i.Open)), true
	f.fields = []control{amountControl(v, "amount", r.T("correct.off.amount"), i.currency(), true, r.T("correct.off.amount.hint")), reasonControl(v, "")}
	return f
}

func sendWriteOff(v *web.Visit, i *issued, f *form) (*command.Command, error) {
	r := v.Reader
	amount, reason, id := f.fields[0].read(r, i.currency()), readReason(v, &f.fields[1]), command.ID(v)
	told := i.Open
	if amount != nil {
		told = *amount
	}
	if told.Decimal().Cmp(i.Open.Decimal()) > 0 || i.Open.IsZero() {
		f.fields[0].Error = r.T("correct.off.much", "open", r.Money(i.Open))
	}
	if len(f.faults()) == 0 {
		f.effects, f.submit = []string{r.T("correct.off.effect", "amount", r.Money(told))}, r.T("correct.off.do")
	}
	c := &command.Command{Action: "bill.write_off", Object: "bill", ID: i.ID, Detail: map[string]any{"bill": i.Number, "reason": reason, "amount": told.String()}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		left := told.Decimal()
		for n, part := range i.parts { // the part due first before the others
			take := part.Open.Decimal()
			if left.Cmp(take) < 0 {
				take = left
			}
			if take.Sign() <= 0 {
				continue
			}
			left = left.Sub(take)
			one := money.New(take, i.currency())
			order := bill.NewWriteOff{OpenItemID: part.OpenItemID, Amount: &one, Reason: reason, By: v.Who.Actor()}
			if n == 0 {
				order.ID = id
			}
			if _, err := bill.WriteDebtOff(ctx, tx, order); err != nil {
				return "", err
			}
		}
		return v.Console("bills/"+i.ID.String(), "done", "writtenoff"), nil
	}
	return c, nil
}

func instalForm(v *web.Visit, i *issued) form {
	r := v.Reader
	f := i.form(v, "instalments")
	f.lead = r.T("correct.instal.lead", "open", r.Money(i.Open))
	count, from := v.Form("count"), v.Form("from")
	if !sent(v) {
		count, from = "3", r.Today.AddMonths(1).String()
	}
	f.fields = []control{
		{Field: ui.Field{ID: "count", Label: r.T("correct.instal.count"), Hint: r.T("correct.instal.count.hint"), Value: count, InputMode: "numeric", MaxLength: "2"}},
		{Field: ui.Field{ID: "from", Kind: "date", Label: r.T("correct.instal.from"), Hint: r.T("correct.instal.from.hint"), Value: from}},
		amountControl(v, "fee", r.T("correct.instal.fee"), i.currency(), true, r.T("correct.instal.fee.hint")),
	}
	return f
}

func sendInstal(v *web.Visit, i *issued, f *form) (*command.Command, error) {
	r := v.Reader
	order := bill.NewInstalments{BillID: i.ID, Fee: f.fields[2].read(r, i.currency()), By: v.Who.Actor()}
	count, err := strconv.Atoi(strings.TrimSpace(f.fields[0].Value))
	if err != nil || count < 2 || count > 36 {
		f.fields[0].Error = r.T("correct.instal.count.not")
	}
	first, err := calendar.ParseDate(f.fields[1].Value)
	if err != nil || first.Before(r.Today) {
		f.fields[1].Error = r.T("correct.instal.from.not")
	}
	if len(f.faults()) == 0 {
		for n := range count {
			order.Due = append(order.Due, first.AddMonths(n))
		}
		weights := make([]money.Decimal, count)
		for n := range weights {
			weights[n] = money.NewDecimal(1)
		}
		if parts, err := i.Open.Split(weights, i.currency().DocumentDigits()); err == nil {
			for n, part := range parts {
				f.effects = append(f.effects, r.T("correct.instal.effect", "amount", r.Money(part), "date", r.Date(order.Due[n])))
			}
		}
	}
	f.submit = r.T("correct.instal.do")
	c := &command.Command{Action: "bill.instal", Object: "bill", ID: i.ID, Detail: map[string]any{"bill": i.Number, "parts": len(order.Due)}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := bill.Instal(ctx, tx, order)
		return v.Console("bills/"+i.ID.String(), "done", "parted"), err
	}
	return c, nil
}

func callInForm(v *web.Visit, i *issued) form {
	f := i.form(v, "call-in")
	f.lead, f.danger = v.Reader.T("correct.callin.lead", "open", v.Reader.Money(i.Open)), true
	return f
}

func sendCallIn(v *web.Visit, i *issued, f *form) (*command.Command, error) {
	f.effects, f.submit = []string{v.Reader.T("correct.callin.effect", "open", v.Reader.Money(i.Open))}, v.Reader.T("correct.callin.do")
	c := &command.Command{Action: "bill.call_in", Object: "bill", ID: i.ID, Detail: map[string]any{"bill": i.Number}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := bill.CallIn(ctx, tx, i.ID)
		return v.Console("bills/"+i.ID.String(), "done", "calledin"), err
	}
	return c, nil
}

func noteRefundForm(v *web.Visit, i *issued) form {
	r := v.Reader
	f := i.form(v, "refund")
	f.lead = r.T("correct.refund.lead", "credit", r.Money(i.own.Credit))
	f.fields = []control{amountControl(v, "amount", r.T("correct.refund.amount"), i.currency(), true, r.T("correct.refund.amount.hint")), reasonControl(v, "")}
	return f
}

func sendNoteRefund(v *web.Visit, i *issued, f *form) (*command.Command, error) {
	r := v.Reader
	amount := i.own.Credit
	if typed := f.fields[0].read(r, i.currency()); typed != nil {
		amount = *typed
	}
	order := payment.NoteRefund{Key: "console:" + command.ID(v).String(), ID: i.ID, Amount: amount, Reason: readReason(v, &f.fields[1]), By: v.Who.Actor()}
	f.effects, f.submit = []string{r.T("correct.refund.effect", "amount", r.Money(amount))}, r.T("correct.refund.do")
	c := &command.Command{Action: "bill.refund_note", Object: "bill", ID: i.ID, Detail: map[string]any{"bill": i.Number, "amount": amount.String(), "reason": order.Reason}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := payment.RefundNote(ctx, tx, order)
		return v.Console("bills/"+i.ID.String(), "done", "refunded"), err
	}
	return c, nil
}

// correctionFault puts a refusal beside its field.
func correctionFault(r ui.Reader, f *form, err error) bool {
	beside := func(id, message string) bool {
		for n := range f.fields {
			if f.fields[n].ID == id {
				f.fields[n].Error, f.confirm, f.effects, f.submit = message, false, nil, r.T("desk.form.next")
				return true
			}
		}
		return false
	}
	credited, refund, field := (*bill.CreditError)(nil), (*payment.RefundError)(nil), (*account.FieldError)(nil)
	switch {
	case errors.As(err, &credited):
		return beside("amount", r.T("correct.credit.much", "left", r.Money(credited.Left)))
	case errors.As(err, &refund):
		return beside("amount", r.T("correct.refund.much", "left", r.Money(refund.Left)))
	case errors.As(err, &field):
		return beside(strings.TrimSuffix(field.Field, "[0]"), r.T("correct.field.not")) || beside("amount", r.T("correct.field.not"))
	}
	return false
}
