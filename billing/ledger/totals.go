package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// AccountMove is what postings change on one billing account.
type AccountMove struct {
	Unbilled, Receivable, Credit, UndocumentedTax money.Decimal
}

// Totals is what postings change on running totals that the caller moves.
type Totals struct {
	Accounts map[uuid.UUID]*AccountMove
	Deferred map[uuid.UUID]money.Decimal // of subscriptions
}

// Move moves what the caller did not.
func (t Totals) Move(ctx context.Context, tx tenant.Tx) error {
	m := &movement{accounts: t.Accounts, deferred: t.Deferred}
	return m.write(ctx, tx, new(pgx.Batch))
}

// movement is what postings change on all running totals.
type movement struct {
	accounts map[uuid.UUID]*AccountMove
	buckets  map[uuid.UUID]money.Decimal
	deferred map[uuid.UUID]money.Decimal
	ahead    map[uuid.UUID]money.Decimal // tax taken at sale, by bucket; nil while there is none
}

func newMovement() *movement {
	return &movement{
		accounts: map[uuid.UUID]*AccountMove{},
		buckets:  map[uuid.UUID]money.Decimal{},
		deferred: map[uuid.UUID]money.Decimal{},
	}
}

// add counts one transfer: debit is plus, credit is minus, and each total has
// the sign of its nature.
func (m *movement) add(kind EventKind, t *Transfer) {
	m.side(t.Debit, t.Amount)
	m.side(t.Credit, t.Amount.Neg())
	if t.AccountID == uuid.Nil || (kind != Usage && kind != Fee && kind != Correction) {
		return
	}
	// Tax taken with a prepaid charge, or given back with its correction, waits
	// for the statement that documents it; so does that which was taken when the
	// money was sold.
	if t.Credit.Kind == Tax || t.Credit.Kind == TaxAhead {
		a := m.account(t.AccountID)
		a.UndocumentedTax = a.UndocumentedTax.Add(t.Amount)
	}
	if t.Debit.Kind == Tax || t.Debit.Kind == TaxAhead {
		a := m.account(t.AccountID)
		a.UndocumentedTax = a.UndocumentedTax.Sub(t.Amount)
	}
}

func (m *movement) side(account Account, debit money.Decimal) {
	switch account.Kind {
	case Prepaid, UnitBucket:
		m.buckets[account.ID] = m.buckets[account.ID].Sub(debit)
	case TaxAhead:
		if m.ahead == nil {
			m.ahead = map[uuid.UUID]money.Decimal{}
		}
		m.ahead[account.ID] = m.ahead[account.ID].Add(debit)
		m.buckets[account.ID] = m.buckets[account.ID].Add(money.Decimal{}) // is locked and gets a new version as if its value moved
	case Deferred:
		m.deferred[account.ID] = m.deferred[account.ID].Sub(debit)
	case Unbilled:
		a := m.account(account.ID)
		a.Unbilled = a.Unbilled.Add(debit)
	case Receivable:
		a := m.account(account.ID)
		a.Receivable = a.Receivable.Add(debit)
	case CustomerCredit:
		a := m.account(account.ID)
		a.Credit = a.Credit.Sub(debit)
	}
}

func (m *movement) account(id uuid.UUID) *AccountMove {
	a := m.accounts[id]
	if a == nil {
		a = new(AccountMove)
		m.accounts[id] = a
	}
	return a
}

// Rows are locked in id order before they are written, because an UPDATE with
// a join takes them in the order of its plan; a caller who has locked them all
// spares that. NO KEY: rows that refer to them may be added meanwhile. Ids are
// joined, as a plan that was made while a table was small would compare every
// row with every id of an array.
const (
	lockAccounts = `
		select a.id from unnest($1::uuid[]) as w (id) join billing_account as a on a.id = w.id order by a.id for no key update of a`
	moveAccounts = `
		update billing_account as a
		set unbilled = a.unbilled + m.unbilled,
		    receivable = a.receivable + m.receivable,
		    credit = a.credit + m.credit,
		    undocumented_tax = a.undocumented_tax + m.undocumented_tax
		from unnest($1::uuid[], $2::numeric[], $3::numeric[], $4::numeric[], $5::numeric[])
		     as m (id, unbilled, receivable, credit, undocumented_tax)
		where a.id = m.id`
	lockBuckets = `
		select b.id from unnest($1::uuid[]) as w (id) join bucket as b on b.id = w.id order by b.id for no key update of b`
	moveBuckets = `
		update bucket as b
		set value = b.value + m.amount, version = b.version + 1
		from unnest($1::uuid[], $2::numeric[]) as m (id, amount)
		where b.id = m.id`
	moveAhead = `
		update bucket as b
		set tax_ahead = b.tax_ahead + m.amount
		from unnest($1::uuid[], $2::numeric[]) as m (id, amount)
		where b.id = m.id`
	lockSubscriptions = `
		select s.id from unnest($1::uuid[]) as w (id) join subscription as s on s.id = w.id order by s.id for no key update of s`
	moveDeferred = `
		update subscription as s
		set deferred = s.deferred + m.amount
		from unnest($1::uuid[], $2::numeric[]) as m (id, amount)
		where s.id = m.id`
)

