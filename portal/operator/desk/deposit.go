package desk

import (
	"context"
	"strconv"
	"strings"

	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

func depositForm(v *web.Visit, p *person) (form, error) {
	r := v.Reader
	f := p.secured(v, "deposit", "deposit")
	f.lead = r.T("correct.deposit.lead")
	f.fields = []control{
		amountControl(v, "amount", r.T("correct.deposit.amount"), p.Currency, false, ""),
		dateControl(v, "due", r.T("desk.col.due"), r.T("correct.deposit.due.hint"), "", true),
		{Field: ui.Field{ID: "interest", Label: r.T("correct.deposit.interest"), Hint: r.T("correct.deposit.interest.hint"), Value: v.Form("interest"), InputMode: "decimal", Optional: true, MaxLength: "9"}},
		{Field: ui.Field{ID: "months", Label: r.T("correct.deposit.months"), Hint: r.T("correct.deposit.months.hint"), Value: v.Form("months"), InputMode: "numeric", Optional: true, MaxLength: "3"}},
		reasonControl(v, ""),
	}
	return f, nil
}

func sendDeposit(v *web.Visit, p *person, f *form) (*command.Command, error) {
	r := v.Reader
	n := bill.NewDeposit{ID: command.ID(v), AccountID: p.ID, DueDate: f.fields[1].readDate(r), Reason: readReason(v, &f.fields[4]), By: v.Who.Actor()}
	if a := f.fields[0].read(r, p.Currency); a != nil {
		n.Amount = *a
		f.effects = []string{r.T("correct.deposit.effect", "amount", r.Money(*a))}
	} else if f.fields[0].Error == "" {
		f.fields[0].Error = r.T("desk.adjust.amount.not")
	}
	if typed := strings.ReplaceAll(strings.TrimSpace(v.Form("interest")), ",", "."); typed != "" {
		percent, err := money.ParseDecimal(typed)
		if err != nil || percent.Sign() <= 0 || percent.Cmp(money.NewDecimal(100)) > 0 {
			f.fields[2].Error = r.T("correct.percent.not")
		}
		n.Interest = &percent
	}
	if typed := strings.TrimSpace(v.Form("months")); typed != "" {
		months, err := strconv.Atoi(typed)
		if err != nil || months < 1 || months > 120 {
			f.fields[3].Error = r.T("correct.months.not")
		}
		n.Months = &months
	}
	f.submit = r.T("correct.deposit.do")
	c := &command.Command{Action: "deposit.ask", Object: "account", ID: p.ID, Detail: map[string]any{"account": p.Number, "amount": v.Form("amount"), "reason": n.Reason}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := bill.AskDeposit(ctx, tx, n)
		return p.afterSecurity(v, "deposit"), err
	}
	return c, nil
}

// theDeposit reads the deposit of the address, which is one of the account's.
func theDeposit(v *web.Visit, p *person) (d bill.Deposit, err error) {
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		d, err = bill.GetDeposit(ctx, tx, idOf(v, "deposit"))
		return err
	})
	if err == nil && d.AccountID != p.ID {
		err = bill.ErrNoDeposit
	}
	return d, err
}

func returnForm(v *web.Visit, p *person) (form, error) {
	d, err := theDeposit(v, p)
	if err != nil {
		return form{}, err
	}
	r := v.Reader
	f := p.secured(v, "return", "deposits/"+d.ID.String()+"/return")
	f.lead = r.T("correct.return.lead", "number", d.Number, "held", r.Money(d.Held()))
	to := v.Form("to")
	if to != "refund" && to != "credit" {
		to = "debt"
	}
	ways := []ui.Choice{{Value: "debt", Label: r.T("correct.return.debt")}, {Value: "refund", Label: r.T("correct.return.refund")}, {Value: "credit", Label: r.T("correct.return.credit")}}
	f.fields = []control{
		amountControl(v, "amount", r.T("correct.deposit.amount"), p.Currency, true, r.T("correct.return.amount.hint")),
		{kind: radios, Field: ui.Field{ID: "to", Label: r.T("correct.return.to"), Value: to}, choices: chosen(ways, to)},
		reasonControl(v, ""),
	}
	return f, nil
}

