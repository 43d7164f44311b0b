package desk

import (
	"context"
	"net/http"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/command"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// billView is one document with its lines.
type billView struct {
	back, owner string // address and name of the account
	state       cell
	facts       []fact
	lines       table
	taxes       []fact
	pdf, csv    string
	ubl         string // address of the electronic invoice; empty: there is none of it
	send        string // address of the form that mails it; empty: it can't be
	account     string // number of the account
	key         string
	resend      string       // its id
	cash        string       // address of the form that takes cash
	acts        []ui.NavItem // what corrects it
	more        []table      // its parts and notes
	done        string
}

func showBill(v *web.Visit) error {
	var b bill.Bill
	var d bill.Document
	var a account.Account
	var party account.Party
	i := &issued{}
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if b, err = bill.Get(ctx, tx, idOf(v, "bill")); err != nil {
			return err
		}
		if d, err = bill.GetDocument(ctx, tx, b.ID); err != nil {
			return err
		}
		if a, err = account.Get(ctx, tx, b.AccountID); err != nil {
			return err
		}
		if party, err = account.GetParty(ctx, tx, a.PartyID); err != nil {
			return err
		}
		return i.read(ctx, tx, v)
	})
	if err != nil {
		return err
	}
	r := v.Reader
	view := billView{back: v.Console("subscribers/" + a.ID.String()), owner: party.Name, account: a.Number, state: billState(r, b), pdf: v.Console("bills/" + b.ID.String() + "/pdf"), key: command.NewKey(), resend: b.ID.String()}
	view.facts = []fact{{r.T("desk.col.account"), party.Name + ", " + a.Number, view.back}, {r.T("desk.col.period"), r.T("desk.period", "from", r.Date(b.Cycle.From), "to", r.Date(b.Cycle.To.AddDays(-1))), ""},
		{r.T("desk.col.issued"), r.Date(b.Issued), ""}, {r.T("desk.col.total"), r.Money(b.Total), ""}}
	if b.Kind == bill.KindBill || b.Kind == bill.KindDebitNote || b.Kind == bill.KindAdvance {
		view.facts = append(view.facts, fact{r.T("desk.col.due"), r.Date(b.DueDate), ""}, fact{r.T("desk.bill.before"), r.Money(b.PaidBefore), ""}, fact{r.T("desk.col.open"), r.Money(b.Open), v.Console("subscribers/" + a.ID.String() + "/payments")})
	}
	view.csv = v.Console("bills/" + b.ID.String() + "/csv")
	if b.State == bill.Final {
		view.ubl = v.Console("bills/" + b.ID.String() + "/ubl")
	}
	view.lines = linesOf(r, d)
	for _, t := range d.Taxes {
		view.taxes = append(view.taxes, fact{r.T("desk.bill.tax", "name", t.Name, "base", r.Money(t.Base)), r.Money(t.Tax), ""})
	}
	if d.Rounding.Sign() != 0 {
		view.taxes = append(view.taxes, fact{r.T("papers.rounding"), r.Money(d.Rounding), ""})
	}
	if d.Withheld != nil {
		view.taxes = append(view.taxes, fact{r.T("papers.withheld", "tax", d.Withheld.Name), r.Money(d.Withheld.Amount), ""})
	}
	if v.May(identity.AccountWrite) && party.Email != "" {
		view.send = v.Console("subscribers/" + a.ID.String() + "/resend")
	}
	if v.May(identity.PaymentWrite) && b.Open.Sign() > 0 {
		view.cash = v.Console("subscribers/" + a.ID.String() + "/cash")
	}
	view.acts, view.more = i.corrections(v)
	view.facts = append(view.facts, i.noteFacts(v)...)
	view.done = doneWords(r, v.Query("done"))
	page := frame.Of(v, frame.Subscribers, r.T("desk.bill.of", "number", b.Number))
	return v.Show(http.StatusOK, billPage(page, view))
}

func linesOf(r ui.Reader, d bill.Document) table {
	t := table{id: "h-lines", title: r.T("desk.bill.lines"), icon: "bill", none: r.T("desk.bill.lines.none"), noneMore: "",
		head: heads(r.T("desk.bill.line"), r.T("desk.col.period"), r.T("desk.bill.quantity")+"#", r.T("desk.bill.net")+"#", r.T("desk.bill.taxed")+"#")}
	for _, at := range []int{1, 2, 4} { // a phone has room for what a line is and what it costs
		t.head[at].wide = true
	}
	for _, l := range d.Lines {
		period := ""
		if !l.Period.To.IsZero() {
			period = r.T("desk.period", "from", r.DayMonth(l.Period.From), "to", r.DayMonth(l.Period.To.AddDays(-1)))
		}
		net, taxed := r.Money(l.Net), r.Money(l.Tax)
		if l.Kind == bill.Allowance {
			net, taxed = "", ""
		}
		t.rows = append(t.rows, []cell{{text: l.Description, sub: l.Service, phone: joined(period, lineQuantity(r, l))}, text(period), num(lineQuantity(r, l)), num(net), num(taxed)})
	}
	t.foot = []cell{text(r.T("desk.col.total")), {}, {}, num(r.Money(d.Net)), num(r.Money(d.Tax))}
	return t
}

func lineQuantity(r ui.Reader, l bill.Line) string {
	switch {
	case l.Kind == bill.Allowance:
		return r.Level(l.Quantity, l.Granted, l.Unit).Text(r)
	case l.Unit == bill.UnitFee || l.Quantity.IsZero():
		return ""
	case l.Unit == money.Event:
		return r.Number(l.Quantity)
	}
	return r.Quantity(l.Quantity, l.Unit)
}

func showPDF(v *web.Visit) error {
	id := idOf(v, "bill")
	var b bill.Bill
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		b, err = bill.Get(ctx, tx, id)
		return err
	})
	if err != nil {
		return err
	}
	body, err := v.Stack.BillPDF(v.Context(), id)
	if err != nil {
		return err
	}
	return v.Download(b.Number+".pdf", "application/pdf", body)
}
