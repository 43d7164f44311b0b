package bill

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

var (
	billColumns = []string{
		"id", "run_id", "account_id", "kind", "state", "cycle_start", "cycle_end", "part", "currency",
		"net", "tax", "rounding", "total", "paid_before", "due", "facts", "legal_entity", "branch", "closed_at",
		"series_year", "series_no", "number", "issue_date", "due_date",
	}
	lineColumns = []string{
		"bill_id", "no", "kind", "code", "description", "subscription_id", "period_from", "period_to", "quantity", "unit",
		"events", "price", "net", "tax", "tax_category", "tax_percent", "tax_group", "corrects_no",
	}
	taxColumns = []string{
		"bill_id", "position", "tax_group", "category", "percent", "name", "base", "tax", "code", "reason_code", "reason",
		"levy", "factor_num", "factor_den", "on_earlier", "other",
	}
)

// About how many bytes a row takes in a COPY.
const (
	billBytes = 1024
	lineBytes = 256
	taxBytes  = 128
)

// copyBills writes documents without their lines: final ones where they have
// their numbers, drafts where not.
func (b *batch) copyBills(ctx context.Context, tx tenant.Tx, documents []*closing) error {
	bills := tenant.NewCopy("bill", billColumns, len(documents)*billBytes)
	for _, c := range documents {
		d := &c.doc
		facts, err := json.Marshal(factsOf(*d))
		if err != nil {
			return fmt.Errorf("facts of account %s: %w", c.Number, err)
		}
		state := Draft
		if c.issued != nil {
			state = Final
		}
		bills.Row()
		bills.UUID(d.ID)
		bills.OptionalUUID(b.run.ID)
		bills.UUID(c.ID)
		bills.Text(string(d.Kind))
		bills.Text(string(state))
		bills.Date(d.Period.From)
		bills.Date(d.Period.To)
		bills.Text(d.Part)
		bills.Text(d.Currency.Code())
		bills.Decimal(d.Net.Decimal())
		bills.Decimal(d.Tax.Decimal())
		bills.Decimal(d.Rounding.Decimal())
		bills.Decimal(d.Total.Decimal())
		bills.Decimal(d.PaidBefore.Decimal())
		bills.Decimal(d.Due.Decimal())
		bills.JSONB(facts)
		bills.UUID(c.Entity)
		bills.UUID(c.Branch)
		bills.Time(b.frame.at)
		c.issued.add(bills)
	}
	return bills.Write(ctx, tx)
}

// add writes a number's columns; a draft's are empty.
func (i *issued) add(to *tenant.Copy) {
	if i == nil {
		for range 5 {
			to.Null()
		}
		return
	}
	to.Int32(int32(i.series.Year))
	to.Int64(i.no)
	to.Text(i.text)
	to.Date(i.on)
	to.Date(i.due)
}

// writeDetails writes documents' lines and taxes.
func writeDetails(ctx context.Context, tx tenant.Tx, documents []*closing) error {
	count := 0
	for _, c := range documents {
		count += len(c.doc.Lines)
	}
	rows := newDetailRows(len(documents), count)
	for _, c := range documents {
		rows.add(&c.doc)
	}
	return rows.write(ctx, tx)
}

// detailRows are documents' lines and taxes on their way into the database.
type detailRows struct{ lines, taxes *tenant.Copy }

func newDetailRows(documents, lines int) detailRows {
	return detailRows{tenant.NewCopy("bill_line", lineColumns, lines*lineBytes), tenant.NewCopy("bill_tax", taxColumns, documents*taxBytes)}
}

func (r detailRows) add(d *Document) {
	for i := range d.Lines {
		addLine(r.lines, d.ID, &d.Lines[i])
	}
	for i := range d.Taxes {
		addTax(r.taxes, d.ID, &d.Taxes[i])
	}
}

func (r detailRows) write(ctx context.Context, tx tenant.Tx) error {
	if err := r.lines.Write(ctx, tx); err != nil {
		return err
	}
	return r.taxes.Write(ctx, tx)
}

func addLine(to *tenant.Copy, bill uuid.UUID, l *Line) {
	to.Row()
	to.UUID(bill)
	to.Int32(int32(l.No))
	to.Text(string(l.Kind))
	to.Text(l.Code)
	to.Text(l.Description)
	to.OptionalUUID(l.Subscription)
	to.OptionalDate(l.Period.From)
	to.OptionalDate(l.Period.To)
	to.Decimal(l.Quantity)
	to.Text(string(l.Unit))
	to.Int64(l.Events)
	to.Decimal(l.Price.Decimal())
	to.Decimal(l.Net.Decimal())
	to.Decimal(l.Tax.Decimal())
	to.Text(l.Category)
	to.Decimal(l.Percent)
	to.Int16(int16(l.TaxGroup))
	if l.Corrects == 0 {
		to.Null()
	} else {
		to.Int32(int32(l.Corrects))
	}
}

func addTax(to *tenant.Copy, bill uuid.UUID, t *TaxLine) {
	factor := t.Factor
	if factor.Den == 0 {
		factor = tax.Factor{Num: 1, Den: 1}
	}
	to.Row()
	to.UUID(bill)
	to.Int16(int16(t.Position))
	to.Int16(int16(t.Group))
	to.Text(t.Category)
	to.Decimal(t.Percent)
	to.Text(t.Name)
	to.Decimal(t.Base.Decimal())
	to.Decimal(t.Tax.Decimal())
	to.Text(string(t.Code))
	to.Text(t.Reason.Code)
	to.Text(t.Reason.Text)
	to.Text(t.Levy)
	to.Int32(int32(factor.Num))
	to.Int32(int32(factor.Den))
	to.Bool(t.OnEarlier)
	to.Bool(t.Other)
}
