package bill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Deposit is what a subscriber leaves as security. It is a liability from the
// day on which it is asked for, and no revenue: no tax is on it.
type Deposit struct {
	ID         uuid.UUID
	AccountID  uuid.UUID
	OpenItemID uuid.UUID
	Number     string
	Amount     money.Amount
	Open       money.Amount // asked for and not paid yet
	Returned   money.Amount // applied to debt, given back, or not asked for any more
	Interest   *money.Decimal
	Months     *int // given back by itself after so many months of paying on time
	DueDate    calendar.Date
	Reason     string
	AskedAt    time.Time
	By         string
	OrderID    *uuid.UUID // the order whose offering demands it; nil: none, so it may still stand for one
}

// Held is what was paid and is still there.
func (d Deposit) Held() money.Amount {
	return money.New(d.Amount.Decimal().Sub(d.Open.Decimal()).Sub(d.Returned.Decimal()), d.Amount.Currency())
}

// NewDeposit asks for a deposit.
type NewDeposit struct {
	ID        uuid.UUID // of the command: a repeat changes nothing; Nil takes a new one
	AccountID uuid.UUID
	Amount    money.Amount
	DueDate   calendar.Date  // zero: by the operator's term
	Interest  *money.Decimal // per cent a year, paid when it is given back; nil: none
	Months    *int
	Reason    string
	By        string
	OrderID   *uuid.UUID // the order whose offering demands it; nil: none
}

// Errors of deposits.
var (
	ErrNoDeposit     = errors.New("no such deposit")
	ErrDepositAmount = errors.New("no more than is held can be given back")
)

// AskDeposit asks an account for a deposit: an open item of its own, in a
// series of its own.
func AskDeposit(ctx context.Context, tx tenant.Tx, n NewDeposit) (Deposit, error) {
	reason, err := checkReason(n.Reason)
	if err != nil {
		return Deposit{}, err
	}
	a, err := account.Lock(ctx, tx, n.AccountID)
	if err != nil {
		return Deposit{}, err
	}
	if n.ID == uuid.Nil {
		n.ID = uuid.Must(uuid.NewV7())
	} else if known, err := GetDeposit(ctx, tx, n.ID); !errors.Is(err, ErrNoDeposit) {
		if err == nil && known.AccountID != n.AccountID {
			err = ErrNoteID
		}
		return known, err
	}
	if err := n.check(a); err != nil {
		return Deposit{}, err
	}
	w := &noteWriter{account: a, at: tx.At}
	if err := w.load(ctx, tx, uuid.Nil); err != nil {
		return Deposit{}, err
	}
	today := w.profile.LocalDate(tx.At)
	s := Series{a.LegalEntity, kindDeposit, today.Year}
	taken, err := take(ctx, tx, s, 1, today)
	if err != nil {
		return Deposit{}, err
	}
	if n.DueDate.IsZero() {
		n.DueDate = taken.issued.AddDays(w.profile.PaymentTermDays)
	}
	number := w.numbers.text(w.seller, s, taken.first)
	var batch pgx.Batch
	batch.Queue(`insert into deposit (id, account_id, number, currency, amount, interest, months, reason, asked_at, asked_by, order_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		n.ID, a.ID, number, a.Currency, n.Amount.Decimal(), n.Interest, n.Months, reason, tx.At, n.By, n.OrderID)
	batch.Queue(`insert into open_item (id, account_id, deposit_id, number, issue_date, currency, amount, open, due_date, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)`,
		uuid.Must(uuid.NewV7()), a.ID, n.ID, number, taken.issued, a.Currency, n.Amount.Decimal(), n.DueDate, tx.At)
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return Deposit{}, fmt.Errorf("ask for deposit: %w", err)
	}
	post := &poster{account: a.ID, unit: a.Currency.Unit()}
	post.move(ledger.Of(ledger.Receivable, a.ID), ledger.General(ledger.Deposit), n.Amount.Decimal())
	if err := ledger.Post(ctx, tx, w.event(ledger.Deposited, n.ID), post.transfers); err != nil {
		return Deposit{}, fmt.Errorf("post deposit %s: %w", number, err)
	}
	if err := reviewDebt(ctx, tx, a.ID); err != nil {
		return Deposit{}, err
	}
	if n.Months != nil {
		if err := reviewOn(ctx, tx, n.ID, w.profile, today.AddMonths(*n.Months)); err != nil {
			return Deposit{}, err
		}
	}
	return GetDeposit(ctx, tx, n.ID)
}

func (n NewDeposit) check(a account.Account) error {
	wrong := func(field, want string) error { return &account.FieldError{Field: field, Want: want} }
	switch {
	case a.Kind == account.Prepaid:
		return wrong("account", "a postpaid account: a prepaid one pays before it uses")
	case n.Amount.Currency() != a.Currency:
		return money.ErrCurrencyMismatch
	case n.Amount.Sign() <= 0 || !n.Amount.RoundToDocument().Decimal().Equal(n.Amount.Decimal()):
		return wrong("amount", "an amount above zero, no finer than bills are")
	case n.Interest != nil && (n.Interest.Sign() <= 0 || n.Interest.Cmp(money.NewDecimal(100)) > 0 || n.Interest.Digits() > 6):
		return wrong("interest", "per cent a year, above 0 and at most 100")
	case n.Months != nil && (*n.Months < 1 || *n.Months > 120):
		return wrong("months", "1 to 120 months")
	}
	return nil
}

func reviewOn(ctx context.Context, tx tenant.Tx, id uuid.UUID, profile account.Profile, day calendar.Date) error {
	return agenda.Add(ctx, tx, agenda.Item{Kind: agenda.DepositReview, Ref: id, DueAt: day.Start(profile.Zone).UTC()})
}

const selectDeposits = `
	select d.id, d.account_id, o.id, d.number, d.currency, d.amount, o.open, d.returned, d.interest, d.months, o.due_date, d.reason, d.asked_at, d.asked_by, d.order_id
	  from deposit d join open_item o on o.deposit_id = d.id`

func scanDeposit(row pgx.CollectableRow) (d Deposit, err error) {
	var currency money.Currency
	var amount, open, returned money.Decimal
	err = row.Scan(&d.ID, &d.AccountID, &d.OpenItemID, &d.Number, &currency, &amount, &open, &returned, &d.Interest, &d.Months, &d.DueDate, &d.Reason, &d.AskedAt, &d.By, &d.OrderID)
	d.Amount, d.Open, d.Returned, d.AskedAt = money.New(amount, currency), money.New(open, currency), money.New(returned, currency), d.AskedAt.UTC()
	return d, err
}

// GetDeposit reads a deposit; ErrNoDeposit if there is none.
func GetDeposit(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Deposit, error) {
	list, err := deposits(ctx, tx, ` where d.id = $1`, id)
	if err == nil && len(list) == 0 {
		err = ErrNoDeposit
	}
	if err != nil {
		return Deposit{}, err
	}
	return list[0], nil
}

// DepositsOf lists an account's deposits, the latest first.
func DepositsOf(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]Deposit, error) {
	return deposits(ctx, tx, ` where d.account_id = $1 order by d.asked_at desc, d.id desc limit 200`, accountID)
}

func deposits(ctx context.Context, tx tenant.Tx, where string, key uuid.UUID) ([]Deposit, error) {
	rows, err := tx.Query(ctx, selectDeposits+where, key)
	if err != nil {
		return nil, fmt.Errorf("read deposits: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanDeposit)
	if err != nil {
		return nil, fmt.Errorf("read deposits: %w", err)
	}
	return list, nil
}
