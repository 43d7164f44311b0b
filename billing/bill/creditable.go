package bill

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// LeftLine is a bill's line with what credit notes have left of it.
type LeftLine struct {
	Line
	NetLeft, TaxLeft money.Amount
}

// gross is what is left of the line with its tax.
func (l LeftLine) gross() money.Decimal { return l.NetLeft.Decimal().Add(l.TaxLeft.Decimal()) }

// Creditable is what of a bill can still be credited.
type Creditable struct {
	Document Document
	Lines    []LeftLine // without allowances, which have no amount
	Left     money.Amount
}

// credited sums what final credit notes of a bill took off each line.
const credited = `
	select coalesce(l.corrects_no, 0), sum(l.net), sum(l.tax)
	  from bill n
	  join bill_line l on l.bill_id = n.id
	 where n.corrects = $1 and n.kind = 'credit_note' and n.state = 'final'
	 group by 1`

// GetCreditable reads what of a bill, debit note or advance bill can still be
// credited. Of a void document nothing can.
func GetCreditable(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Creditable, error) {
	d, err := GetDocument(ctx, tx, id)
	if err != nil {
		return Creditable{}, err
	}
	rows, err := tx.Query(ctx, credited, id)
	if err != nil {
		return Creditable{}, fmt.Errorf("read credit of %s: %w", d.Number, err)
	}
	type amounts struct{ net, tax money.Decimal }
	taken := map[int]amounts{}
	var no int
	var net, tax money.Decimal
	for rows.Next() {
		if err := rows.Scan(&no, &net, &tax); err != nil {
			rows.Close()
			return Creditable{}, fmt.Errorf("read credit of %s: %w", d.Number, err)
		}
		taken[no] = amounts{net, tax}
	}
	if err := rows.Err(); err != nil {
		return Creditable{}, fmt.Errorf("read credit of %s: %w", d.Number, err)
	}
	c := Creditable{Document: d, Left: money.Zero(d.Currency)}
	left := money.Decimal{}
	for _, l := range d.Lines {
		if l.Kind == Allowance || l.Net.IsZero() && l.Tax.IsZero() {
			continue
		}
		rest := LeftLine{
			Line:    l,
			NetLeft: money.New(l.Net.Decimal().Sub(taken[l.No].net), d.Currency),
			TaxLeft: money.New(l.Tax.Decimal().Sub(taken[l.No].tax), d.Currency),
		}
		c.Lines = append(c.Lines, rest)
		left = left.Add(rest.gross())
	}
	if d.State == Final && d.Kind.asks() {
		c.Left = money.New(left, d.Currency)
	}
	return c, nil
}
