package cash

import (
	"context"
	"errors"
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/cashdesk"
	"tollhouse/billing/identity"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

var shiftTones = map[cashdesk.State]ui.Tone{cashdesk.Open: ui.Info, cashdesk.Counted: ui.Warn, cashdesk.Closed: ui.OK}

// desk shows the visitor's own drawer and all shifts.
func desk(v *web.Visit, f *fault) error {
	p, r := newPage(v, frame.CashDesk), v.Reader
	var own *cashdesk.Shift
	var list []cashdesk.Shift
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		s, err := cashdesk.Of(ctx, tx, v.Who.Actor())
		if err == nil {
			own = &s
		} else if !errors.Is(err, cashdesk.ErrNoShift) {
			return err
		}
		list, err = cashdesk.List(ctx, tx, 50)
		return err
	})
	if err != nil {
		return err
	}
	mine := panel{id: "mine", title: r.T("money.shift.mine")}
	to := v.Console("cash-desk")
	ask := func(act string, fields ...string) form {
		one := form{action: to, button: r.T("money.shift." + act), hidden: [][2]string{{"act", act}}, quiet: act != "take" && act != "begin"}
		for _, name := range fields {
			in := p.input(v, name, "")
			if act != v.Form("act") { // what was typed into one form stays in that one
				in.Value = ""
			}
			in.ID, in.Name, in.Label = act+"-"+name, name, r.T("money.field."+name)
			switch {
			case name == "note":
				in.Optional = true
			case name == "amount" && act == "begin":
				in.Label = r.T("money.shift.float")
			case name == "amount" && act == "count":
				in.Label = r.T("money.shift.counted")
			}
			if name == "amount" {
				in.inMoney(v)
			}
			one.fields = append(one.fields, in)
		}
		return one
	}
	switch {
	case !v.May(identity.PaymentWrite):
	case own == nil:
		mine.lead, mine.forms = r.T("money.shift.none"), []form{ask("begin", "amount")}
	case own.State == cashdesk.Counted:
		mine.lead, mine.forms = r.T("money.shift.waits", "amount", r.Money(own.Difference())), []form{ask("reopen")}
	default:
		mine.facts = [][2]string{{r.T("money.shift.float"), r.Money(own.Float)}, {r.T("money.shift.expected"), r.Money(own.Expected)}}
		mine.forms = []form{ask("take", "number", "amount", "note"), ask("to_bank", "amount", "note"), ask("put_in", "amount", "note"), ask("count", "amount", "note")}
		if v.May(identity.RefundWrite) {
			mine.forms = append(mine.forms, ask("give", "receipt", "amount", "note"))
		}
	}
	all := panel{id: "shifts", title: r.T("money.shifts"), none: r.T("money.shifts.none"), head: p.heads("shift", "opened", "state", "expected", "counted", "difference", "decision")}
	for _, s := range list {
		counted := ""
		if s.Counted != nil {
			counted = r.Money(*s.Counted)
		}
		line := row{cells: []cell{{text: r.T("money.shift.no", "n", itoa(s.No)), href: v.Console("cash-desk/" + s.ID.String())}, text(r.Short(s.OpenedAt)),
			{text: r.T("money.shift.state." + string(s.State)), tone: shiftTones[s.State]}, number(r.Money(s.Expected)), number(counted), number(r.Money(s.Difference()))}}
		if s.State == cashdesk.Counted && s.Cashier != v.Who.Actor() && v.May(identity.RefundWrite) {
			line.forms = []form{{action: v.Console("cash-desk/" + s.ID.String() + "/approve"), button: r.T("money.shift.approve")}}
		}
		all.rows = append(all.rows, line)
	}
	p.panels = []panel{mine, all}
	return p.answer(v, f)
}

