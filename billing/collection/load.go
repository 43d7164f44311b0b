package collection

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Candidates of a day's review: who has something overdue and no case, and whose
// case has something to be looked at. open_item_due and dunning_case_next find them.
const selectCandidates = `
	select id from (
	    select distinct o.account_id as id from open_item o
	     where o.open > 0 and o.due_date < $1 and o.account_id > $2
	       and not exists (select from dunning_case c where c.account_id = o.account_id and c.state = 'open')
	    union
	    select c.account_id from dunning_case c where c.state = 'open' and c.next_on <= $1 and c.account_id > $2) as due
	order by id limit $3`

func candidates(ctx context.Context, tx tenant.Tx, today calendar.Date, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, selectCandidates, today, after, limit)
	if err != nil {
		return nil, fmt.Errorf("find accounts to review: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("find accounts to review: %w", err)
	}
	return ids, nil
}

const selectDebtors = `
	select a.id, a.kind, a.currency, p.kind, a.legal_entity, a.branch, a.tags, a.risk
	from billing_account a join party p on p.id = a.party_id
	where a.id = any ($1) order by a.id`

const selectDebts = `
	select o.account_id, o.id, coalesce(b.number, o.number), o.due_date, o.open, s.step, s.action, s.done_on
	from open_item o
	left join bill b on b.id = o.bill_id
	left join dunning_step s on s.item_id = o.id
	where o.account_id = any ($1) and o.open > 0
	order by o.account_id, o.due_date, o.id, s.done_at, s.id`

// lockAccounts locks accounts in id order: whoever pays waits, or is waited for.
func lockAccounts(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error {
	_, err := tx.Exec(ctx, `select id from billing_account where id = any ($1) order by id for update`, accounts)
	if err != nil {
		return fmt.Errorf("lock accounts: %w", err)
	}
	return nil
}

// load reads what is known of accounts, in id order, with one statement each.
func load(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) ([]*Debtor, error) {
	rows, err := tx.Query(ctx, selectDebtors, accounts)
	if err != nil {
		return nil, fmt.Errorf("read debtors: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Debtor, error) {
		d := &Debtor{}
		err := row.Scan(&d.AccountID, &d.Kind, &d.Currency, &d.Party, &d.LegalEntity, &d.Branch, &d.Tags, &d.Risk)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("read debtors: %w", err)
	}
	of := make(map[uuid.UUID]*Debtor, len(list))
	for _, d := range list {
		of[d.AccountID] = d
	}
	if err := loadDebts(ctx, tx, accounts, of); err != nil {
		return nil, err
	}
	if rows, err = tx.Query(ctx, `select `+arrangementColumns+` from dunning_arrangement r where r.account_id = any ($1) and r.state = 'active' order by r.created_at, r.id`, accounts); err != nil {
		return nil, fmt.Errorf("read arrangements: %w", err)
	}
	agreed, err := pgx.CollectRows(rows, scanArrangement)
	if err != nil {
		return nil, fmt.Errorf("read arrangements: %w", err)
	}
	for _, a := range agreed {
		of[a.AccountID].Agreed = append(of[a.AccountID].Agreed, a)
	}
	if rows, err = tx.Query(ctx, `select `+caseColumns+` from dunning_case c where c.account_id = any ($1) and c.state = 'open'`, accounts); err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	cases, err := pgx.CollectRows(rows, scanCase)
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	for i := range cases {
		of[cases[i].AccountID].Case = &cases[i]
	}
	return list, nil
}

func loadDebts(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID, of map[uuid.UUID]*Debtor) error {
	rows, err := tx.Query(ctx, selectDebts, accounts)
	if err != nil {
		return fmt.Errorf("read debts: %w", err)
	}
	var id, item uuid.UUID
	var number string
	var due calendar.Date
	var open money.Decimal
	var step *string
	var action *Action
	var on *calendar.Date
	_, err = pgx.ForEachRow(rows, []any{&id, &item, &number, &due, &open, &step, &action, &on}, func() error {
		d := of[id]
		if n := len(d.Debts); n == 0 || d.Debts[n-1].ItemID != item {
			d.Debts = append(d.Debts, Debt{ItemID: item, Number: number, Due: due, Open: open, Taken: map[string]Taken{}})
		}
		if step != nil {
			d.Debts[len(d.Debts)-1].Taken[*step] = Taken{Action: *action, On: *on}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read debts: %w", err)
	}
	return nil
}
