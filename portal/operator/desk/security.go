package desk

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// registerSecurity adds what an account leaves as security and undertakes.
func registerSecurity(console *echo.Group, site *web.Site) {
	console.GET("/subscribers/:account/security", site.Console(identity.BillRead, showSecurity))
	for _, act := range []struct {
		path  string
		wants identity.Permission
		form  func(*web.Visit, *person) (form, error)
		send  func(*web.Visit, *person, *form) (*command.Command, error)
	}{
		{"deposit", identity.AccountWrite, depositForm, sendDeposit},
		{"deposits/:deposit/return", identity.RefundWrite, returnForm, sendReturn},
		{"advance", identity.BillWrite, advanceForm, sendAdvance},
		{"commitment", identity.AccountWrite, commitmentForm, sendCommitment},
		{"commitments/:commitment/end", identity.AccountWrite, endForm, sendEnd},
		{"write-offs/:off/back", identity.BillWrite, backForm, sendBack},
	} {
		answer := func(sent bool) func(*web.Visit) error {
			return func(v *web.Visit) error {
				p, err := load(v)
				if err != nil {
					return err
				}
				f, err := act.form(v, p)
				if err != nil {
					return err
				}
				if !sent {
					return f.show(v, http.StatusOK)
				}
				c, err := act.send(v, p, &f)
				if err != nil {
					return err
				}
				return f.settle(v, true, c, func(f *form, err error) bool {
					if errors.Is(err, bill.ErrCommitted) {
						f.fields[1].Error = v.Reader.T("correct.commit.meets")
						f.confirm, f.effects, f.submit = false, nil, v.Reader.T("desk.form.next")
						return true
					}
					return correctionFault(v.Reader, f, err)
				})
			}
		}
		console.GET("/subscribers/:account/"+act.path, site.Console(act.wants, answer(false)))
		console.POST("/subscribers/:account/"+act.path, site.Console(act.wants, answer(true)))
	}
}

// securityView is the page of deposits, minimum, advance bills and bad debt.
type securityView struct {
	acts   []ui.NavItem
	tables []table
}

func showSecurity(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	var deposits []bill.Deposit
	var commitments []bill.Commitment
	var advances []bill.Bill
	var offs []bill.WriteOff
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if deposits, err = bill.DepositsOf(ctx, tx, p.ID); err != nil {
			return err
		}
		if commitments, err = bill.CommitmentsOf(ctx, tx, p.ID); err != nil {
			return err
		}
		if advances, err = bill.Advances(ctx, tx, p.ID, rowsAPage); err != nil {
			return err
		}
		offs, err = bill.WriteOffsOf(ctx, tx, p.ID)
		return err
	})
	if err != nil {
		return err
	}
	view := securityView{tables: []table{p.depositTable(v, deposits), p.commitmentTable(v, commitments), p.advanceTable(v, advances), p.offTable(v, offs)}}
	add := func(wants identity.Permission, act, icon string) {
		if !p.prepaid() && p.State != account.Closed && v.May(wants) {
			view.acts = append(view.acts, ui.NavItem{Href: v.Console(p.path(act)), Label: v.Reader.T("correct.act." + act), Icon: icon})
		}
	}
	add(identity.AccountWrite, "commitment", "plus")
	add(identity.BillWrite, "advance", "bill")
	add(identity.AccountWrite, "deposit", "lock")
	page, head := p.framed(v, "security")
	return v.Show(http.StatusOK, securityPage(page, head, view))
}

