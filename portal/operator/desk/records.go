package desk

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/desk"
	"tollhouse/billing/history"
	"tollhouse/billing/identity"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/notice"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/portal/explain"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// ofAccount is an amount in the currency of an account that was found.
func ofAccount(a desk.Found, d money.Decimal) money.Amount { return money.New(d, a.Currency) }

// placeOf reads where a list of history goes on.
func placeOf(v *web.Visit) history.Place {
	at, err := time.Parse(time.RFC3339Nano, v.Query("at"))
	if err != nil {
		return history.Place{}
	}
	return history.Place{At: at, ID: parseID(v.Query("id"))}
}

// onward is the address of the page of a list after a place.
func (p *person) onward(v *web.Visit, part string, last history.Place) string {
	return v.Console(p.path(part), "at", last.At.Format(time.RFC3339Nano), "id", last.ID.String())
}

// showList answers with a tab that is one list.
func showList(v *web.Visit, name string, fill func(ctx context.Context, tx tenant.Tx, p *person) (table, error)) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	var t table
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		t, err = fill(ctx, tx, p)
		return err
	})
	if err != nil {
		return err
	}
	if v.Query("at")+v.Query("before") != "" {
		t.first = v.Console(p.path(name))
	}
	page, head := p.framed(v, name)
	return v.Show(http.StatusOK, listPage(page, head, t))
}

// usageView is a page of uses; each leads to why it cost what it did.
type usageView struct {
	rows        []explain.Row
	first, next string
}

func showUsage(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	var uses []history.Use
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		uses, err = history.Uses(ctx, tx, p.ID, placeOf(v), rowsAPage+1)
		return err
	})
	if err != nil {
		return err
	}
	var view usageView
	if v.Query("at") != "" {
		view.first = v.Console(p.path("usage"))
	}
	if len(uses) > rowsAPage {
		uses = uses[:rowsAPage]
		view.next = p.onward(v, "usage", uses[rowsAPage-1].Place())
	}
	for _, u := range uses {
		view.rows = append(view.rows, p.useRow(v, u))
	}
	page, head := p.framed(v, "usage")
	return v.Show(http.StatusOK, usagePage(page, head, view))
}

func (p *person) useRow(v *web.Visit, u history.Use) explain.Row {
	period := usage.PeriodOf(u.End, v.Reader.Zone).String()
	return explain.RowOf(v.Reader, u, v.Console(p.path("usage/"+period+"/"+u.ID.String())))
}

// showWhy tells why one use cost what it did: as a page, or under its row.
func showWhy(v *web.Visit) error {
	period, err := calendar.ParseDate(v.Param("period"))
	id := idOf(v, "use")
	if err != nil || id == uuid.Nil {
		return account.ErrNotFound
	}
	p, err := load(v)
	if err != nil {
		return err
	}
	var e history.Explained
	var offering catalog.Offering
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if e, err = history.Explain(ctx, tx, p.ID, period, id); err == nil && e.Charged {
			offering, err = catalog.LoadVersion(ctx, tx, e.OfferingID)
		}
		return err
	})
	if err != nil {
		return err
	}
	row, why := p.useRow(v, e.Use), explain.Of(v.Reader, &e, offering, v.Profile)
	if v.Part("u-" + row.ID) {
		if v.Query("fold") == "" {
			row.Open, row.Spoken = &why, v.Reader.T("usage.why.close", "cost", row.Cost)
		}
		return v.Show(http.StatusOK, explain.UsedRow(v.Reader, row))
	}
	page, head := p.framed(v, "usage")
	return v.Show(http.StatusOK, whyPage(page, head, why))
}

func showBills(v *web.Visit) error {
	return showList(v, "bills", func(ctx context.Context, tx tenant.Tx, p *person) (table, error) {
		var after bill.Cursor
		if before, err := bill.ParseCursor(v.Query("before")); err == nil {
			after = before
		}
		page, err := bill.List(ctx, tx, p.ID, after, rowsAPage)
		if err != nil {
			return table{}, err
		}
		t := billTable(v, page.Bills)
		if page.Next != nil {
			t.next = v.Console(p.path("bills"), "before", page.Next.String())
		}
		return t, nil
	})
}

