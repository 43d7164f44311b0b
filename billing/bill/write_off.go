package bill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// WriteOff is debt that nobody expects to be paid.
type WriteOff struct {
	ID         uuid.UUID
	AccountID  uuid.UUID
	OpenItemID uuid.UUID
	BillID     uuid.UUID // uuid.Nil: of a document from before us
	Amount     money.Amount
	Tax        money.Amount // of it, claimed back with the relief for bad debt
	Reversed   money.Amount // of it, owed again
	Reason     string
	At         time.Time
	By         string
}

// NewWriteOff asks for what is open to be written off.
type NewWriteOff struct {
	ID         uuid.UUID // of the command: a repeat changes nothing; Nil takes a new one
	OpenItemID uuid.UUID
	Amount     *money.Amount // nil: all that is open
	Reason     string
	By         string
}

// Why debt cannot be written off, or not be taken back.
var (
	ErrNoItemOpen = errors.New("no such open item")
	ErrWriteOff   = errors.New("no more than is open can be written off, and no more than was written off taken back")
	ErrNoWriteOff = errors.New("no such write-off")
)

// WriteDebtOff writes an open item off, in whole or in part: its net is a loss;
// with the relief that the rules claim, its part of the bill's tax is not owed
// to the state. The bill still says what it said.
func WriteDebtOff(ctx context.Context, tx tenant.Tx, n NewWriteOff) (WriteOff, error) {
	reason, err := checkReason(n.Reason)
	if err != nil {
		return WriteOff{}, err
	}
	a, i, err := lockDebt(ctx, tx, n.OpenItemID)
	if err != nil {
		return WriteOff{}, err
	}
	if n.ID == uuid.Nil {
		n.ID = uuid.Must(uuid.NewV7())
	} else if known, err := getWriteOff(ctx, tx, n.ID); err == nil {
		if known.OpenItemID != n.OpenItemID {
			return WriteOff{}, ErrNoteID
		}
		return known, nil
	} else if !errors.Is(err, ErrNoWriteOff) {
		return WriteOff{}, err
	}
	amount := i.open
	if n.Amount != nil {
		if n.Amount.Currency() != a.Currency {
			return WriteOff{}, money.ErrCurrencyMismatch
		}
		amount = n.Amount.Decimal()
	}
	if amount.Sign() <= 0 || amount.Cmp(i.open) > 0 || !money.New(amount, a.Currency).RoundToDocument().Decimal().Equal(amount) {
		return WriteOff{}, fmt.Errorf("%s of %s: %w", amount, i.open, ErrWriteOff)
	}
	w := WriteOff{ID: n.ID, AccountID: a.ID, OpenItemID: n.OpenItemID, BillID: i.bill, Amount: money.New(amount, a.Currency),
		Reversed: money.Zero(a.Currency), Reason: reason, At: tx.At, By: n.By}
	rules, err := GetRules(ctx, tx)
	if err != nil {
		return WriteOff{}, err
	}
	relief := money.Decimal{}
	if rules.TaxRelief && i.total.Sign() > 0 {
		if relief, err = amount.MulDiv(i.tax, i.total, a.Currency.DocumentDigits(), money.HalfAwayFromZero); err != nil {
			return WriteOff{}, err
		}
	}
	w.Tax = money.New(relief, a.Currency)
	_, err = tx.Exec(ctx, `insert into write_off (id, account_id, open_item_id, currency, amount, tax, reason, at, created_by)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, w.ID, a.ID, w.OpenItemID, a.Currency, amount, relief, reason, w.At, w.By)
	if err != nil {
		return WriteOff{}, fmt.Errorf("keep write-off: %w", err)
	}
	return w, w.book(ctx, tx, a, amount, relief)
}

// book lowers what is open by an amount, or raises it by a negative one, and
// posts the loss and the relief.
func (w WriteOff) book(ctx context.Context, tx tenant.Tx, a account.Account, amount, relief money.Decimal) error {
	done, err := tx.Exec(ctx, `update open_item set open = open - $2, `+KeepPast(3)+` where id = $1`, w.OpenItemID, amount, tx.At)
	if err == nil && done.RowsAffected() != 1 {
		err = ErrNoItemOpen
	}
	if err != nil {
		return fmt.Errorf("write off: %w", err)
	}
	post := &poster{account: a.ID, unit: a.Currency.Unit()}
	receivable := ledger.Of(ledger.Receivable, a.ID)
	post.move(ledger.General(ledger.WriteOff), receivable, amount.Sub(relief))
	post.move(ledger.General(ledger.Tax), receivable, relief)
	event := ledger.Event{Kind: ledger.Writing, ID: w.ID, At: tx.At, LegalEntity: a.LegalEntity, Branch: a.Branch}
	if err := ledger.Post(ctx, tx, event, post.transfers); err != nil {
		return fmt.Errorf("post write-off: %w", err)
	}
	return reviewDebt(ctx, tx, a.ID)
}

// TakeBackWriteOff lets written-off debt be owed again, as when it is paid
// after all: all that is left of it, or an amount.
func TakeBackWriteOff(ctx context.Context, tx tenant.Tx, id uuid.UUID, amount *money.Amount) (WriteOff, error) {
	w, err := getWriteOff(ctx, tx, id)
	if err != nil {
		return WriteOff{}, err
	}
	a, _, err := lockDebt(ctx, tx, w.OpenItemID)
	if err != nil {
		return WriteOff{}, err
	}
	if w, err = getWriteOff(ctx, tx, id); err != nil { // as it is under the lock
		return WriteOff{}, err
	}
	left := w.Amount.Decimal().Sub(w.Reversed.Decimal())
	back := left
	if amount != nil {
		back = amount.Decimal()
	}
	if left.IsZero() && amount == nil {
		return w, nil
	}
	if back.Sign() <= 0 || back.Cmp(left) > 0 {
		return WriteOff{}, fmt.Errorf("%s of %s: %w", back, left, ErrWriteOff)
	}
	var taxLeft money.Decimal
	if err := tx.QueryRow(ctx, `select tax - tax_reversed from write_off where id = $1`, id).Scan(&taxLeft); err != nil {
		return WriteOff{}, fmt.Errorf("read write-off: %w", err)
	}
	relief, err := taxLeft.MulDiv(back, left, a.Currency.DocumentDigits(), money.HalfAwayFromZero) // the last takes the rest
	if err != nil {
		return WriteOff{}, err
	}
	var batch pgx.Batch
	batch.Queue(`update write_off set reversed = reversed + $2, tax_reversed = tax_reversed + $3 where id = $1`, id, back, relief)
	if err := oneRowEach(ctx, tx, &batch); err != nil {
		return WriteOff{}, fmt.Errorf("take write-off back: %w", err)
	}
	w.Reversed = money.New(w.Reversed.Decimal().Add(back), a.Currency)
	return w, w.book(ctx, tx, a, back.Neg(), relief.Neg())
}

// Recover takes write-offs of open items back, the latest first, as far as an
// amount that has come for them asks for more than is open. The account is
// locked.
func Recover(ctx context.Context, tx tenant.Tx, items []uuid.UUID, paid money.Amount) error {
	more := paid.Decimal()
	for _, id := range items {
		list, err := writeOffs(ctx, tx, ` where w.open_item_id = $1 and w.reversed < w.amount order by w.at desc, w.id desc`, id)
		if err != nil {
			return err
		}
		if len(list) == 0 && len(items) == 1 {
			return nil
		}
		var open money.Decimal
		if err := tx.QueryRow(ctx, `select open from open_item where id = $1`, id).Scan(&open); err != nil {
			return fmt.Errorf("read open item: %w", err)
		}
		more = more.Sub(open)
		for _, w := range list {
			part := w.Amount.Decimal().Sub(w.Reversed.Decimal())
			if more.Cmp(part) < 0 {
				part = more
			}
			if part.Sign() <= 0 {
				break
			}
			amount := money.New(part, paid.Currency())
			if _, err := TakeBackWriteOff(ctx, tx, w.ID, &amount); err != nil {
				return err
			}
			more = more.Sub(part)
		}
	}
	return nil
}

// debt is an open item with the taxes of its document.
type debt struct {
	bill             uuid.UUID
	open, tax, total money.Decimal
}

// lockDebt locks an open item's account, then the item.
func lockDebt(ctx context.Context, tx tenant.Tx, id uuid.UUID) (account.Account, debt, error) {
	var owner uuid.UUID
	err := tx.QueryRow(ctx, `select account_id from open_item where id = $1`, id).Scan(&owner)
	if errors.Is(err, pgx.ErrNoRows) {
		return account.Account{}, debt{}, ErrNoItemOpen
	}
	if err != nil {
		return account.Account{}, debt{}, fmt.Errorf("read open item: %w", err)
	}
	a, err := account.Lock(ctx, tx, owner)
	if err != nil {
		return a, debt{}, err
	}
	var d debt
	err = tx.QueryRow(ctx, `
		select coalesce(o.bill_id, '00000000-0000-0000-0000-000000000000'), o.open, coalesce(b.tax, 0), coalesce(b.total, 0)
		  from open_item o left join bill b on b.id = o.bill_id
		 where o.id = $1 for no key update of o`, id).Scan(&d.bill, &d.open, &d.tax, &d.total)
	if err != nil {
		return a, d, fmt.Errorf("read open item: %w", err)
	}
	return a, d, nil
}

func getWriteOff(ctx context.Context, tx tenant.Tx, id uuid.UUID) (WriteOff, error) {
	list, err := writeOffs(ctx, tx, ` where w.id = $1`, id)
	if err == nil && len(list) == 0 {
		err = ErrNoWriteOff
	}
	if err != nil {
		return WriteOff{}, err
	}
	return list[0], nil
}

// WriteOffsOf lists what was written off of an account, the latest first.
func WriteOffsOf(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]WriteOff, error) {
	return writeOffs(ctx, tx, ` where w.account_id = $1 order by w.at desc, w.id desc limit 500`, accountID)
}

func writeOffs(ctx context.Context, tx tenant.Tx, where string, key uuid.UUID) ([]WriteOff, error) {
	rows, err := tx.Query(ctx, `
		select w.id, w.account_id, w.open_item_id, coalesce(o.bill_id, '00000000-0000-0000-0000-000000000000'), w.currency, w.amount, w.tax,
		       w.reversed, w.reason, w.at, w.created_by
		  from write_off w join open_item o on o.id = w.open_item_id`+where, key)
	if err != nil {
		return nil, fmt.Errorf("read write-offs: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (w WriteOff, err error) {
		var currency money.Currency
		var amount, tax, reversed money.Decimal
		err = row.Scan(&w.ID, &w.AccountID, &w.OpenItemID, &w.BillID, &currency, &amount, &tax, &reversed, &w.Reason, &w.At, &w.By)
		w.Amount, w.Tax, w.Reversed, w.At = money.New(amount, currency), money.New(tax, currency), money.New(reversed, currency), w.At.UTC()
		return w, err
	})
	if err != nil {
		return nil, fmt.Errorf("read write-offs: %w", err)
	}
	return list, nil
}
