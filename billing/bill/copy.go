package bill

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

var (
	billColumns = []string{
		"id", "run_id", "account_id", "kind", "state", "cycle_start", "cycle_end", "part", "currency",
		"net", "tax", "rounding", "total", "paid_before", "due", "facts", "legal_entity", "branch", "closed_at",
	}
	lineColumns = []string{
		"bill_id", "no", "kind", "code", "description", "subscription_id", "period_from", "period_to", "quantity", "unit",
		"events", "price", "net", "tax", "tax_category", "tax_percent", "tax_group",
	}
	taxColumns = []string{
		"bill_id", "position", "tax_group", "category", "percent", "name", "base", "tax", "code", "reason_code", "reason",
		"levy", "factor_num", "factor_den", "on_earlier", "other",
	}
)

func (b *batch) copyDocuments(ctx context.Context, tx tenant.Tx, documents []*closing) error {
	// Ids go as plain bytes: the library sends a uuid.UUID by way of its text.
	var bills, lines, taxes [][]any
	var run any // nil: on demand
	if b.run.ID != uuid.Nil {
		run = [16]byte(b.run.ID)
	}
	for _, c := range documents {
		d := &c.doc
		facts, err := json.Marshal(factsOf(*d))
		if err != nil {
			return fmt.Errorf("facts of account %s: %w", c.Number, err)
		}
		bills = append(bills, []any{
			[16]byte(d.ID), run, [16]byte(c.ID), string(d.Kind), string(Draft), d.Period.From, d.Period.To, d.Part, d.Currency.Code(),
			d.Net.Decimal(), d.Tax.Decimal(), d.Rounding.Decimal(), d.Total.Decimal(), d.PaidBefore.Decimal(), d.Due.Decimal(), facts, [16]byte(c.Entity), [16]byte(c.Branch), b.frame.at,
		})
		for _, l := range d.Lines {
			lines = append(lines, lineRow(d.ID, l))
		}
		for _, t := range d.Taxes {
			taxes = append(taxes, taxRow(d.ID, t))
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
		subscription = [16]byte(l.Subscription)
	}
	if !l.Period.From.IsZero() {
		from, to = l.Period.From, l.Period.To
	}
	return []any{
		[16]byte(bill), l.No, string(l.Kind), l.Code, l.Description, subscription, from, to, l.Quantity, string(l.Unit),
		l.Events, l.Price.Decimal(), l.Net.Decimal(), l.Tax.Decimal(), l.Category, l.Percent, int16(l.TaxGroup),
	}
}