// billTable lists documents.
func billTable(v *web.Visit, bills []bill.Bill) table {
	r := v.Reader
	t := table{id: "h-bills", title: r.T("desk.tab.bills"), icon: "bill", none: r.T("desk.bills.none"), noneMore: r.T("desk.bills.none.more"),
		head: heads(r.T("desk.col.number"), r.T("desk.col.state"), r.T("desk.col.period"), r.T("desk.col.due"), r.T("desk.col.total")+"#", r.T("desk.col.open")+"#")}
	for _, b := range bills {
		due := r.Date(b.DueDate)
		if b.Kind == bill.KindStatement {
			due = ""
		}
		t.rows = append(t.rows, []cell{{text: b.Number, href: v.Console("bills/" + b.ID.String()), mono: true}, billState(r, b),
			text(r.T("desk.period", "from", r.DayMonth(b.Cycle.From), "to", r.Date(b.Cycle.To.AddDays(-1)))), text(due), num(r.Money(b.Total)), num(r.Money(b.Open))})
	}
	return t
}

// billState is how a document stands, in a word.
func billState(r ui.Reader, b bill.Bill) cell {
	switch {
	case b.State == bill.Void:
		return state(ui.Off, r.T("desk.bill.void"))
	case b.Kind == bill.KindStatement:
		return state(ui.OK, r.T("desk.bill.statement"))
	case b.Kind == bill.KindCreditNote:
		return state(ui.OK, r.T("correct.kind.credit_note"))
	case b.Open.IsZero():
		return state(ui.OK, r.T("desk.bill.paid"))
	case b.NextDue.Before(r.Today):
		return state(ui.Bad, r.T("desk.bill.overdue"))
	}
	return state(ui.Info, r.T("desk.bill.open"))
}

func showPayments(v *web.Visit) error {
	return showList(v, "payments", func(ctx context.Context, tx tenant.Tx, p *person) (table, error) {
		r, at := v.Reader, placeOf(v)
		t := table{id: "h-payments", title: r.T("desk.tab.payments"), icon: "cash", none: r.T("desk.payments.none"), noneMore: r.T("desk.payments.none.more"),
			head: heads(r.T("desk.col.received"), r.T("desk.col.method"), r.T("desk.col.reference"), r.T("desk.col.receipt"), r.T("desk.col.amount")+"#", r.T("desk.col.kept")+"#", r.T("desk.col.refunded")+"#")}
		payments, err := payment.List(ctx, tx, p.ID, payment.Cursor(at), rowsAPage+1)
		if err != nil {
			return t, err
		}
		if len(payments) > rowsAPage {
			payments = payments[:rowsAPage]
			t.next = p.onward(v, "payments", history.Place(payments[rowsAPage-1].Cursor()))
		}
		for _, one := range payments {
			receipt := text("")
			if one.Method != payment.Goodwill {
				receipt = cell{text: receiptNumber(one), href: v.Console(p.path("receipts/" + one.ID.String())), mono: true}
			}
			t.rows = append(t.rows, []cell{link(r.Short(one.ReceivedAt), v.Console("payments/"+one.ID.String())), text(methodWords(r, string(one.Method))), text(one.Reference), receipt,
				num(r.Money(one.Amount)), num(blankZero(r, one.Unapplied)), num(blankZero(r, one.Refunded))})
		}
		return t, nil
	})
}

func blankZero(r ui.Reader, a money.Amount) string {
	if a.IsZero() {
		return ""
	}
	return r.Money(a)
}