func sendReturn(v *web.Visit, p *person, f *form) (*command.Command, error) {
	d, err := theDeposit(v, p)
	if err != nil {
		return nil, err
	}
	r := v.Reader
	order := bill.DepositReturn{ID: command.ID(v), DepositID: d.ID, Amount: f.fields[0].read(r, p.Currency), ToDebt: f.fields[1].Value == "debt", By: v.Who.Actor()}
	reason, told := readReason(v, &f.fields[2]), d.Held()
	if order.Amount != nil {
		told = *order.Amount
	}
	if told.Decimal().Cmp(d.Held().Decimal()) > 0 {
		f.fields[0].Error = r.T("correct.return.much", "held", r.Money(d.Held()))
	}
	f.effects, f.submit = []string{r.T("correct.return.effect."+f.fields[1].Value, "amount", r.Money(told))}, r.T("correct.return.do")
	c := &command.Command{Action: "deposit.return", Object: "account", ID: p.ID, Detail: map[string]any{"account": p.Number, "deposit": d.Number, "to": f.fields[1].Value, "reason": reason}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		var err error
		if f.fields[1].Value == "refund" {
			_, _, err = payment.GiveBackDeposit(ctx, tx, order, reason)
		} else {
			_, err = bill.ReturnDeposit(ctx, tx, order)
		}
		return p.afterSecurity(v, "returned"), err
	}
	return c, nil
}

func advanceForm(v *web.Visit, p *person) (form, error) {
	r := v.Reader
	f := p.secured(v, "advance", "advance")
	f.lead = r.T("correct.advance.lead")
	f.fields = []control{
		{Field: ui.Field{ID: "description", Label: r.T("correct.description"), Value: v.Form("description"), MaxLength: "200"}},
		dateControl(v, "from", r.T("correct.advance.from"), "", p.Cycle.To.String(), false),
		dateControl(v, "to", r.T("correct.advance.to"), "", p.Cycle.To.AddMonths(1).AddDays(-1).String(), false),
		amountControl(v, "amount", r.T("correct.advance.amount"), p.Currency, false, r.T("correct.advance.amount.hint")),
	}
	return f, nil
}

func sendAdvance(v *web.Visit, p *person, f *form) (*command.Command, error) {
	r := v.Reader
	n := bill.NewAdvance{ID: command.ID(v), AccountID: p.ID, Period: calendar.Period{From: f.fields[1].readDate(r), To: f.fields[2].readDate(r).AddDays(1)}, By: v.Who.Actor()}
	line := bill.AdvanceLine{Description: strings.TrimSpace(v.Form("description"))}
	if line.Description == "" {
		f.fields[0].Error = r.T("correct.description.not")
	}
	if f.fields[2].Error == "" && (!n.Period.From.Before(n.Period.To) || n.Period.To.Before(r.Today)) {
		f.fields[2].Error = r.T("correct.advance.to.not")
	}
	if a := f.fields[3].read(r, p.Currency); a != nil {
		line.Amount = *a
		f.effects = []string{r.T("correct.advance.effect", "amount", r.Money(*a))}
	} else if f.fields[3].Error == "" {
		f.fields[3].Error = r.T("desk.adjust.amount.not")
	}
	n.Lines = []bill.AdvanceLine{line}
	f.submit = r.T("correct.advance.do")
	c := &command.Command{Action: "bill.advance", Object: "account", ID: p.ID, Detail: map[string]any{"account": p.Number, "amount": v.Form("amount")}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		made, err := bill.BillAhead(ctx, tx, n)
		return v.Console("bills/"+made.ID.String(), "done", "advance"), err
	}
	return c, nil
}