func (p *person) depositTable(v *web.Visit, list []bill.Deposit) table {
	r := v.Reader
	t := table{id: "h-deposits", title: r.T("correct.deposits"), icon: "lock", none: r.T("correct.deposits.none"), noneMore: r.T("correct.deposits.none.more"),
		head: heads(r.T("desk.col.number"), r.T("desk.reason"), r.T("desk.col.due"), r.T("desk.col.amount")+"#", r.T("correct.deposit.open")+"#", r.T("correct.deposit.held")+"#", r.T("correct.deposit.back")+"#")}
	for _, d := range list {
		number := cell{text: d.Number, mono: true}
		if v.May(identity.RefundWrite) && d.Amount.Decimal().Cmp(d.Returned.Decimal()) > 0 {
			number.href = v.Console(p.path("deposits/" + d.ID.String() + "/return"))
		}
		t.rows = append(t.rows, []cell{number, text(d.Reason), text(r.Date(d.DueDate)), num(r.Money(d.Amount)), num(r.Money(d.Open)), num(r.Money(d.Held())), num(r.Money(d.Returned))})
	}
	return t
}

func (p *person) commitmentTable(v *web.Visit, list []bill.Commitment) table {
	r := v.Reader
	t := table{id: "h-commitments", title: r.T("correct.commitments"), icon: "list", none: r.T("correct.commitments.none"), noneMore: r.T("correct.commitments.none.more"),
		head: heads(r.T("correct.commitment.from"), r.T("correct.commitment.to"), r.T("correct.commitment.amount")+"#", "")}
	for _, c := range list {
		to, end := r.T("correct.commitment.open"), cell{}
		if !c.To.IsZero() {
			to = r.Date(c.To.AddDays(-1))
		}
		if v.May(identity.AccountWrite) && (c.To.IsZero() || c.To.After(r.Today)) {
			end = cell{text: r.T("correct.commitment.end"), href: v.Console(p.path("commitments/" + c.ID.String() + "/end"))}
		}
		t.rows = append(t.rows, []cell{text(r.Date(c.From)), text(to), num(r.Money(c.Amount)), end})
	}
	return t
}

func (p *person) advanceTable(v *web.Visit, list []bill.Bill) table {
	t := billTable(v, list)
	t.id, t.title, t.none, t.noneMore = "h-advances", v.Reader.T("correct.advances"), v.Reader.T("correct.advances.none"), v.Reader.T("correct.advances.none.more")
	return t
}

func (p *person) offTable(v *web.Visit, list []bill.WriteOff) table {
	r := v.Reader
	t := table{id: "h-offs", title: r.T("correct.offs"), icon: "cash", none: r.T("correct.offs.none"), noneMore: r.T("correct.offs.none.more"),
		head: heads(r.T("correct.off.at"), r.T("desk.reason"), r.T("desk.col.amount")+"#", r.T("correct.off.tax")+"#", r.T("correct.off.reversed")+"#", "")}
	for _, w := range list {
		back := cell{}
		if v.May(identity.BillWrite) && w.Reversed.Decimal().Cmp(w.Amount.Decimal()) < 0 {
			back = cell{text: r.T("correct.off.back"), href: v.Console(p.path("write-offs/" + w.ID.String() + "/back"))}
		}
		t.rows = append(t.rows, []cell{text(r.Date(r.LocalDate(w.At))), text(w.Reason), num(r.Money(w.Amount)), num(r.Money(w.Tax)), num(r.Money(w.Reversed)), back})
	}
	return t
}

// secured is an act that leads back to the page.
func (p *person) secured(v *web.Visit, act, path string) form {
	r := v.Reader
	return form{title: r.T("correct.act." + act), action: v.Console(p.path(path)), back: v.Console(p.path("security")), backTo: p.party.Name, submit: r.T("desk.form.next")}
}

func (p *person) afterSecurity(v *web.Visit, done string) string {
	return v.Console(p.path("security"), "done", done)
}

func dateControl(v *web.Visit, id, label, hint, value string, optional bool) control {
	if sent(v) {
		value = v.Form(id)
	}
	return control{Field: ui.Field{ID: id, Kind: "date", Label: label, Hint: hint, Value: value, Optional: optional}}
}

// readDate is what was chosen; zero where it may be empty and is.
func (c *control) readDate(r ui.Reader) calendar.Date {
	if c.Value == "" && c.Optional {
		return calendar.Date{}
	}
	d, err := calendar.ParseDate(c.Value)
	if err != nil {
		c.Error = r.T("correct.date.not")
	}
	return d
}

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
