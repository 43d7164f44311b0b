package desk

import (
	"tollhouse/billing/bill"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// corrections are what the visitor may do to a bill, and what was done.
func (i *issued) corrections(v *web.Visit) (acts []ui.NavItem, tables []table) {
	r := v.Reader
	add := func(wants identity.Permission, possible bool, act, icon string) {
		if possible && v.May(wants) {
			acts = append(acts, ui.NavItem{Href: v.Console("bills/" + i.ID.String() + "/" + act), Label: r.T("correct.act." + act), Icon: icon})
		}
	}
	asks := i.State == bill.Final && (i.Kind == bill.KindBill || i.Kind == bill.KindDebitNote || i.Kind == bill.KindAdvance)
	whole := len(i.parts) == 1 && i.parts[0].No == 0
	add(identity.BillWrite, asks && i.left.Left.Sign() > 0, "credit", "down")
	add(identity.BillWrite, asks, "debit", "plus")
	add(identity.PaymentWrite, asks && i.Open.Sign() > 0 && whole, "instalments", "list")
	add(identity.PaymentWrite, asks && i.Open.Sign() > 0 && !whole, "call-in", "list")
	add(identity.PaymentWrite, asks && i.Open.Sign() > 0 && i.left.Document.Withheld != nil, "certificate", "bill")
	add(identity.BillWrite, asks && i.Open.Sign() > 0, "write-off", "cash")
	add(identity.BillWrite, asks && len(i.notes) == 0 && i.held == nil, "void", "lock")
	add(identity.RefundWrite, i.Kind == bill.KindCreditNote && i.own.Credit.Sign() > 0, "refund", "cash")
	if len(i.parts) > 0 && !whole {
		tables = append(tables, i.partTable(v))
	}
	if len(i.notes) > 0 {
		tables = append(tables, noteTable(v, i.notes))
	}
	return acts, tables
}

func (i *issued) partTable(v *web.Visit) table {
	r := v.Reader
	t := table{id: "h-parts", title: r.T("correct.parts"), icon: "list", head: heads(r.T("correct.part"), r.T("desk.col.due"), r.T("desk.col.state"), r.T("desk.col.amount")+"#", r.T("desk.col.open")+"#")}
	for _, part := range i.parts {
		how := state(ui.Info, r.T("desk.bill.open"))
		switch {
		case part.Open.IsZero():
			how = state(ui.OK, r.T("desk.bill.paid"))
		case part.DueDate.Before(r.Today):
			how = state(ui.Bad, r.T("desk.bill.overdue"))
		}
		t.rows = append(t.rows, []cell{text(r.T("correct.part.no", "no", r.Number(money.NewDecimal(int64(part.No))))), text(r.Date(part.DueDate)), how, num(r.Money(part.Amount)), num(r.Money(part.Open))})
	}
	return t
}

func noteTable(v *web.Visit, notes []bill.Note) table {
	r := v.Reader
	t := table{id: "h-notes-of", title: r.T("correct.notes"), icon: "bill", head: heads(r.T("desk.col.number"), r.T("correct.note.kind"), r.T("desk.col.issued"), r.T("desk.reason"), r.T("desk.col.total")+"#")}
	for _, n := range notes {
		t.rows = append(t.rows, []cell{{text: n.Number, href: v.Console("bills/" + n.ID.String()), mono: true}, text(r.T("correct.kind." + string(n.Kind))), text(r.Date(n.Issued)), text(n.Reason), num(r.Money(n.Total))})
	}
	return t
}

// noteFacts are what a note tells of itself.
func (i *issued) noteFacts(v *web.Visit) []fact {
	r := v.Reader
	if i.own.ID != i.ID {
		return nil
	}
	facts := []fact{{r.T("correct.note.kind"), r.T("correct.kind." + string(i.Kind)), ""}}
	if c := i.left.Document.Corrects; c != nil {
		facts = append(facts, fact{r.T("correct.note.of"), c.Number, v.Console("bills/" + c.ID.String())})
	}
	facts = append(facts, fact{r.T("desk.reason"), i.own.Reason, ""})
	if i.Kind == bill.KindCreditNote {
		facts = append(facts, fact{r.T("correct.note.applied"), r.Money(i.own.Applied), ""}, fact{r.T("correct.note.credit"), r.Money(i.own.Credit), ""})
	}
	return facts
}
