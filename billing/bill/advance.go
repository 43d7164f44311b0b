package bill

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// NewAdvance asks for a bill before the service: a taxed one, whose lines are
// deducted from the bill of the service.
type NewAdvance struct {
	ID        uuid.UUID // of the command, and of the document: a repeat changes nothing; Nil takes a new one
	AccountID uuid.UUID
	Period    calendar.Period // of the service
	Lines     []AdvanceLine
	By        string
}

// AdvanceLine is what is billed in advance.
type AdvanceLine struct {
	Description string
	Amount      money.Amount // as the operator writes prices
	Category    string       // of tax; empty: standard
}

// advanceCode marks the lines of advance bills and of their deduction; the
// control sum of advances goes by it.
const advanceCode = "advance"

// BillAhead writes an advance bill and puts its deduction onto the bill of the
// cycle in which the service begins, or a later one.
func BillAhead(ctx context.Context, tx tenant.Tx, n NewAdvance) (Bill, error) {
	a, err := account.Lock(ctx, tx, n.AccountID)
	if err != nil {
		return Bill{}, err
	}
	if n.ID == uuid.Nil {
		n.ID = uuid.Must(uuid.NewV7())
	} else if known, err := Get(ctx, tx, n.ID); !errors.Is(err, ErrNotFound) {
		if err == nil && (known.AccountID != a.ID || known.Kind != KindAdvance) {
			err = ErrNoteID
		}
		return known, err
	}
	if a.Kind == account.Prepaid {
		return Bill{}, ErrPrepaidItem
	}
	w := &noteWriter{account: a, at: tx.At}
	if err := w.load(ctx, tx, uuid.Nil); err != nil {
		return Bill{}, err
	}
	if err := w.blank(ctx, tx, n); err != nil {
		return Bill{}, err
	}
	if err := w.rate(ctx, tx); err != nil {
		return Bill{}, err
	}
	w.doc.PaidBefore, w.doc.Due = money.Zero(a.Currency), w.doc.Total
	if err := w.issue(ctx, tx); err != nil {
		return Bill{}, err
	}
	if err := w.ask(ctx, tx, ledger.Bill, ledger.General(ledger.Advance)); err != nil {
		return Bill{}, err
	}
	if err := w.deduct(ctx, tx, n.By); err != nil {
		return Bill{}, err
	}
	b := w.note(money.Decimal{}).Bill
	b.Open = b.Total
	return b, w.tell(ctx, tx)
}

// blank is the document before its taxes.
func (w *noteWriter) blank(ctx context.Context, tx tenant.Tx, n NewAdvance) error {
	wrong := func(field, want string) error { return &account.FieldError{Field: field, Want: want} }
	if n.Period.From.IsZero() || !n.Period.From.Before(n.Period.To) || n.Period.To.Before(w.profile.LocalDate(w.at)) {
		return wrong("period", "days of a service to come, the last not before the first")
	}
	if len(n.Lines) == 0 || len(n.Lines) > 100 {
		return wrong("lines", "1 to 100 lines")
	}
	f, err := loadFrame(ctx, tx)
	if err != nil {
		return err
	}
	o := &openCycle{dueAccount: dueAccount{ID: w.account.ID, Number: w.account.Number, Kind: w.account.Kind, Currency: w.account.Currency,
		Cycle: n.Period, Entity: w.account.LegalEntity, Branch: w.account.Branch}}
	err = tx.QueryRow(ctx, `select name, address, tax_id, language from party where id = $1`, w.account.PartyID).Scan(&o.Name, &o.Address, &o.TaxID, &o.Language)
	if err != nil {
		return fmt.Errorf("read party: %w", err)
	}
	w.doc = f.blank(o)
	w.doc.ID, w.doc.Kind, w.doc.State = n.ID, KindAdvance, Final
	w.doc.Locale = locale.Locale{Language: o.Language, Country: w.profile.Country}
	w.doc.Basis = tax.BasisOf(w.profile.PricesIncludeTax)
	for i, l := range n.Lines {
		if l.Description == "" || len([]rune(l.Description)) > 200 {
			return wrong(fmt.Sprintf("lines[%d].description", i), "1 to 200 characters")
		}
		if l.Amount.Currency() != w.account.Currency {
			return money.ErrCurrencyMismatch
		}
		if l.Amount.Sign() <= 0 || !l.Amount.RoundToDocument().Decimal().Equal(l.Amount.Decimal()) {
			return wrong(fmt.Sprintf("lines[%d].amount", i), "an amount above zero, no finer than bills are")
		}
		if l.Category == "" {
			l.Category = standardCategory
		}
		w.doc.Lines = append(w.doc.Lines, Line{No: i + 1, Kind: OneTime, Code: advanceCode, Description: l.Description, Period: n.Period,
			Quantity: money.NewDecimal(1), Unit: UnitFee, Category: l.Category, Price: l.Amount})
	}
	return nil
}

