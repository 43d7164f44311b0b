package bill

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tax"
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
	var net, vat money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&no, &net, &vat}, func() error {
		taken[no] = amounts{net, vat}
		return nil
	})
	if err != nil {
		return Creditable{}, fmt.Errorf("read credit of %s: %w", d.Number, err)
	}
	given, err := givenBack(ctx, tx, id)
	if err != nil {
		return Creditable{}, err
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
		if err := rest.less(given[l.No], d.Basis); err != nil {
			return Creditable{}, fmt.Errorf("read credit of %s: %w", d.Number, err)
		}
		c.Lines = append(c.Lines, rest)
		left = left.Add(rest.gross())
	}
	if d.State == Final && d.Kind.asks() {
		c.Left = money.New(left, d.Currency)
	}
	return c, nil
}

// givenBack sums what later bills give back, or are going to, of a bill's
// lines, as prices are written (bill_item_of). What of an advance bill waits to
// be deducted is not given back yet.
func givenBack(ctx context.Context, tx tenant.Tx, id uuid.UUID) (map[int]money.Decimal, error) {
	rows, err := tx.Query(ctx, `select of_line, -sum(price) from bill_item where of_bill = $1 and price < 0 and (kind <> 'advance' or bill_id is not null) group by of_line`, id)
	if err != nil {
		return nil, fmt.Errorf("read items that give back: %w", err)
	}
	given := map[int]money.Decimal{}
	var no int
	var sum money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&no, &sum}, func() error {
		given[no] = sum
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read items that give back: %w", err)
	}
	return given, nil
}

// less takes off what a later bill gives back of the line.
func (l *LeftLine) less(price money.Decimal, basis tax.Basis) error {
	whole := l.Price.Decimal()
	if price.IsZero() || whole.IsZero() {
		return nil
	}
	part, err := l.Tax.MulDiv(price, whole, l.Price.Currency().DocumentDigits(), money.HalfAwayFromZero)
	if err != nil {
		return err
	}
	net := price
	if basis == tax.Inclusive {
		net = price.Sub(part.Decimal())
	}
	l.NetLeft = money.New(l.NetLeft.Decimal().Sub(net), l.Price.Currency())
	l.TaxLeft = money.New(l.TaxLeft.Decimal().Sub(part.Decimal()), l.Price.Currency())
	return nil
}