// lock queues the row locks: accounts, buckets, subscriptions.
func (m *movement) lock(batch *pgx.Batch) {
	queueLock(batch, lockAccounts, sortedIDs(m.accounts))
	queueLock(batch, lockBuckets, sortedIDs(m.buckets))
	queueLock(batch, lockSubscriptions, sortedIDs(m.deferred))
}

func queueLock(batch *pgx.Batch, lock string, ids []pgtype.UUID) {
	if len(ids) > 0 {
		batch.Queue(lock, ids)
	}
}

// write moves the totals in one round trip, with what else is in the batch.
func (m *movement) write(ctx context.Context, tx tenant.Tx, batch *pgx.Batch) error {
	m.queueAccounts(batch)
	queueSums(batch, m.buckets, moveBuckets, "buckets")
	queueSums(batch, m.ahead, moveAhead, "buckets")
	queueSums(batch, m.deferred, moveDeferred, "subscriptions")
	if batch.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("move running totals: %w", refusal(err))
	}
	return nil
}

func (m *movement) queueAccounts(batch *pgx.Batch) {
	if len(m.accounts) > 0 {
		batch.Queue(moveAccounts, m.accountArguments()...).Exec(expectRows(len(m.accounts), "billing accounts"))
	}
}

func (m *movement) accountArguments() []any {
	ids := sortedIDs(m.accounts)
	columns := [4][]money.Decimal{}
	for i := range columns {
		columns[i] = make([]money.Decimal, 0, len(ids))
	}
	for _, id := range ids {
		a := m.accounts[id.Bytes]
		for i, amount := range [4]money.Decimal{a.Unbilled, a.Receivable, a.Credit, a.UndocumentedTax} {
			columns[i] = append(columns[i], amount)
		}
	}
	return []any{ids, columns[0], columns[1], columns[2], columns[3]}
}

// queue moves the totals with a flow's next trip.
func (m *movement) queue(f *tenant.Flow) {
	if len(m.accounts) > 0 {
		f.ExecRows(len(m.accounts), moveAccounts, m.accountArguments()...)
	}
	if len(m.buckets) > 0 {
		f.ExecRows(len(m.buckets), moveBuckets, sumArguments(m.buckets)...)
	}
	if len(m.ahead) > 0 {
		f.ExecRows(len(m.ahead), moveAhead, sumArguments(m.ahead)...)
	}
	if len(m.deferred) > 0 {
		f.ExecRows(len(m.deferred), moveDeferred, sumArguments(m.deferred)...)
	}
}

func queueSums(batch *pgx.Batch, sums map[uuid.UUID]money.Decimal, move, what string) {
	if len(sums) > 0 {
		batch.Queue(move, sumArguments(sums)...).Exec(expectRows(len(sums), what))
	}
}

func sumArguments(sums map[uuid.UUID]money.Decimal) []any {
	ids := sortedIDs(sums)
	amounts := make([]money.Decimal, len(ids))
	for i, id := range ids {
		amounts[i] = sums[id.Bytes]
	}
	return []any{ids, amounts}
}

func expectRows(want int, what string) func(pgconn.CommandTag) error {
	return func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() != int64(want) {
			return fmt.Errorf("%w: %d of %d %s found", ErrUnknownAccount, tag.RowsAffected(), want, what)
		}
		return nil
	}
}

// sortedIDs are ids in order, in the form that the driver encodes fastest.
func sortedIDs[V any](m map[uuid.UUID]V) []pgtype.UUID {
	ids := make([]pgtype.UUID, 0, len(m))
	for id := range m {
		ids = append(ids, pgtype.UUID{Bytes: id, Valid: true})
	}
	slices.SortFunc(ids, func(a, b pgtype.UUID) int { return bytes.Compare(a.Bytes[:], b.Bytes[:]) })
	return ids
}

// refusal names PostgreSQL's refusal of a total below its bound.
func refusal(err error) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23514" {
		return fmt.Errorf("%w: %w", ErrOverdrawn, err)
	}
	return err
}