var deduction = map[string]string{
	"en": "Billed in advance by %s: %s",
	"id": "Ditagih di muka dengan %s: %s",
	"ru": "Выставлено авансом по %s: %s",
}

// deduct puts what takes the lines off again onto the bill of the service.
func (w *noteWriter) deduct(ctx context.Context, tx tenant.Tx, by string) error {
	var items []Item
	for _, l := range w.doc.Lines {
		words := map[string]string{}
		for language, text := range deduction {
			words[language] = shortened(fmt.Sprintf(text, w.doc.Number, l.Description), 200)
		}
		items = append(items, Item{
			Account: w.account.ID, Kind: ItemAdvance, Code: advanceCode, Words: words, Period: l.Period, Price: l.Price.Neg(), Category: l.Category,
			From: Source{Ledger: ledger.General(ledger.Advance)}, Of: &LineRef{w.doc.ID, l.No},
			Cause: Cause{"advance", uuid.NewSHA1(w.doc.ID, fmt.Appendf(nil, "%d", l.No))}, DueFrom: l.Period.From, By: by,
		})
	}
	_, err := AddItems(ctx, tx, items)
	return err
}

// shortened cuts a text to so many bytes, at a character.
func shortened(s string, size int) string {
	if len(s) <= size {
		return s
	}
	runes := []rune(s)
	for len(string(runes)) > size-len("…") {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

// undeduct takes the deduction of credited lines of an advance bill back, as
// far as no bill has taken it.
func undeduct(ctx context.Context, tx tenant.Tx, advance uuid.UUID, lines []Line) error {
	for _, l := range lines {
		if l.Corrects == 0 {
			continue
		}
		var id uuid.UUID
		var left money.Decimal
		err := tx.QueryRow(ctx, `select id, price + $3 from bill_item where of_bill = $1 and of_line = $2 and kind = 'advance' and bill_id is null for update`,
			advance, l.Corrects, l.Price.Decimal()).Scan(&id, &left)
		if err != nil {
			return fmt.Errorf("deduction of line %d: %w", l.Corrects, err)
		}
		if left.IsZero() {
			err = DropItem(ctx, tx, id)
		} else {
			_, err = tx.Exec(ctx, `update bill_item set price = $2 where id = $1`, id, left)
		}
		if err != nil {
			return fmt.Errorf("deduction of line %d: %w", l.Corrects, err)
		}
	}
	return nil
}

// Advances lists an account's advance bills, the latest first.
func Advances(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, limit int) ([]Bill, error) {
	rows, err := tx.Query(ctx, selectBills+` where b.account_id = $1 and b.kind = 'advance' order by b.closed_at desc, b.id desc limit $2`, accountID, limit)
	if err != nil {
		return nil, fmt.Errorf("list advance bills: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanBill)
	if err != nil {
		return nil, fmt.Errorf("list advance bills: %w", err)
	}
	return list, nil
}
