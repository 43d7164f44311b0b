package bill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// storedFacts is what a document needs besides its rows.
type storedFacts struct {
	Operator Operator              `json:"operator"`
	Seller   Seller                `json:"seller"`
	Buyer    Buyer                 `json:"buyer"`
	Language string                `json:"language"`
	Country  string                `json:"country"`
	Basis    tax.Basis             `json:"basis"`
	Services map[uuid.UUID]string  `json:"services,omitempty"`
	Granted  map[int]money.Decimal `json:"granted,omitempty"` // by line
	Notes    []string              `json:"notes,omitempty"`
}

func factsOf(d Document) storedFacts {
	facts := storedFacts{
		Operator: d.Operator, Seller: d.Seller, Buyer: d.Buyer, Language: d.Locale.Language, Country: d.Locale.Country,
		Basis: d.Basis, Services: map[uuid.UUID]string{}, Granted: map[int]money.Decimal{}, Notes: d.Notes,
	}
	for _, l := range d.Lines {
		facts.Services[l.Subscription] = l.Service
		if l.Kind == Allowance {
			facts.Granted[l.No] = l.Granted
		}
	}
	return facts
}

func (s storedFacts) into(d *Document) {
	d.Operator, d.Seller, d.Buyer, d.Basis, d.Notes = s.Operator, s.Seller, s.Buyer, s.Basis, s.Notes
	d.Locale = locale.Locale{Language: s.Language, Country: s.Country}
	for i := range d.Lines {
		d.Lines[i].Service = s.Services[d.Lines[i].Subscription]
		d.Lines[i].Granted = s.Granted[d.Lines[i].No]
	}
}

// put writes closings: postings, the accounts' next cycles, the subscriptions'
// progress, and the documents as drafts with their open items.
func (b *batch) put(ctx context.Context, tx tenant.Tx, part []*closing) error {
	if err := b.post(ctx, tx, part); err != nil {
		return err
	}
	if err := b.advance(ctx, tx, part); err != nil {
		return err
	}
	documents := withDocument(part)
	if err := b.copyDocuments(ctx, tx, documents); err != nil {
		return err
	}
	return b.open(ctx, tx, documents)
}

func withDocument(part []*closing) []*closing {
	var list []*closing
	for _, c := range part {
		if !c.empty() {
			list = append(list, c)
		}
	}
	return list
}

func (b *batch) post(ctx context.Context, tx tenant.Tx, part []*closing) error {
	var postings []ledger.Posting
	documented := map[uuid.UUID]money.Decimal{}
	for _, c := range part {
		postings = append(postings, c.postings(b.frame)...)
		if c.doc.Kind == KindStatement && !c.taxTaken.IsZero() {
			documented[c.ID] = c.taxTaken
		}
	}
	if err := ledger.PostIn(ctx, tx, b.frame.profile.Zone, postings); err != nil {
		return err
	}
	return ledger.DocumentTax(ctx, tx, documented)
}

// ErrMoved means that an account's cycle was closed by somebody else although
// its row was locked: a broken invariant.
var ErrMoved = errors.New("a locked account's cycle has moved")

func (b *batch) advance(ctx context.Context, tx tenant.Tx, part []*closing) error {
	ids := make([]uuid.UUID, len(part))
	var moved []uuid.UUID
	var through []calendar.Date
	ends := map[calendar.Date]bool{}
	for i, c := range part {
		ids[i] = c.ID
		cycle := calendar.Cycle{Anchor: c.Anchor, Months: c.Months, Policy: b.frame.profile.AnchorPolicy}
		ends[cycle.Containing(c.Cycle.To).To] = true
		for _, m := range c.moves {
			moved, through = append(moved, m.ID), append(through, m.Through)
		}
	}
	n, err := account.AdvanceCycle(ctx, tx, b.run.CycleEnd, ids)
	if err != nil {
		return err
	}
	if n != len(part) {
		return ErrMoved
	}
	_, err = tx.Exec(ctx, `
		update subscription s
		   set charged_through = m.through, setup_charged = true
		  from unnest($1::uuid[], $2::date[]) as m (id, through)
		 where s.id = m.id`, moved, through)
	if err != nil {
		return fmt.Errorf("move subscriptions on: %w", err)
	}
	for end := range ends {
		if err := Schedule(ctx, tx, b.frame.profile.Zone, end); err != nil {
			return err
		}
	}
	return nil
}

var (
	billColumns = []string{
		"id", "run_id", "account_id", "kind", "state", "cycle_start", "cycle_end", "currency",
		"net", "tax", "total", "paid_before", "due", "facts", "legal_entity", "branch", "closed_at",
	}
	lineColumns = []string{
		"bill_id", "no", "kind", "code", "description", "subscription_id", "period_from", "period_to", "quantity", "unit",
		"events", "price", "net", "tax", "tax_category", "tax_percent",
	}
	taxColumns = []string{"bill_id", "category", "percent", "name", "base", "tax"}
)

