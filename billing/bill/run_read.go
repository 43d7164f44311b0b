package bill

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// KindTotal is what a run's documents of one kind come to in one currency.
type KindTotal struct {
	Kind            Kind
	Documents       int64
	Net, Tax, Total money.Amount
	Due             money.Amount
}

// RateTotal is what a run's documents have at one rate of tax.
type RateTotal struct {
	Category, Name string
	Percent        money.Decimal
	Base, Tax      money.Amount
}

// RunTotals sums up a run's final documents. bill_closed bounds what is read:
// they were closed since the run began.
func RunTotals(ctx context.Context, tx tenant.Tx, run Run) ([]KindTotal, []RateTotal, error) {
	rows, err := tx.Query(ctx, `
		select kind, currency, count(*), sum(net), sum(tax), sum(total), sum(due)
		  from bill where closed_at >= $1 and run_id = $2 and state = 'final'
		 group by kind, currency order by kind, currency`, run.StartedAt, run.ID)
	if err != nil {
		return nil, nil, fmt.Errorf("sum up a bill run: %w", err)
	}
	kinds, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t KindTotal, err error) {
		var c money.Currency
		var net, tax, total, due money.Decimal
		err = row.Scan(&t.Kind, &c, &t.Documents, &net, &tax, &total, &due)
		t.Net, t.Tax, t.Total, t.Due = money.New(net, c), money.New(tax, c), money.New(total, c), money.New(due, c)
		return t, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("sum up a bill run: %w", err)
	}
	rows, err = tx.Query(ctx, `
		select x.category, x.name, x.percent, b.currency, sum(x.base), sum(x.tax)
		  from bill b join bill_tax x on x.bill_id = b.id
		 where b.closed_at >= $1 and b.run_id = $2 and b.state = 'final'
		 group by x.category, x.name, x.percent, b.currency order by b.currency, x.percent desc, x.category`, run.StartedAt, run.ID)
	if err != nil {
		return nil, nil, fmt.Errorf("sum up a bill run's tax: %w", err)
	}
	rates, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t RateTotal, err error) {
		var c money.Currency
		var base, tax money.Decimal
		err = row.Scan(&t.Category, &t.Name, &t.Percent, &c, &base, &tax)
		t.Base, t.Tax = money.New(base, c), money.New(tax, c)
		return t, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("sum up a bill run's tax: %w", err)
	}
	return kinds, rates, nil
}

// RunBill is a document of a run in a list.
type RunBill struct {
	ID, AccountID   uuid.UUID
	Account, Name   string
	Kind            Kind
	Number          string
	Net, Tax, Total money.Amount
	Due             money.Amount
}

// RunBills lists a run's final documents by id, after one.
func RunBills(ctx context.Context, tx tenant.Tx, run Run, after uuid.UUID, limit int) ([]RunBill, error) {
	rows, err := tx.Query(ctx, `
		select b.id, b.account_id, a.number, p.name, b.kind, b.number, b.currency, b.net, b.tax, b.total, b.due
		  from (select id, account_id, kind, number, currency, net, tax, total, due from bill
		         where closed_at >= $1 and run_id = $2 and state = 'final' and id > $3 order by id limit $4) b
		  join billing_account a on a.id = b.account_id
		  join party p on p.id = a.party_id
		 order by b.id`, run.StartedAt, run.ID, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list a run's bills: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (b RunBill, err error) {
		var c money.Currency
		var net, tax, total, due money.Decimal
		err = row.Scan(&b.ID, &b.AccountID, &b.Account, &b.Name, &b.Kind, &b.Number, &c, &net, &tax, &total, &due)
		b.Net, b.Tax, b.Total, b.Due = money.New(net, c), money.New(tax, c), money.New(total, c), money.New(due, c)
		return b, err
	})
}
