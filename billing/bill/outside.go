package bill

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// Outside is what a closing knows of the outside tax engine. Asking it is no
// part of a transaction: what has not been answered yet is handed out, and the
// account's turn comes again.
type Outside struct {
	// Ask takes a question that nobody has asked the engine yet.
	Ask func(s tax.Sale)
	// Refused are questions that the engine was asked and has not answered, with
	// why: their accounts cannot be closed now.
	Refused map[uuid.UUID]error
}

// ExclusiveOnly refuses an operator whose prices include tax: an engine adds it.
func ExclusiveOnly(ctx context.Context, tx tenant.Tx) error {
	profile, err := account.GetProfile(ctx, tx)
	if err == nil && profile.PricesIncludeTax {
		err = tax.ErrEngineBasis
	}
	return err
}

// outsideTax says whether a document is taxed by the outside engine: bills are;
// what is paid from a balance has been taxed when it was used.
func (f *frame) outsideTax(kind Kind) bool {
	return f.rates.Settings.Engine != "" && kind != KindStatement
}

// loadQuotes reads what the engine has answered for the cycles' accounts.
func (f *frame) loadQuotes(ctx context.Context, tx tenant.Tx, ids []uuid.UUID) (err error) {
	if f.rates.Settings.Engine != "" {
		f.quotes, err = tax.QuotesOf(ctx, tx, ids...)
	}
	return err
}

// quoted are a closing's sums by the engine's answer; at are the entries that
// are taxed. *tax.Unquoted where it has not been asked.
func (f *frame) quoted(c *closing, at []int) (tax.Totals, error) {
	if c.doc.Basis != tax.Exclusive {
		return tax.Totals{}, tax.ErrEngineBasis
	}
	buyer := tax.SaleParty{Address: c.Address, TaxID: c.TaxID}
	if c.Taxed != nil {
		buyer.Business, buyer.Exempt = c.Taxed.Business, c.Taxed.Exempt
	}
	s := tax.Sale{Account: c.ID, Customer: c.Number, Document: string(c.doc.Kind), Date: c.Cycle.To.AddDays(-1), Currency: c.Currency,
		Seller: f.sellers[c.Entity].party(), Buyer: buyer}
	sum := money.Decimal{}
	for _, i := range at {
		e := &c.entries[i]
		known, _ := f.rates.Category(e.Category)
		s.Lines = append(s.Lines, tax.SaleLine{No: e.No, Category: e.Category, Service: known.Service, Code: e.Code, Day: c.taxDay(e), Amount: e.Price.Decimal()})
		sum = sum.Add(e.Price.Decimal())
	}
	if len(s.Lines) == 0 {
		return f.rates.Settings.Total(nil, tax.Exclusive, c.Currency, c.Currency.DocumentDigits())
	}
	if sum.Sign() < 0 {
		return tax.Totals{}, fmt.Errorf("%s: %w", sum, ErrNegativeTotal)
	}
	return f.answered(&c.doc, s)
}

// answered takes the answer to a question into a document.
func (f *frame) answered(d *Document, s tax.Sale) (tax.Totals, error) {
	q, err := f.quotes.Find(s)
	if err != nil {
		if key, keyErr := s.Key(); keyErr == nil && f.outside.Refused[key] != nil {
			return tax.Totals{}, f.outside.Refused[key]
		}
		return tax.Totals{}, err
	}
	d.Quote = &q
	return q.Totals(s)
}

func (s Seller) party() tax.SaleParty {
	return tax.SaleParty{Address: s.Address, TaxID: s.TaxID, Business: true}
}

// unasked hands a question out that has to be asked before the account's turn
// comes again; false where an error is another.
func (f *frame) unasked(err error) bool {
	var missing *tax.Unquoted
	if f.outside.Ask == nil || !errors.As(err, &missing) {
		return false
	}
	f.outside.Ask(missing.Sale)
	return true
}

// forgetQuotes drops the answers that documents have taken.
func (b *batch) forgetQuotes(ctx context.Context, tx tenant.Tx) error {
	if b.frame.rates.Settings.Engine == "" || len(b.closed) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(b.closed))
	for i, c := range b.closed {
		ids[i] = c.ID
	}
	return tax.ForgetQuotes(ctx, tx, ids)
}

// outside rates a document that is no cycle's by the engine. The answer to its
// question must have been kept before.
func (w *noteWriter) outside(ctx context.Context, tx tenant.Tx, rates tax.Table, buyer *tax.Buyer) (tax.Totals, error) {
	d := &w.doc
	if d.Basis != tax.Exclusive {
		return tax.Totals{}, tax.ErrEngineBasis
	}
	f := &frame{rates: rates}
	if err := f.loadQuotes(ctx, tx, []uuid.UUID{w.account.ID}); err != nil {
		return tax.Totals{}, err
	}
	s := tax.Sale{Account: w.account.ID, Customer: w.account.Number, Document: string(d.Kind), Date: d.Period.To.AddDays(-1), Currency: d.Currency,
		Seller: d.Seller.party(), Buyer: tax.SaleParty{Address: d.Buyer.Address, TaxID: d.Buyer.TaxID}}
	if buyer != nil {
		s.Buyer.Business, s.Buyer.Exempt = buyer.Business, buyer.Exempt
	}
	for _, l := range d.Lines {
		known, _ := rates.Category(l.Category)
		line := tax.SaleLine{No: l.No, Category: l.Category, Service: known.Service, Code: l.Code, Day: s.Date, Amount: l.Price.Decimal()}
		if !l.Period.To.IsZero() {
			line.Day = l.Period.To.AddDays(-1)
		}
		s.Lines = append(s.Lines, line)
	}
	return f.answered(d, s)
}

// SampleSale is a question for trying an engine: one fee of 10 in the seller's
// own town.
func SampleSale(ctx context.Context, tx tenant.Tx) (tax.Sale, error) {
	f, err := loadFrame(ctx, tx)
	if err != nil {
		return tax.Sale{}, err
	}
	today := f.profile.LocalDate(tx.At)
	s := tax.Sale{Customer: "TEST", Document: "test", Date: today, Currency: f.profile.Currency}
	for _, seller := range f.sellers {
		if seller.isDefault {
			s.Seller, s.Buyer = seller.party(), tax.SaleParty{Address: seller.Address}
		}
	}
	s.Lines = []tax.SaleLine{{No: 1, Category: standardCategory, Service: tax.Telecom, Code: "test", Day: today, Amount: money.NewDecimal(10)}}
	return s, nil
}
