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
	if err := b.moveOn(ctx, tx, part); err != nil {
		return err
	}
	if err := b.putDrafts(ctx, tx, withDocument(part)); err != nil {
		return err
	}
	if err := creditLate(ctx, tx, part); err != nil {
		return err
	}
	return b.creditLast(ctx, tx, flat(part))
}

// putStraight writes all closings of the batch with final documents. What has
// to be done with a document before it has its number is done with a draft;
// the others wait for their numbers and are written with them. Their lines are
// written before, as the series' locks are held from the number on.
func (b *batch) putStraight(ctx context.Context, tx tenant.Tx) error {
	if err := b.moveOn(ctx, tx, b.closings); err != nil {
		return err
	}
	var drafts, waiting []*closing
	for _, c := range withDocument(b.closings) {
		if c.waits = b.waits(c); c.waits {
			waiting = append(waiting, c)
		} else {
			drafts = append(drafts, c)
		}
	}
	if err := b.putDrafts(ctx, tx, drafts); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `set constraints bill_line_bill_id_fkey, bill_tax_bill_id_fkey deferred`); err != nil {
		return fmt.Errorf("let lines come first: %w", err)
	}
	if err := writeDetails(ctx, tx, waiting); err != nil {
		return err
	}
	if err := creditLate(ctx, tx, b.closings); err != nil {
		return err
	}
	if err := b.creditLast(ctx, tx, flat(b.closings)); err != nil {
		return err
	}
	b.closed = b.closings
	return b.end(ctx, tx)
}

// waits says whether nothing else has to know a document before its number does.
func (b *batch) waits(c *closing) bool {
	if b.settle != nil && c.Credit.Sign() > 0 || len(c.lateNotes) > 0 || len(c.left) > 0 {
		return false
	}
	for i := range c.entries {
		if c.entries[i].item != nil {
			return false
		}
	}
	return true
}

// moveOn posts closings and moves accounts and subscriptions on.
func (b *batch) moveOn(ctx context.Context, tx tenant.Tx, part []*closing) error {
	all := flat(part)
	totals, err := b.post(ctx, tx, all)
	if err != nil {
		return err
	}
	if err := carryOver(ctx, tx, b.frame.profile.Zone, all); err != nil {
		return err
	}
	if err := b.advance(ctx, tx, part, totals); err != nil {
		return err
	}
	if err := b.share(ctx, tx, all); err != nil {
		return err
	}
	return ledger.DocumentTax(ctx, tx, documentedTax(part))
}

// putDrafts writes documents as drafts with what hangs on them.
func (b *batch) putDrafts(ctx context.Context, tx tenant.Tx, documents []*closing) error {
	if len(documents) == 0 {
		return nil
	}
	if err := b.copyBills(ctx, tx, documents); err != nil {
		return err
	}
	if err := writeDetails(ctx, tx, documents); err != nil {
		return err
	}
	if err := takeItems(ctx, tx, documents); err != nil {
		return err
	}
	return b.open(ctx, tx, documents, b.closedOn().AddDays(b.frame.profile.PaymentTermDays))
}

func withDocument(part []*closing) []*closing {
	var list []*closing
	for _, c := range flat(part) {
		if !c.empty() {
			list = append(list, c)
		}
	}
	return list
}

// post adds the transfers of closings and says what the totals are to be moved by.
func (b *batch) post(ctx context.Context, tx tenant.Tx, part []*closing) (ledger.Totals, error) {
	var postings []ledger.Posting
	for _, c := range part {
		postings = append(postings, c.postings(b.frame)...)
	}
	return ledger.PostBeside(ctx, tx, b.frame.profile.Zone, postings)
}

// documentedTax is what statements document of the tax that was taken before.
func documentedTax(part []*closing) map[uuid.UUID]money.Decimal {
	documented := map[uuid.UUID]money.Decimal{}
	for _, c := range part {
		if c.doc.Kind == KindStatement && !c.taxTaken.IsZero() {
			documented[c.ID] = c.taxTaken
		}
	}
	return documented
}

// ErrMoved means that an account's cycle was closed by somebody else although
// its row was locked: a broken invariant.
var ErrMoved = errors.New("a locked account's cycle has moved")

// advance writes each account and subscription once, its totals with the rest.
func (b *batch) advance(ctx context.Context, tx tenant.Tx, part []*closing, totals ledger.Totals) error {
	ids := make([]uuid.UUID, len(part))
	var children []uuid.UUID
	var counted []account.Discount
	for i, c := range part {
		ids[i] = c.ID
		children = append(children, c.absorbed...)
		counted = append(counted, c.counted...)
	}
	ids = append(ids, children...)
	n, err := account.AdvanceCycle(ctx, tx, b.run.CycleEnd, ids, totals)
	if err != nil {
		return err
	}
	if n != len(ids) {
		return ErrMoved
	}
	if err := advanceSubscriptions(ctx, tx, part, totals); err != nil {
		return err
	}
	if err := totals.Move(ctx, tx); err != nil { // of what else the items concern
		return err
	}
	return account.CountDiscounts(ctx, tx, counted)
}

func advanceSubscriptions(ctx context.Context, tx tenant.Tx, part []*closing, totals ledger.Totals) error {
	var moved []uuid.UUID
	var through []calendar.Date
	var deferred []money.Decimal
	for _, c := range part {
		for _, m := range c.moves {
			moved, through, deferred = append(moved, m.ID), append(through, m.Through), append(deferred, totals.Deferred[m.ID])
			delete(totals.Deferred, m.ID)
		}
	}
	done, err := tx.Exec(ctx, `
		update subscription s
		   set charged_through = m.through, setup_charged = true, deferred = s.deferred + m.deferred
		  from unnest($1::uuid[], $2::date[], $3::numeric[]) as m (id, through, deferred)
		 where s.id = m.id`, moved, through, deferred)
	if err != nil {
		return fmt.Errorf("move subscriptions on: %w", err)
	}
	if done.RowsAffected() != int64(len(moved)) {
		return fmt.Errorf("move subscriptions on: %d of %d found", done.RowsAffected(), len(moved))
	}
	return nil
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
func (b *batch) open(ctx context.Context, tx tenant.Tx, documents []*closing, due calendar.Date) error {
	rows := tenant.NewCopy("open_item", openColumns, len(documents)*openBytes)
	var credited []uuid.UUID
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
		if c.Credit.Sign() > 0 && !slices.Contains(credited, c.ID) {
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