// act does what a cashier asks for at their drawer.
func act(v *web.Visit) error {
	r, by, id := v.Reader, v.Who.Actor(), command.ID(v)
	what := v.Form("act")
	amount, err := ui.ParseAmount(v.Form("amount"), v.Profile.Currency, r.Locale)
	if zero := strings.Trim(v.Form("amount"), "0,. ") == "" && v.Form("amount") != ""; zero && (what == "begin" || what == "count") {
		amount, err = payment.Ceiling(v.Profile.Currency), nil
		amount, _ = amount.Sub(amount)
	}
	if err != nil && what != "reopen" {
		return desk(v, &fault{what + "-amount", r.T("biz.amount.not")})
	}
	note := strings.TrimSpace(v.Form("note"))
	return carry(v, "cash."+what, "cash_shift", id, "cash-desk", func(ctx context.Context, tx tenant.Tx) error {
		if what == "begin" {
			shift := cashdesk.NewShift{ID: id, Cashier: by, Float: amount}
			if v.User.Branch != nil {
				shift.Branch = *v.User.Branch
			}
			_, err := cashdesk.Begin(ctx, tx, shift)
			return err
		}
		own, err := cashdesk.Of(ctx, tx, by)
		if err != nil {
			return err
		}
		switch what {
		case "take":
			payer, err := account.ByNumber(ctx, tx, strings.TrimSpace(v.Form("number")))
			if err != nil {
				return err
			}
			_, err = v.Stack.TakeCashFor(ctx, tx, payment.NewPayment{ID: id, AccountID: payer.ID, Amount: amount, Reference: note, By: by})
			return err
		case "give":
			if err := v.Who.Require(identity.RefundWrite); err != nil {
				return err
			}
			paid, err := cashdesk.ByReceipt(ctx, tx, own.Branch, strings.TrimSpace(v.Form("receipt")))
			if err != nil {
				return err
			}
			_, err = cashdesk.Give(ctx, tx, id, payment.NewRefund{Key: "cash:" + id.String(), PaymentID: paid, Amount: amount, Reason: note, By: by})
			return err
		case "count":
			_, err := cashdesk.Count(ctx, tx, own.ID, amount, note, by)
			return err
		case "reopen":
			_, err := cashdesk.Reopen(ctx, tx, own.ID, by)
			return err
		default:
			_, err := cashdesk.Carry(ctx, tx, id, cashdesk.Kind(what), amount, note, by)
			return err
		}
	}, func(v *web.Visit, f *fault) error {
		if f.field == "counted" || f.field == "float" {
			f.field = "amount"
		}
		if f.field != "" {
			f.field = what + "-" + f.field
		}
		return desk(v, f)
	})
}

func approve(v *web.Visit) error {
	id := parsed(v.Param("shift"))
	return carry(v, "cash.approve", "cash_shift", id, "cash-desk", func(ctx context.Context, tx tenant.Tx) error {
		_, err := cashdesk.Approve(ctx, tx, id, v.Who.Actor())
		return err
	}, desk)
}

// shiftPage is a shift's X or Z report.
func shiftPage(v *web.Visit) error {
	p, r := newPage(v, frame.CashDesk), v.Reader
	var report cashdesk.Report
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		report, err = cashdesk.ReportOf(ctx, tx, parsed(v.Param("shift")))
		return err
	})
	if err != nil {
		return err
	}
	title := r.T("money.report.x", "n", itoa(report.No))
	if report.Final() {
		title = r.T("money.report.z", "n", itoa(report.No))
	}
	p.under(v, frame.CashDesk, title)
	sums := panel{id: "sums", title: r.T("money.report.sums"), facts: [][2]string{{r.T("money.shift.float"), r.Money(report.Float)}}}
	for _, s := range report.Sums {
		sums.facts = append(sums.facts, [2]string{r.T("money.move."+string(s.Kind)) + " × " + itoa(s.Count), r.Money(s.Amount)})
	}
	sums.facts = append(sums.facts, [2]string{r.T("money.shift.expected"), r.Money(report.Expected)})
	if report.Counted != nil {
		sums.facts = append(sums.facts, [2]string{r.T("money.shift.counted"), r.Money(*report.Counted)}, [2]string{r.T("money.col.difference"), r.Money(report.Difference())})
	}
	if report.First != "" {
		sums.facts = append(sums.facts, [2]string{r.T("money.report.receipts"), report.First + " – " + report.Last})
	}
	list := panel{id: "moves", title: r.T("money.receipts"), none: r.T("money.receipts.none"), head: p.heads("receipt", "opened", "kind", "amount", "text")}
	for _, m := range report.Moves {
		first := cell{text: m.Receipt()}
		if m.PaymentID != nil {
			first.href = v.Console("payments/" + m.PaymentID.String())
		}
		list.rows = append(list.rows, row{cells: []cell{first, text(r.Short(m.At)), text(r.T("money.move." + string(m.Kind))), number(r.Money(m.Amount)), text(m.Note)}})
	}
	p.panels = []panel{sums, list}
	return p.answer(v, nil)
}
