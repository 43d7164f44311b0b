package bill

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// NewDebit asks for a debit note: what a bill asked too little for.
type NewDebit struct {
	ID     uuid.UUID // of the command, and of the note: a repeat changes nothing; Nil takes a new one
	BillID uuid.UUID
	Lines  []DebitLine
	Reason string
	By     string
}

// DebitLine is an additional charge.
type DebitLine struct {
	No          int // the bill's line that it adds to; 0: none
	Description string
	Amount      money.Amount // as the bill writes prices, above zero
	Category    string       // of tax; empty: the corrected line's
}

// Debit writes a debit note with an open item of its own. Its rates are those
// of the day on which the corrected period ended.
func Debit(ctx context.Context, tx tenant.Tx, n NewDebit) (Note, error) {
	w, known, err := beginNote(ctx, tx, n.ID, n.BillID, KindDebitNote, n.Reason)
	if err != nil || known != nil {
		return w.told(known), err
	}
	d, err := GetDocument(ctx, tx, n.BillID)
	if err != nil {
		return Note{}, err
	}
	w.noteOf(d)
	if len(n.Lines) == 0 {
		return Note{}, ErrNoteAmount
	}
	for _, l := range n.Lines {
		line, err := l.line(d, len(w.doc.Lines)+1)
		if err != nil {
			return Note{}, fmt.Errorf("debit %s: %w", d.Number, err)
		}
		w.doc.Lines = append(w.doc.Lines, line)
	}
	if err := w.rate(ctx, tx); err != nil {
		return Note{}, fmt.Errorf("debit %s: %w", d.Number, err)
	}
	w.doc.Due = w.doc.Total
	if err := w.issue(ctx, tx); err != nil {
		return Note{}, err
	}
	if err := w.ask(ctx, tx, ledger.DebitNote, w.income()); err != nil {
		return Note{}, err
	}
	return w.note(money.Decimal{}), w.tell(ctx, tx)
}

func (l DebitLine) line(d Document, no int) (Line, error) {
	of := Line{Kind: OneTime, Code: "debit", Category: l.Category, Period: d.Period}
	if l.No != 0 {
		found := false
		for _, known := range d.Lines {
			if known.No == l.No && known.Kind != Allowance {
				of, found = known, true
			}
		}
		if !found {
			return Line{}, fmt.Errorf("line %d: %w", l.No, ErrNoteLine)
		}
		if l.Category != "" {
			of.Category = l.Category
		}
	}
	if l.Description != "" {
		of.Description = l.Description
	}
	if of.Description == "" || of.Category == "" {
		return Line{}, fmt.Errorf("line %d: %w", no, ErrDebitLine)
	}
	if l.Amount.Currency() != d.Currency {
		return Line{}, fmt.Errorf("line %d: %w", no, money.ErrCurrencyMismatch)
	}
	if l.Amount.Sign() <= 0 || !l.Amount.RoundToDocument().Decimal().Equal(l.Amount.Decimal()) {
		return Line{}, fmt.Errorf("line %d: %w", no, ErrNoteAmount)
	}
	of.No, of.Corrects, of.Quantity, of.Unit, of.Events, of.Price = no, l.No, money.NewDecimal(1), UnitFee, 0, l.Amount
	return of, nil
}

// rate gives the lines their tax and the document its sums.
func (w *noteWriter) rate(ctx context.Context, tx tenant.Tx) error {
	rates, err := tax.Load(ctx, tx)
	if err != nil {
		return err
	}
	buyers, err := tax.Buyers(ctx, tx, w.account.ID)
	if err != nil {
		return err
	}
	regime := rates.For(buyers[w.account.ID])
	d := &w.doc
	var sums tax.Totals
	if rates.Settings.Engine != "" {
		if sums, err = w.outside(ctx, tx, rates, buyers[w.account.ID]); err != nil {
			return err
		}
		return w.take(sums)
	}
	lines := make([]tax.Line, len(d.Lines))
	for i, l := range d.Lines {
		day := d.Period.To.AddDays(-1)
		if !l.Period.To.IsZero() {
			day = l.Period.To.AddDays(-1)
		}
		rate, err := regime.At(l.Category, day)
		if err != nil {
			return fmt.Errorf("line %d: %w", l.No, err)
		}
		lines[i] = tax.Line{Amount: l.Price, Rate: rate}
	}
	if sums, err = rates.Settings.Total(lines, d.Basis, d.Currency, d.Currency.DocumentDigits()); err != nil {
		return err
	}
	return w.take(sums)
}

// take gives the document's lines what tax came to.
func (w *noteWriter) take(sums tax.Totals) error {
	d := &w.doc
	for i := range d.Lines {
		d.Lines[i].Net, d.Lines[i].Tax, d.Lines[i].TaxGroup = sums.Lines[i].Net, sums.Lines[i].Tax, sums.Groups[i]+1
		d.Lines[i].Percent = sums.Subtotals[sums.Groups[i]].Rate.Percent
	}
	return d.SumUp(sums)
}

// ask makes the document's open item and posts what is asked for.
func (w *noteWriter) ask(ctx context.Context, tx tenant.Tx, kind ledger.EventKind, income ledger.Account) error {
	d := &w.doc
	_, err := tx.Exec(ctx, `insert into open_item (id, account_id, bill_id, currency, amount, open, due_date, created_at)
		values ($1, $2, $3, $4, $5, $5, $6, $7)`,
		uuid.Must(uuid.NewV7()), w.account.ID, d.ID, d.Currency, d.Total.Decimal(), d.DueDate, w.at)
	if err != nil {
		return fmt.Errorf("open item of %s: %w", d.Number, err)
	}
	post := &poster{account: w.account.ID, unit: d.Currency.Unit()}
	receivable := ledger.Of(ledger.Receivable, w.account.ID)
	post.move(receivable, income, d.Net.Decimal())
	post.move(receivable, ledger.General(ledger.Tax), d.Tax.Decimal())
	post.move(receivable, ledger.General(ledger.Rounding), d.Rounding.Decimal())
	if err := ledger.Post(ctx, tx, w.event(kind, d.ID), post.transfers); err != nil {
		return fmt.Errorf("post %s: %w", d.Number, err)
	}
	return reviewDebt(ctx, tx, w.account.ID)
}