func (b *batch) copyDocuments(ctx context.Context, tx tenant.Tx, documents []*closing) error {
	var bills, lines, taxes [][]any
	for _, c := range documents {
		d := &c.doc
		facts, err := json.Marshal(factsOf(*d))
		if err != nil {
			return fmt.Errorf("facts of account %s: %w", c.Number, err)
		}
		bills = append(bills, []any{
			d.ID, b.run.ID, c.ID, string(d.Kind), string(Draft), d.Period.From, d.Period.To, d.Currency.Code(),
			d.Net.Decimal(), d.Tax.Decimal(), d.Total.Decimal(), d.PaidBefore.Decimal(), d.Due.Decimal(), facts, c.Entity, c.Branch, b.frame.at,
		})
		for _, l := range d.Lines {
			lines = append(lines, lineRow(d.ID, l))
		}
		for _, t := range d.Taxes {
			taxes = append(taxes, []any{d.ID, t.Category, t.Percent, t.Name, t.Base.Decimal(), t.Tax.Decimal()})
		}
	}
	for _, table := range []struct {
		name    string
		columns []string
		rows    [][]any
	}{{"bill", billColumns, bills}, {"bill_line", lineColumns, lines}, {"bill_tax", taxColumns, taxes}} {
		n, err := tx.CopyFrom(ctx, pgx.Identifier{table.name}, table.columns, pgx.CopyFromRows(table.rows))
		if err != nil {
			return fmt.Errorf("write %s: %w", table.name, err)
		}
		if n != int64(len(table.rows)) {
			return fmt.Errorf("write %s: %d of %d rows", table.name, n, len(table.rows))
		}
	}
	return nil
}

func lineRow(bill uuid.UUID, l Line) []any {
	var subscription, from, to any
	if l.Subscription != uuid.Nil {
		subscription = l.Subscription
	}
	if !l.Period.From.IsZero() {
		from, to = l.Period.From, l.Period.To
	}
	return []any{
		bill, l.No, string(l.Kind), l.Code, l.Description, subscription, from, to, l.Quantity, string(l.Unit),
		l.Events, l.Price.Decimal(), l.Net.Decimal(), l.Tax.Decimal(), l.Category, l.Percent,
	}
}

// open makes the open items of bills that are not zero, and lets credit be
// applied to them while nothing but the accounts is locked.
func (b *batch) open(ctx context.Context, tx tenant.Tx, documents []*closing) error {
	var rows [][]any
	var credited []uuid.UUID
	due := b.closedOn().AddDays(b.frame.profile.PaymentTermDays)
	for _, c := range documents {
		if c.doc.Kind != KindBill || c.doc.Total.Sign() <= 0 {
			continue
		}
		total := c.doc.Total.Decimal()
		rows = append(rows, []any{uuid.Must(uuid.NewV7()), c.ID, c.doc.ID, c.Currency.Code(), total, total, due, b.frame.at})
		if c.Credit.Sign() > 0 {
			credited = append(credited, c.ID)
		}
	}
	columns := []string{"id", "account_id", "bill_id", "currency", "amount", "open", "due_date", "created_at"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"open_item"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("write open items: %w", err)
	}
	if b.settle == nil || len(credited) == 0 {
		return nil
	}
	return b.settle(ctx, tx, credited)
}

// closedOn is the closing's date in the operator's zone.
func (b *batch) closedOn() calendar.Date { return b.frame.profile.LocalDate(b.frame.at) }

// note writes the failures and moves the run's counters.
func (b *batch) note(ctx context.Context, tx tenant.Tx) error {
	var accounts []uuid.UUID
	var reasons []string
	for _, f := range b.failures {
		accounts, reasons = append(accounts, f.account), append(reasons, f.reason)
	}
	_, err := tx.Exec(ctx, `
		with failure as (
		    insert into bill_run_failure (run_id, account_id, reason, at)
		    select $1, n.account, n.reason, $4
		      from unnest($2::uuid[], $3::text[]) as n (account, reason)
		    on conflict (run_id, account_id) do update
		       set reason = excluded.reason, at = excluded.at, resolved_at = null
		    returning account_id
		)
		update bill_run
		   set done = done + $5, failed = failed + (select count(*) from failure)
		 where id = $1`, b.run.ID, accounts, reasons, b.frame.at, len(b.closed))
	if err != nil {
		return fmt.Errorf("note progress: %w", err)
	}
	return nil
}