func showBuckets(v *web.Visit) error {
	return showList(v, "buckets", func(ctx context.Context, tx tenant.Tx, p *person) (table, error) {
		r := v.Reader
		t := table{id: "h-buckets", title: r.T("desk.tab.buckets"), icon: "box", none: r.T("desk.buckets.none"), noneMore: r.T("desk.buckets.none.more"),
			head: heads(r.T("desk.col.balance"), r.T("desk.col.origin"), r.T("desk.col.ends"), r.T("desk.col.order")+"#", r.T("desk.col.left")+"#")}
		standing, err := charging.Available(ctx, tx, p.ID, tx.At)
		if err != nil {
			return t, err
		}
		for _, b := range p.buckets {
			left := num(p.quantityOf(r, b))
			if held := standing.ByBucket[b.ID]; held.Sign() > 0 {
				free := b
				free.Value = b.Value.Sub(held)
				left.sub = r.T("sales.available", "left", p.quantityOf(r, free))
			}
			ends := r.T("desk.never")
			if b.ExpiresAt != nil {
				ends = r.DateTime(*b.ExpiresAt)
			}
			if b.Rollover != nil {
				ends += ", " + r.T("desk.bucket.rolls", "date", r.Date(r.LocalDate(b.Rollover.Until.Add(-1))))
			}
			if b.Shared {
				ends += ", " + r.T("desk.bucket.share")
			}
			words := explain.Words{Reader: r, Offering: p.planOf(&b)}
			called := text(p.bucketName(r, b))
			called.sub = words.For(&b)
			if allowance, found := explain.AllowanceNamed(words.Offering, b.Code); found {
				called.sub = joined(called.sub, strings.Join(words.Gives(allowance), ", "))
			}
			t.rows = append(t.rows, []cell{called, text(r.T("desk.origin." + string(b.Origin))), text(ends), num(counted(r, b.Priority)), left})
		}
		return t, nil
	})
}

func showLedger(v *web.Visit) error {
	return showList(v, "ledger", func(ctx context.Context, tx tenant.Tx, p *person) (table, error) {
		r := v.Reader
		t := table{id: "h-ledger", title: r.T("desk.tab.ledger"), icon: "list", none: r.T("desk.ledger.none"), noneMore: r.T("desk.ledger.none.more"),
			head: heads(r.T("desk.col.when"), r.T("desk.col.event"), r.T("desk.col.debit"), r.T("desk.col.credit"), r.T("desk.col.amount")+"#")}
		transfers, err := history.Transfers(ctx, tx, p.ID, placeOf(v), rowsAPage+1)
		if err != nil {
			return t, err
		}
		if len(transfers) > rowsAPage {
			transfers = transfers[:rowsAPage]
			t.next = p.onward(v, "ledger", transfers[rowsAPage-1].Place())
		}
		for _, one := range transfers {
			amount := r.Quantity(one.Amount, one.Unit)
			if one.Unit.IsCurrency() {
				amount = r.Exact(p.amount(one.Amount))
			}
			t.rows = append(t.rows, []cell{text(r.Short(one.At)), {text: r.T("desk.ledger." + string(one.Event)), href: transferAddress(v, one)},
				text(r.T("desk.book." + string(one.Debit.Kind))), text(r.T("desk.book." + string(one.Credit.Kind))), num(amount)})
		}
		return t, nil
	})
}

// transferAddress leads to what a posting is for, where that has a page.
func transferAddress(v *web.Visit, t history.Transfer) string {
	switch t.Event {
	case ledger.Bill, ledger.Statement:
		return v.ConsoleFor(identity.BillRead, "bills/"+t.EventID.String())
	case ledger.Payment, ledger.TopUp:
		return v.ConsoleFor(identity.PaymentRead, "payments/"+t.EventID.String())
	}
	return ""
}

// messageView is one message with its words.
type messageView struct{ id, kind, to, at, subject, body, state string }

func showMessages(v *web.Visit) error {
	p, err := load(v)
	if err != nil {
		return err
	}
	var found []notice.Stored
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		found, err = notice.List(ctx, tx, notice.Query{AccountID: p.ID, Before: parseID(v.Query("before")), Limit: rowsAPage + 1})
		return err
	})
	if err != nil {
		return err
	}
	next := ""
	if len(found) > rowsAPage {
		found = found[:rowsAPage]
		next = v.Console(p.path("messages"), "before", found[rowsAPage-1].ID.String())
	}
	r := v.Reader
	views := make([]messageView, len(found))
	for i, m := range found {
		views[i] = messageView{"m-" + m.ID.String(), r.T("desk.message." + string(m.Kind)), m.To, r.DateTime(m.CreatedAt), m.Subject, told(m), r.T("desk.message.state." + string(m.State))}
	}
	page, head := p.framed(v, "messages")
	return v.Show(http.StatusOK, messagesPage(page, head, views, next))
}

// told is what of a message the desk may read: one that opens a door shows no
// key.
func told(m notice.Stored) string {
	if m.Kind.OpensDoor() {
		return ""
	}
	return m.Body
}
