package insight

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Age is a span of days overdue. To is the last day of it, 0 for no end.
type Age struct{ From, To int }

// Ages are the columns of the ageing table; the first is what is not due yet.
var Ages = []Age{{-1 << 20, 0}, {1, 30}, {31, 60}, {61, 90}, {91, 0}}

// Name is how addresses call an age: due, 1-30, 91+.
func (a Age) Name() string {
	switch {
	case a.From <= 0:
		return "due"
	case a.To == 0:
		return fmt.Sprintf("%d+", a.From)
	}
	return fmt.Sprintf("%d-%d", a.From, a.To)
}

// Owed is what is owed at one age. An account that owes at several ages is
// counted at each.
type Owed struct {
	Age
	Accounts int64
	Amount   money.Decimal
}

// Owing is all that customers owe on documents.
type Owing struct {
	ByAge    []Owed // one for each of Ages
	Accounts int64
	Debtors  int64 // accounts with something overdue
}

// Total is all that is owed.
func (o Owing) Total() (sum money.Decimal) {
	for _, a := range o.ByAge {
		sum = sum.Add(a.Amount)
	}
	return sum
}

// Overdue is what should have been paid by now.
func (o Owing) Overdue() (sum money.Decimal) {
	for _, a := range o.ByAge[1:] {
		sum = sum.Add(a.Amount)
	}
	return sum
}

// GetOwing reads what is owed on a local day, by how long it is overdue. Only
// open items are read (open_item_open).
func GetOwing(ctx context.Context, tx tenant.Tx, currency money.Currency, today calendar.Date) (Owing, error) {
	rows, err := tx.Query(ctx, `
		with aged as (
		    select account_id, open, case when $1 <= due_date then 0 when $1 - due_date <= 30 then 1
		                                  when $1 - due_date <= 60 then 2 when $1 - due_date <= 90 then 3 else 4 end as age
		      from open_item where open > 0 and currency = $2)
		select age, count(distinct account_id), sum(open) from aged group by age
		union all
		select 5, count(distinct account_id), 0 from aged
		union all
		select 6, count(distinct account_id), 0 from aged where age > 0`, today, currency.Code())
	if err != nil {
		return Owing{}, fmt.Errorf("read what is owed: %w", err)
	}
	o := Owing{ByAge: make([]Owed, len(Ages))}
	for i, age := range Ages {
		o.ByAge[i].Age = age
	}
	var row, accounts int64
	var amount money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&row, &accounts, &amount}, func() error {
		switch int(row) {
		case len(Ages):
			o.Accounts = accounts
		case len(Ages) + 1:
			o.Debtors = accounts
		default:
			o.ByAge[row].Accounts, o.ByAge[row].Amount = accounts, amount
		}
		return nil
	})
	if err != nil {
		return Owing{}, fmt.Errorf("read what is owed: %w", err)
	}
	return o, nil
}
