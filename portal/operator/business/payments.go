package business

import (
	"context"
	"net/http"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// paymentsView is the list of all payments.
type paymentsView struct {
	here, record, csv, webhooks string
	filters                     []filter
	sums                        []sumRow
	rows                        []paymentRow
	pager                       pager
}

type sumRow struct{ method, count, amount, unapplied, refunded string }

type paymentRow struct{ at, href, account, accountHref, name, method, reference, amount, unapplied, refunded string }

// paymentSearch is what the address asks for. Without anything it is this
// month: a year's payments are a report.
type paymentSearch struct {
	payment.Search
	from, last calendar.Date // both shown and both in the span
}

func searchOf(v *web.Visit) paymentSearch {
	var s paymentSearch
	switch m := payment.Method(v.Query("method")); m {
	case payment.Card, payment.Bank, payment.Cash:
		s.Method = m
	}
	switch k := payment.Kept(v.Query("unapplied")); k {
	case payment.KeptAny, payment.KeptOwing:
		s.Kept = k
	}
	s.Branch = parseID(v.Query("branch"))
	s.from, _ = calendar.ParseDate(v.Query("from"))
	s.last, _ = calendar.ParseDate(v.Query("to"))
	if s.from.IsZero() && s.Kept == "" {
		s.from = firstOf(v.Reader.Today)
		if !s.last.IsZero() && s.last.Before(s.from) {
			s.from = firstOf(s.last)
		}
	}
	if !s.from.IsZero() {
		s.From = s.from.Start(v.Profile.Zone)
	}
	if !s.last.IsZero() {
		s.To = s.last.AddDays(1).Start(v.Profile.Zone)
	}
	return s
}

// pairs are the search as an address carries it.
func (s paymentSearch) pairs(more ...string) []string {
	var pairs []string
	add := func(name, value string) {
		if value != "" {
			pairs = append(pairs, name, value)
		}
	}
	add("method", string(s.Method))
	add("unapplied", string(s.Kept))
	if s.Branch != parseID("") {
		add("branch", s.Branch.String())
	}
	if !s.from.IsZero() {
		add("from", s.from.String())
	}
	if !s.last.IsZero() {
		add("to", s.last.String())
	}
	return append(pairs, more...)
}

func showPayments(v *web.Visit) error {
	s, r := searchOf(v), v.Reader
	after := payment.Cursor{ID: parseID(v.Query("id"))}
	after.At, _ = time.Parse(time.RFC3339Nano, v.Query("at")) // what is none begins at the newest
	limit, sheetWanted := rowsAPage+1, v.Query("format") == "csv"
	if sheetWanted {
		limit, after = rowsACSV, payment.Cursor{}
	}
	var list []payment.Listed
	var sums []payment.Sum
	var branches []account.Branch
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if list, err = payment.Find(ctx, tx, s.Search, after, limit); err != nil || sheetWanted {
			return err
		}
		if branches, err = account.Branches(ctx, tx); err != nil {
			return err
		}
		sums, err = payment.Sums(ctx, tx, s.Search)
		return err
	})
	if err != nil {
		return err
	}
	if sheetWanted {
		return paymentSheet(v, list)
	}
	page := &paymentsView{here: v.Console("payments"), csv: v.Console("payments", s.pairs("format", "csv")...), webhooks: v.Console("payments/webhooks")}
	if v.May(identity.PaymentWrite) {
		page.record = v.Console("payments/new")
	}
	page.filters = paymentFilters(r, s, branches)
	for _, sum := range sums {
		page.sums = append(page.sums, sumRow{r.T("biz.method." + string(sum.Method)), count(r, sum.Count), r.Money(sum.Amount), r.Money(sum.Unapplied), r.Money(sum.Refunded)})
	}
	if !after.At.IsZero() {
		page.pager.first = v.Console("payments", s.pairs()...)
	}
	if len(list) > rowsAPage {
		list = list[:rowsAPage]
		last := list[rowsAPage-1].Cursor()
		page.pager.next = v.Console("payments", s.pairs("at", last.At.Format(time.RFC3339Nano), "id", last.ID.String())...)
	}
	for _, p := range list {
		page.rows = append(page.rows, paymentRowOf(v, p))
	}
	return v.Show(http.StatusOK, paymentsPage(frame.Of(v, frame.Payments, r.T("con.nav.payments")), page))
}

