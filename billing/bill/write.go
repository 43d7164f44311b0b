package bill

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// put writes closings: postings, the accounts' next cycles, the subscriptions'
// progress, and the documents as drafts with their open items.
func (b *batch) put(ctx context.Context, tx tenant.Tx, part []*closing) error {
	if err := b.post(ctx, tx, part); err != nil {
		return err
	}
	if err := carryOver(ctx, tx, b.frame.profile.Zone, part); err != nil {
		return err
	}
	if err := b.advance(ctx, tx, part); err != nil {
		return err
	}
	documents := withDocument(part)
	if err := b.copyDocuments(ctx, tx, documents); err != nil {
		return err
	}
	if err := takeItems(ctx, tx, documents); err != nil {
		return err
	}
	if err := b.open(ctx, tx, documents); err != nil {
		return err
	}
	if err := creditLate(ctx, tx, part); err != nil {
		return err
	}
	return b.creditLast(ctx, tx, part)
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
	if err := ledger.PostLocked(ctx, tx, b.frame.profile.Zone, postings); err != nil {
		return err
	}
	if err := b.share(ctx, tx, part); err != nil {
		return err
	}
	return ledger.DocumentTax(ctx, tx, documented)
}

// ErrMoved means that an account's cycle was closed by somebody else although
// its row was locked: a broken invariant.
var ErrMoved = errors.New("a locked account's cycle has moved")

func (b *batch) advance(ctx context.Context, tx tenant.Tx, part []*closing) error {
	ids := make([]uuid.UUID, len(part))
	var moved, children []uuid.UUID
	var through []calendar.Date
	var counted []account.Discount
	for i, c := range part {
		ids[i] = c.ID
		children = append(children, c.absorbed...)
		counted = append(counted, c.counted...)
		for _, m := range c.moves {
			moved, through = append(moved, m.ID), append(through, m.Through)
		}
	}
	ids = append(ids, children...)
	n, err := account.AdvanceCycle(ctx, tx, b.run.CycleEnd, ids)
	if err != nil {
		return err
	}
	if n != len(ids) {
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
	return account.CountDiscounts(ctx, tx, counted)
}

// schedule puts the runs of the cycles that begin now on the agenda: last, as
// portions that close at the same time wait for each other there.
func (b *batch) schedule(ctx context.Context, tx tenant.Tx) error {
	var ends []calendar.Date
	for _, c := range b.closed {
		if end := b.frame.following(c).To; !slices.Contains(ends, end) {
			ends = append(ends, end)
		}
	}
	slices.SortFunc(ends, calendar.Date.Compare)
	return Schedule(ctx, tx, b.frame.profile.Zone, ends...)
}

var openColumns = []string{"id", "account_id", "bill_id", "currency", "amount", "open", "due_date", "created_at"}

// openBytes is about what an open item takes in a COPY.
const openBytes = 128

// open makes the open items of bills that are not zero, and lets credit be
// applied to them while nothing but the accounts is locked.
func (b *batch) open(ctx context.Context, tx tenant.Tx, documents []*closing) error {
	rows := tenant.NewCopy("open_item", openColumns, len(documents)*openBytes)
	var credited []uuid.UUID
	due := b.closedOn().AddDays(b.frame.profile.PaymentTermDays)
	for _, c := range documents {
		if c.doc.Kind != KindBill || c.doc.Total.Sign() <= 0 {
			continue
		}
		total := c.doc.Total.Decimal()
		rows.Row()
		rows.UUID(uuid.Must(uuid.NewV7()))
		rows.UUID(c.ID)
		rows.UUID(c.doc.ID)
		rows.Text(c.Currency.Code())
		rows.Decimal(total)
		rows.Decimal(total)
		rows.Date(due)
		rows.Time(b.frame.at)
		if c.Credit.Sign() > 0 {
			credited = append(credited, c.ID)
		}
	}
	if err := rows.Write(ctx, tx); err != nil {
		return err
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