func commitmentForm(v *web.Visit, p *person) (form, error) {
	r := v.Reader
	f := p.secured(v, "commitment", "commitment")
	f.lead = r.T("correct.commitment.lead")
	f.fields = []control{
		amountControl(v, "amount", r.T("correct.commitment.amount"), p.Currency, false, ""),
		dateControl(v, "from", r.T("correct.commitment.from"), r.T("correct.commitment.from.hint", "date", r.Date(p.Cycle.From)), p.Cycle.To.String(), false),
		dateControl(v, "to", r.T("correct.commitment.to"), "", "", true),
	}
	return f, nil
}

func sendCommitment(v *web.Visit, p *person, f *form) (*command.Command, error) {
	r := v.Reader
	n := bill.Commitment{ID: command.ID(v), AccountID: p.ID, From: f.fields[1].readDate(r), By: v.Who.Actor()}
	if last := f.fields[2].readDate(r); !last.IsZero() {
		n.To = last.AddDays(1)
	}
	if f.fields[1].Error == "" && n.From.Before(p.Cycle.From) {
		f.fields[1].Error = r.T("correct.commitment.from.not", "date", r.Date(p.Cycle.From))
	}
	if a := f.fields[0].read(r, p.Currency); a != nil {
		n.Amount = *a
		f.effects = []string{r.T("correct.commitment.effect", "amount", r.Money(*a), "date", r.Date(n.From))}
	} else if f.fields[0].Error == "" {
		f.fields[0].Error = r.T("desk.adjust.amount.not")
	}
	f.submit = r.T("correct.commitment.do")
	c := &command.Command{Action: "commitment.make", Object: "account", ID: p.ID, Detail: map[string]any{"account": p.Number, "amount": v.Form("amount")}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		_, err := bill.Commit(ctx, tx, n)
		return p.afterSecurity(v, "committed"), err
	}
	return c, nil
}

func endForm(v *web.Visit, p *person) (form, error) {
	r := v.Reader
	f := p.secured(v, "end-commitment", "commitments/"+idOf(v, "commitment").String()+"/end")
	f.lead = r.T("correct.commitment.end.lead")
	f.fields = []control{dateControl(v, "to", r.T("correct.commitment.last"), "", p.Cycle.To.AddDays(-1).String(), false)}
	return f, nil
}

func sendEnd(v *web.Visit, p *person, f *form) (*command.Command, error) {
	r, last := v.Reader, f.fields[0].readDate(v.Reader)
	f.effects, f.submit = []string{r.T("correct.commitment.end.effect", "date", r.Date(last))}, r.T("correct.commitment.end")
	c := &command.Command{Action: "commitment.end", Object: "account", ID: p.ID, Detail: map[string]any{"account": p.Number, "last": last.String()}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		return p.afterSecurity(v, "committed"), bill.EndCommitment(ctx, tx, p.ID, idOf(v, "commitment"), last.AddDays(1))
	}
	return c, nil
}

func backForm(v *web.Visit, p *person) (form, error) {
	r := v.Reader
	f := p.secured(v, "back", "write-offs/"+idOf(v, "off").String()+"/back")
	f.lead = r.T("correct.back.lead")
	f.fields = []control{amountControl(v, "amount", r.T("correct.off.amount"), p.Currency, true, r.T("correct.back.amount.hint"))}
	return f, nil
}

func sendBack(v *web.Visit, p *person, f *form) (*command.Command, error) {
	r := v.Reader
	amount := f.fields[0].read(r, p.Currency)
	f.effects, f.submit = []string{r.T("correct.back.effect")}, r.T("correct.off.back")
	c := &command.Command{Action: "bill.write_off_back", Object: "account", ID: p.ID, Detail: map[string]any{"account": p.Number, "amount": v.Form("amount")}}
	c.Do = func(ctx context.Context, tx tenant.Tx) (string, error) {
		w, err := bill.TakeBackWriteOff(ctx, tx, idOf(v, "off"), amount)
		if err == nil && w.AccountID != p.ID {
			err = bill.ErrNoWriteOff
		}
		return p.afterSecurity(v, "back"), err
	}
	return c, nil
}