func paymentRowOf(v *web.Visit, p payment.Listed) paymentRow {
	r := v.Reader
	row := paymentRow{at: r.Short(p.ReceivedAt), href: v.Console("payments/" + p.ID.String()), account: p.AccountNumber,
		accountHref: v.Console("subscribers/" + p.AccountID.String()), name: p.Name, method: r.T("biz.method." + string(p.Method)), reference: p.Reference,
		amount: r.Money(p.Amount)}
	if p.Unapplied.Sign() > 0 {
		row.unapplied = r.Money(p.Unapplied)
	}
	if p.Refunded.Sign() > 0 {
		row.refunded = r.Money(p.Refunded)
	}
	return row
}

func paymentFilters(r ui.Reader, s paymentSearch, branches []account.Branch) []filter {
	any := ui.Choice{Value: "", Label: r.T("biz.filter.any")}
	method := filter{name: "method", label: r.T("biz.pay.method"), choices: []ui.Choice{any}}
	for _, m := range []payment.Method{payment.Card, payment.Bank, payment.Cash} {
		method.choices = append(method.choices, ui.Choice{Value: string(m), Label: r.T("biz.method." + string(m)), Chosen: s.Method == m})
	}
	kept := filter{name: "unapplied", label: r.T("biz.pay.kept"), choices: []ui.Choice{any}}
	for _, k := range []payment.Kept{payment.KeptAny, payment.KeptOwing} {
		kept.choices = append(kept.choices, ui.Choice{Value: string(k), Label: r.T("biz.kept." + string(k)), Chosen: s.Kept == k})
	}
	filters := []filter{{name: "from", label: r.T("biz.filter.from"), kind: "date", value: dateText(s.from)},
		{name: "to", label: r.T("biz.filter.to"), kind: "date", value: dateText(s.last)}, method, kept}
	if len(branches) > 1 {
		branch := filter{name: "branch", label: r.T("biz.pay.branch"), choices: []ui.Choice{any}}
		for _, b := range branches {
			branch.choices = append(branch.choices, ui.Choice{Value: b.ID.String(), Label: b.Name, Chosen: s.Branch == b.ID})
		}
		filters = append(filters, branch)
	}
	return filters
}

func dateText(d calendar.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

func paymentSheet(v *web.Visit, list []payment.Listed) error {
	s := web.NewSheet("received_at", "account", "name", "method", "purpose", "reference", "currency", "amount", "unapplied", "refunded", "id")
	for _, p := range list {
		s.Add(p.ReceivedAt.In(v.Profile.Zone).Format(time.RFC3339), p.AccountNumber, p.Name, string(p.Method), string(p.Purpose), p.Reference,
			p.Amount.Currency().Code(), p.Amount.Text(), p.Unapplied.Text(), p.Refunded.Text(), p.ID.String())
	}
	return v.SendSheet("payments", s)
}

// webhooksShown bounds the list of webhooks.
const webhooksShown = 100

type webhookRow struct {
	at, kind, reason, id string
	tone                 ui.Tone
	state                string
}

// showWebhooks lists the provider's messages that were not worked, or don't fit.
func showWebhooks(v *web.Visit) error {
	var waiting []payment.Waiting
	err := v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		waiting, err = payment.ListWaiting(ctx, tx, webhooksShown)
		return err
	})
	if err != nil {
		return err
	}
	r := v.Reader
	rows := make([]webhookRow, len(waiting))
	for i, w := range waiting {
		rows[i] = webhookRow{at: r.Short(w.ReceivedAt), kind: w.Type, reason: w.Reason, id: w.Ref.ID, tone: ui.Info, state: r.T("biz.webhook.received")}
		if w.State == payment.InboxParked {
			rows[i].tone, rows[i].state = ui.Warn, r.T("biz.webhook.parked")
		}
	}
	return v.Show(http.StatusOK, webhooksPage(frame.Of(v, frame.Payments, r.T("biz.webhooks")), rows, v.Console("payments")))
}

// amountField is a field for money that tells what was understood.
func amountField(v *web.Visit, id, typed, fault string, c money.Currency) ui.Field {
	r := v.Reader
	f := ui.Field{ID: id, Label: r.T("biz.amount", "sign", r.Locale.Symbol(c)), Value: typed, InputMode: "decimal", MaxLength: "24", Error: fault}
	example := money.DecimalOf(123450, c.DocumentDigits())
	if c.DocumentDigits() == 0 {
		example = money.NewDecimal(250_000)
	}
	f.Hint = r.T("biz.amount.hint", "example", r.Locale.FormatFigure(money.New(example, c)))
	if amount, err := ui.ParseAmount(typed, c, r.Locale); err == nil {
		f.Hint = r.T("biz.amount.understood", "amount", r.Money(amount))
	}
	return f
}
