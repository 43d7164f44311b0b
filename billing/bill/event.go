package bill

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/event"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// recordFinal tells programs of others that documents have their numbers.
func recordFinal(ctx context.Context, tx tenant.Tx, documents []*closing) error {
	return event.Collect(ctx, tx, func() ([]event.Event, error) {
		events := make([]event.Event, len(documents))
		for i, c := range documents {
			d := &c.doc
			events[i] = event.Event{Type: event.BillFinalized, ObjectID: d.ID, AccountID: c.ID, Data: event.BillData{
				ID: d.ID, Number: c.issued.text, Kind: string(d.Kind), State: string(Final), AccountID: c.ID, Net: d.Net, Tax: d.Tax, Total: d.Total, Due: d.Due,
				CycleFrom: d.Period.From, CycleTo: d.Period.To, IssueDate: c.issued.on, DueDate: c.issued.due,
			}}
		}
		return events, nil
	})
}

// RecordEvent tells what has happened to documents, as they stand now; mark,
// if not nil, adds to it. Drafts have no number: nothing is told of them.
func RecordEvent(ctx context.Context, tx tenant.Tx, t event.Type, mark func(*event.BillData), bills ...uuid.UUID) error {
	return event.Collect(ctx, tx, func() ([]event.Event, error) {
		rows, err := tx.Query(ctx, `
			select id, number, kind, state, account_id, currency, net, tax, total, due, cycle_start, cycle_end, issue_date, due_date
			  from bill
			 where id = any ($1) and state <> 'draft'
			 order by id`, bills)
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", t, err)
		}
		return pgx.CollectRows(rows, func(row pgx.CollectableRow) (event.Event, error) {
			var d event.BillData
			var currency money.Currency
			var net, tax, total, due money.Decimal
			err := row.Scan(&d.ID, &d.Number, &d.Kind, &d.State, &d.AccountID, &currency, &net, &tax, &total, &due, &d.CycleFrom, &d.CycleTo, &d.IssueDate, &d.DueDate)
			d.Net, d.Tax, d.Total, d.Due = money.New(net, currency), money.New(tax, currency), money.New(total, currency), money.New(due, currency)
			if mark != nil {
				mark(&d)
			}
			return event.Event{Type: t, ObjectID: d.ID, AccountID: d.AccountID, Data: d}, err
		})
	})
}

// NoteSent notes that documents were sent to their subscriber: the first time
// counts.
func NoteSent(ctx context.Context, tx tenant.Tx, bills ...uuid.UUID) error {
	if len(bills) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `update bill set sent_at = $2 where id = any ($1) and sent_at is null`, bills, tx.At); err != nil {
		return fmt.Errorf("note that bills were sent: %w", err)
	}
	return nil
}
