package bill

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Previewed is what closing one account's open cycle now would give, beside the
// last document it got.
type Previewed struct {
	AccountID    uuid.UUID
	Number, Name string
	Document     Document   // without lines where Err says why the account cannot be closed
	Others       []Document // of its other services, where each has a bill of its own
	Last         *money.Amount
	LastNumber   string
	LastKinds    map[LineKind]money.Decimal // net of the documents of the last period, by kind of line
	Err          error
}

// Change is by how much the total differs from the last document's; all of it
// where there is none.
func (p Previewed) Change() money.Amount {
	if p.Last == nil {
		return p.Document.Total
	}
	change, err := p.Document.Total.Sub(*p.Last)
	if err != nil {
		return p.Document.Total // the account's currency has changed: nothing compares
	}
	return change
}

// PreviewMany is Preview of accounts, with statements that don't grow in number
// with them. What cannot be closed has its reason in Err.
func (c Closer) PreviewMany(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) ([]Previewed, error) {
	f, err := loadFrame(ctx, tx)
	if err != nil {
		return nil, err
	}
	f.settles, f.outside = c.Settle != nil, c.Outside
	rows, err := tx.Query(ctx, `select `+dueColumns+` from billing_account a join party p on p.id = a.party_id where a.id = any($1) order by a.id`, accounts)
	if err != nil {
		return nil, fmt.Errorf("preview accounts: %w", err)
	}
	due, err := pgx.CollectRows(rows, scanDue)
	if err != nil {
		return nil, fmt.Errorf("preview accounts: %w", err)
	}
	cycles, err := f.load(ctx, tx, due)
	if err != nil {
		return nil, err
	}
	list, at := make([]Previewed, len(cycles)), map[uuid.UUID]int{}
	for i, o := range cycles {
		list[i], at[o.ID] = Previewed{AccountID: o.ID, Number: o.Number, Name: o.Name}, i
		closing, err := f.reckon(o)
		f.unasked(err)
		if err != nil {
			list[i].Err = err
			list[i].Document.Total = money.Zero(o.Currency)
			continue
		}
		list[i].Document = closing.doc
		for _, one := range closing.apart {
			if !one.empty() {
				list[i].Others = append(list[i].Others, one.doc)
			}
		}
	}
	if err := lastTotals(ctx, tx, list, at); err != nil {
		return nil, err
	}
	return list, lastKinds(ctx, tx, list, at)
}

// lastTotals completes previews with the last document of each account.
// bill_account finds it.
func lastTotals(ctx context.Context, tx tenant.Tx, list []Previewed, at map[uuid.UUID]int) error {
	ids := make([]uuid.UUID, len(list))
	for i := range list {
		ids[i] = list[i].AccountID
	}
	rows, err := tx.Query(ctx, `
		select b.account_id, b.number, b.total, b.currency
		  from unnest($1::uuid[]) as a (id)
		  cross join lateral (select account_id, number, total, currency from bill
		                       where account_id = a.id and state = 'final' order by cycle_start desc limit 1) b`, ids)
	if err != nil {
		return fmt.Errorf("last documents: %w", err)
	}
	var id uuid.UUID
	var number string
	var total money.Decimal
	var currency money.Currency
	_, err = pgx.ForEachRow(rows, []any{&id, &number, &total, &currency}, func() error {
		p, last := &list[at[id]], money.New(total, currency)
		p.LastNumber, p.Last = number, &last
		return nil
	})
	return err
}

// DueAccounts lists accounts whose open cycle ends on a day, by id, after one.
// billing_account_due gives the order.
func DueAccounts(ctx context.Context, tx tenant.Tx, cycleEnd calendar.Date, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `select id from billing_account where state = 'active' and cycle_end = $1 and id > $2 order by id limit $3`, cycleEnd, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list accounts due on %s: %w", cycleEnd, err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// SampleDue draws some of the accounts whose open cycle ends on a day; the same
// seed draws the same.
func SampleDue(ctx context.Context, tx tenant.Tx, cycleEnd calendar.Date, seed string, limit int) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `select id from billing_account where state = 'active' and cycle_end = $1
		order by md5(id::text || $2), id limit $3`, cycleEnd, seed, limit)
	if err != nil {
		return nil, fmt.Errorf("draw accounts due on %s: %w", cycleEnd, err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
}

// Coming is the run that is next to be started.
type Coming struct {
	CycleEnd calendar.Date
	Accounts int64
}

// NextRun finds the first day on which open cycles end; false where no account
// is billed. billing_account_due begins with it.
func NextRun(ctx context.Context, tx tenant.Tx) (Coming, bool, error) {
	var next Coming
	err := tx.QueryRow(ctx, `
		select cycle_end, count(*) from billing_account
		 where state = 'active' and cycle_end = (select min(cycle_end) from billing_account where state = 'active')
		 group by cycle_end`).Scan(&next.CycleEnd, &next.Accounts)
	if errors.Is(err, pgx.ErrNoRows) {
		return Coming{}, false, nil
	}
	if err != nil {
		return Coming{}, false, fmt.Errorf("find the next bill run: %w", err)
	}
	return next, true, nil
}

// AverageLast is the average total of the last documents of some of the
// accounts whose open cycle ends on a day, and of how many.
func AverageLast(ctx context.Context, tx tenant.Tx, cycleEnd calendar.Date, currency money.Currency, accounts int) (money.Amount, int64, error) {
	ids, err := SampleDue(ctx, tx, cycleEnd, "", accounts)
	if err != nil {
		return money.Amount{}, 0, err
	}
	list, at := make([]Previewed, len(ids)), map[uuid.UUID]int{}
	for i, id := range ids {
		list[i].AccountID, at[id] = id, i
	}
	if err := lastTotals(ctx, tx, list, at); err != nil {
		return money.Amount{}, 0, err
	}
	var sum money.Decimal
	var n int64
	for _, p := range list {
		if p.Last != nil && p.Last.Currency() == currency {
			sum, n = sum.Add(p.Last.Decimal()), n+1
		}
	}
	average, err := sum.Div(money.NewDecimal(max(n, 1)), money.Scale, money.HalfAwayFromZero)
	return money.New(average, currency), n, err
}
