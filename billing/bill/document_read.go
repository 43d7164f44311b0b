package bill

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// GetDocument reads everything that is printed on a document, from what was
// stored when it was made.
func GetDocument(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Document, error) {
	head, err := Get(ctx, tx, id)
	if err != nil {
		return Document{}, err
	}
	d := Document{
		ID: head.ID, Kind: head.Kind, State: head.State, Number: head.Number, Issued: head.Issued, DueDate: head.DueDate, Period: head.Cycle,
		Currency: head.Total.Currency(), Total: head.Total, PaidBefore: head.PaidBefore, Due: head.Due, Reference: head.Number,
	}
	var facts json.RawMessage
	var net, tax, rounding money.Decimal
	if err := tx.QueryRow(ctx, `select net, tax, rounding, facts from bill where id = $1`, id).Scan(&net, &tax, &rounding, &facts); err != nil {
		return Document{}, fmt.Errorf("read bill %s: %w", head.Number, err)
	}
	d.Net, d.Tax, d.Rounding = money.New(net, d.Currency), money.New(tax, d.Currency), money.New(rounding, d.Currency)
	if err := d.readLines(ctx, tx); err != nil {
		return Document{}, fmt.Errorf("read bill %s: %w", head.Number, err)
	}
	var stored storedFacts
	if err := json.Unmarshal(facts, &stored); err != nil {
		return Document{}, fmt.Errorf("facts of bill %s: %w", head.Number, err)
	}
	stored.into(&d)
	return d, nil
}

func (d *Document) readLines(ctx context.Context, tx tenant.Tx) error {
	rows, err := tx.Query(ctx, `
		select no, kind, code, description, subscription_id, period_from, period_to, quantity, unit, events,
		       price, net, tax, tax_category, tax_percent, tax_group, coalesce(corrects_no, 0)
		from bill_line where bill_id = $1 order by no`, d.ID)
	if err != nil {
		return err
	}
	d.Lines, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Line, error) {
		var l Line
		var subscription *uuid.UUID
		var from, to *calendar.Date
		var price, net, tax money.Decimal
		err := row.Scan(&l.No, &l.Kind, &l.Code, &l.Description, &subscription, &from, &to, &l.Quantity, &l.Unit, &l.Events,
			&price, &net, &tax, &l.Category, &l.Percent, &l.TaxGroup, &l.Corrects)
		if subscription != nil {
			l.Subscription = *subscription
		}
		if from != nil && to != nil {
			l.Period = calendar.Period{From: *from, To: *to}
		}
		l.Price, l.Net, l.Tax = money.New(price, d.Currency), money.New(net, d.Currency), money.New(tax, d.Currency)
		return l, err
	})
	if err != nil {
		return err
	}
	rows, err = tx.Query(ctx, selectTaxes, d.ID)
	if err != nil {
		return err
	}
	d.Taxes, err = pgx.CollectRows(rows, d.scanTax)
	return err
}
