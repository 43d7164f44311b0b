package bill

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// NewInstalments asks for what is open on a bill to be paid in parts.
type NewInstalments struct {
	BillID uuid.UUID
	Due    []calendar.Date // of each part, one after the other
	Fee    *money.Amount   // for it, as the operator writes prices; nil: none. It stands on the next bill
	Words  map[string]string
	By     string
}

// Instalment is a part of a bill with a due date of its own.
type Instalment struct {
	OpenItemID uuid.UUID
	No         int
	Amount     money.Amount
	Open       money.Amount
	DueDate    calendar.Date
}

// ErrInstalments means that a bill is in parts already, or has nothing open.
var ErrInstalments = errors.New("only a bill that is open, and in one part, can be paid by instalments")

// maxInstalments bounds the parts of a bill: three years by the month.
const maxInstalments = 36

// Instal parts what is open on a bill into as many parts as there are dates, as
// equal as the currency allows, the first ones a unit more. What was paid stays
// with the first part. Reminders see each part by itself.
func Instal(ctx context.Context, tx tenant.Tx, n NewInstalments) ([]Instalment, error) {
	a, head, err := lockAccountOf(ctx, tx, n.BillID)
	if err != nil {
		return nil, err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	if err := checkDates(n.Due, profile.LocalDate(tx.At)); err != nil {
		return nil, err
	}
	if head.State != Final || !head.Kind.asks() {
		return nil, fmt.Errorf("bill %s: %w", head.Number, ErrInstalments)
	}
	if _, err := tx.Exec(ctx, `select id from open_item where bill_id = $1 order by id for no key update`, n.BillID); err != nil {
		return nil, fmt.Errorf("lock open items: %w", err)
	}
	whole, err := InstalmentsOf(ctx, tx, n.BillID)
	if err != nil {
		return nil, err
	}
	if len(whole) != 1 || whole[0].No != 0 || whole[0].Open.Sign() <= 0 {
		return nil, fmt.Errorf("bill %s: %w", head.Number, ErrInstalments)
	}
	weights := make([]money.Decimal, len(n.Due))
	for i := range weights {
		weights[i] = money.NewDecimal(1)
	}
	parts, err := whole[0].Open.Split(weights, a.Currency.DocumentDigits())
	if err != nil {
		return nil, err
	}
	if parts[len(parts)-1].Sign() <= 0 {
		return nil, &account.FieldError{Field: "due", Want: "fewer parts: each is above zero"}
	}
	if err := writeParts(ctx, tx, head, whole[0], parts, n.Due); err != nil {
		return nil, fmt.Errorf("part bill %s: %w", head.Number, err)
	}
	if n.Fee != nil && n.Fee.Sign() > 0 {
		_, err := AddItem(ctx, tx, Item{Account: a.ID, Kind: ItemInstalment, Code: "instalment-fee", Words: instalmentWords(n.Words, head.Number), Price: *n.Fee,
			Cause: Cause{"instalments", head.ID}, By: n.By})
		if err != nil {
			return nil, err
		}
	}
	if err := reviewDebt(ctx, tx, a.ID); err != nil {
		return nil, err
	}
	return InstalmentsOf(ctx, tx, n.BillID)
}

func writeParts(ctx context.Context, tx tenant.Tx, head Bill, whole Instalment, parts []money.Amount, due []calendar.Date) error {
	paid := whole.Amount.Decimal().Sub(whole.Open.Decimal())
	done, err := tx.Exec(ctx, `update open_item set part = 1, amount = $2, open = $3, due_date = $4, `+KeepPast(5)+` where id = $1`,
		whole.OpenItemID, paid.Add(parts[0].Decimal()), parts[0].Decimal(), due[0], tx.At)
	if err != nil {
		return err
	}
	if done.RowsAffected() != 1 {
		return ErrNoItemOpen
	}
	for i := 1; i < len(parts); i++ {
		_, err := tx.Exec(ctx, `insert into open_item (id, account_id, bill_id, currency, amount, open, due_date, created_at, part)
			values ($1, $2, $3, $4, $5, $5, $6, $7, $8)`,
			uuid.Must(uuid.NewV7()), head.AccountID, head.ID, parts[i].Currency(), parts[i].Decimal(), due[i], tx.At, i+1)
		if err != nil {
			return err
		}
	}
	return nil
}

// checkDates refuses due dates that are past, out of order or too many.
func checkDates(due []calendar.Date, today calendar.Date) error {
	if len(due) < 2 || len(due) > maxInstalments {
		return &account.FieldError{Field: "due", Want: fmt.Sprintf("2 to %d dates", maxInstalments)}
	}
	before := today.AddDays(-1)
	for i, d := range due {
		if !d.After(before) || d.After(today.AddMonths(12*10)) {
			return &account.FieldError{Field: fmt.Sprintf("due[%d]", i), Want: "dates from today on, each after the one before"}
		}
		before = d
	}
	return nil
}

var instalmentFee = map[string]string{
	"en": "Fee for paying bill %s by instalments",
	"id": "Biaya cicilan tagihan %s",
	"ru": "Плата за рассрочку по счёту %s",
}

func instalmentWords(words map[string]string, number string) map[string]string {
	if len(words) > 0 {
		return words
	}
	words = map[string]string{}
	for language, text := range instalmentFee {
		words[language] = fmt.Sprintf(text, number)
	}
	return words
}

// CallIn ends a bill's instalments: all that is open is due today, as when one
// was missed.
func CallIn(ctx context.Context, tx tenant.Tx, billID uuid.UUID) ([]Instalment, error) {
	_, head, err := lockAccountOf(ctx, tx, billID)
	if err != nil {
		return nil, err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, `select id from open_item where bill_id = $1 order by id for no key update`, billID); err != nil {
		return nil, fmt.Errorf("lock open items: %w", err)
	}
	today := profile.LocalDate(tx.At)
	_, err = tx.Exec(ctx, `update open_item set due_date = $2, `+KeepPast(3)+` where bill_id = $1 and part > 0 and open > 0 and due_date > $2`, billID, today, tx.At)
	if err != nil {
		return nil, fmt.Errorf("call in bill %s: %w", head.Number, err)
	}
	if err := reviewDebt(ctx, tx, head.AccountID); err != nil {
		return nil, err
	}
	return InstalmentsOf(ctx, tx, billID)
}

// InstalmentsOf lists what is owed on a bill, part by part: one with number 0
// where it is not paid by instalments.
func InstalmentsOf(ctx context.Context, tx tenant.Tx, billID uuid.UUID) ([]Instalment, error) {
	rows, err := tx.Query(ctx, `select id, part, amount, open, currency, due_date from open_item where bill_id = $1 order by part`, billID)
	if err != nil {
		return nil, fmt.Errorf("read instalments: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (i Instalment, err error) {
		var currency money.Currency
		var amount, open money.Decimal
		err = row.Scan(&i.OpenItemID, &i.No, &amount, &open, &currency, &i.DueDate)
		i.Amount, i.Open = money.New(amount, currency), money.New(open, currency)
		return i, err
	})
	if err != nil {
		return nil, fmt.Errorf("read instalments: %w", err)
	}
	return list, nil
}
