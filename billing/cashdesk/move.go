package cashdesk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// Kind is what a move of cash was.
type Kind string

// Kinds of moves.
const (
	Paid     Kind = "payment"
	Refunded Kind = "refund"
	ToBank   Kind = "to_bank"
	PutIn    Kind = "put_in"    // change that was fetched
	TakenOut Kind = "taken_out" // without a bank
)

// Move is cash that went into a drawer or, below zero, out of it.
type Move struct {
	ID        uuid.UUID
	ShiftID   uuid.UUID
	Year, No  int // of the receipt, in the branch
	Kind      Kind
	Amount    money.Amount
	AccountID *uuid.UUID
	PaymentID *uuid.UUID
	Note      string
	By        string
	At        time.Time
}

// Receipt is the move's number as it is printed.
func (m Move) Receipt() string { return fmt.Sprintf("%d/%d", m.Year, m.No) }

// Record books a payment as the stack does, with what follows from it.
type Record func(ctx context.Context, tx tenant.Tx, n payment.NewPayment) (payment.Payment, error)

// Take takes cash from a payer, against the cashier's shift. The payment's id is
// the command's: the same again gives the same receipt.
func Take(ctx context.Context, tx tenant.Tx, n payment.NewPayment, record Record) (Move, payment.Payment, error) {
	if known, err := ofID(ctx, tx, n.ID); err == nil {
		paid, err := payment.Get(ctx, tx, n.ID)
		return known, paid, err
	}
	if _, err := account.Lock(ctx, tx, n.AccountID); err != nil { // before the shift, in the lock order
		return Move{}, payment.Payment{}, err
	}
	s, err := lockOpen(ctx, tx, n.By)
	if err != nil {
		return Move{}, payment.Payment{}, err
	}
	n.Method = payment.Cash
	paid, err := record(ctx, tx, n)
	if err != nil {
		return Move{}, paid, err
	}
	m, err := s.move(ctx, tx, Move{ID: n.ID, Kind: Paid, Amount: paid.Amount, AccountID: &paid.AccountID, PaymentID: &paid.ID, By: n.By}, nil)
	return m, paid, err
}

// Give gives a payment that came in cash back, in part or whole. key is the
// command's.
func Give(ctx context.Context, tx tenant.Tx, id uuid.UUID, n payment.NewRefund) (Move, error) {
	if known, err := ofID(ctx, tx, id); err == nil {
		return known, nil
	}
	paid, err := payment.Get(ctx, tx, n.PaymentID)
	if err != nil {
		return Move{}, err
	}
	if paid.Method != payment.Cash {
		return Move{}, ErrNotCash
	}
	if _, err := account.Lock(ctx, tx, paid.AccountID); err != nil {
		return Move{}, err
	}
	s, err := lockOpen(ctx, tx, n.By)
	if err != nil {
		return Move{}, err
	}
	made, err := payment.RequestRefund(ctx, tx, n)
	if err != nil {
		return Move{}, err
	}
	return s.move(ctx, tx, Move{ID: id, Kind: Refunded, Amount: made.Amount.Neg(), AccountID: &paid.AccountID, PaymentID: &paid.ID, Note: n.Reason, By: n.By}, &made.ID)
}

// Carry moves cash between the drawer and the bank or safe: the bank's statement
// clears what was brought there.
func Carry(ctx context.Context, tx tenant.Tx, id uuid.UUID, kind Kind, amount money.Amount, note, by string) (Move, error) {
	if known, err := ofID(ctx, tx, id); err == nil {
		return known, nil
	}
	if amount.Sign() <= 0 || !amount.RoundToDocument().Decimal().Equal(amount.Decimal()) {
		return Move{}, &account.FieldError{Field: "amount", Want: "an amount above zero"}
	}
	s, err := lockOpen(ctx, tx, by)
	if err != nil {
		return Move{}, err
	}
	from, to := ledger.General(ledger.Cash), ledger.General(ledger.Transit)
	signed := amount.Neg()
	switch kind {
	case ToBank, TakenOut:
	case PutIn:
		from, to, signed = to, from, amount
	default:
		return Move{}, &account.FieldError{Field: "kind", Want: "to_bank, put_in or taken_out"}
	}
	m, err := s.move(ctx, tx, Move{ID: id, Kind: kind, Amount: signed, Note: strings.TrimSpace(note), By: by}, nil)
	if err != nil {
		return m, err
	}
	return m, s.post(ctx, tx, to, from, amount)
}

func lockOpen(ctx context.Context, tx tenant.Tx, cashier string) (Shift, error) {
	return one(ctx, tx, `where cashier = $1 and state = 'open' for no key update`, cashier)
}

// move writes a move with the next receipt number. The shift is locked.
func (s Shift) move(ctx context.Context, tx tenant.Tx, m Move, refund *uuid.UUID) (Move, error) {
	if m.Amount.Currency() != s.Currency {
		return m, &account.FieldError{Field: "amount", Want: "an amount in " + s.Currency.Code()}
	}
	expected := s.Expected.Decimal().Add(m.Amount.Decimal())
	if expected.Sign() < 0 {
		return m, ErrNotThere
	}
	s.Expected = money.New(expected, s.Currency)
	if err := s.save(ctx, tx); err != nil {
		return m, err
	}
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return m, err
	}
	if _, _, err := lockBranch(ctx, tx, s.Branch); err != nil {
		return m, err
	}
	m.ShiftID, m.At, m.Year = s.ID, tx.At, calendar.DateOf(tx.At, zone).Year
	// a receipt of the payment that is given back names it in its refund
	paymentID := m.PaymentID
	err = tx.QueryRow(ctx, `
		insert into cash_move (id, shift_id, branch, year, no, kind, amount, account_id, payment_id, refund_id, note, by_whom, at)
		select $1, $2, $3, $4, coalesce(max(no), 0) + 1, $5, $6, $7, $8, $9, $10, $11, $12 from cash_move where branch = $3 and year = $4
		returning no`, m.ID, s.ID, s.Branch, m.Year, m.Kind, m.Amount.Decimal(), m.AccountID, paymentID, refund, m.Note, m.By, m.At).Scan(&m.No)
	if err != nil {
		return m, fmt.Errorf("write receipt: %w", err)
	}
	return m, nil
}

const selectMove = `select m.id, m.shift_id, m.year, m.no, m.kind, m.amount, s.currency, m.account_id, m.payment_id, m.note, m.by_whom, m.at
	from cash_move m join cash_shift s on s.id = m.shift_id `

func scanMove(row pgx.CollectableRow) (m Move, err error) {
	var amount money.Decimal
	var currency money.Currency
	err = row.Scan(&m.ID, &m.ShiftID, &m.Year, &m.No, &m.Kind, &amount, &currency, &m.AccountID, &m.PaymentID, &m.Note, &m.By, &m.At)
	m.Amount, m.At = money.New(amount, currency), m.At.UTC()
	return m, err
}

func ofID(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Move, error) {
	rows, err := tx.Query(ctx, selectMove+`where m.id = $1`, id)
	if err != nil {
		return Move{}, fmt.Errorf("read receipt: %w", err)
	}
	m, err := pgx.CollectExactlyOneRow(rows, scanMove)
	if errors.Is(err, pgx.ErrNoRows) {
		return Move{}, ErrNoShift
	}
	return m, err
}

// GetMove reads a receipt.
func GetMove(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Move, error) { return ofID(ctx, tx, id) }

// Sum is what moves of one kind come to.
type Sum struct {
	Kind   Kind
	Count  int
	Amount money.Amount
}

// Report is a shift in figures: an X report while it is open, the Z report once
// it is closed.
type Report struct {
	Shift
	Moves       []Move
	Sums        []Sum
	First, Last string // receipts
}

// Final says whether it is the Z report.
func (r Report) Final() bool { return r.State == Closed }

// ReportOf draws a shift's report up.
func ReportOf(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Report, error) {
	s, err := Get(ctx, tx, id)
	if err != nil {
		return Report{}, err
	}
	r := Report{Shift: s}
	rows, err := tx.Query(ctx, selectMove+`where m.shift_id = $1 order by m.year, m.no`, id)
	if err != nil {
		return r, fmt.Errorf("read receipts: %w", err)
	}
	if r.Moves, err = pgx.CollectRows(rows, scanMove); err != nil {
		return r, fmt.Errorf("read receipts: %w", err)
	}
	at := map[Kind]int{}
	for _, m := range r.Moves {
		i, known := at[m.Kind]
		if !known {
			i = len(r.Sums)
			at[m.Kind] = i
			r.Sums = append(r.Sums, Sum{Kind: m.Kind, Amount: money.Zero(s.Currency)})
		}
		r.Sums[i].Count++
		r.Sums[i].Amount = money.New(r.Sums[i].Amount.Decimal().Add(m.Amount.Decimal()), s.Currency)
	}
	if len(r.Moves) > 0 {
		r.First, r.Last = r.Moves[0].Receipt(), r.Moves[len(r.Moves)-1].Receipt()
	}
	return r, nil
}

// ByReceipt finds the payment that a receipt of a branch is of.
func ByReceipt(ctx context.Context, tx tenant.Tx, branch uuid.UUID, receipt string) (uuid.UUID, error) {
	var year, no int
	if _, err := fmt.Sscanf(receipt, "%d/%d", &year, &no); err != nil {
		return uuid.Nil, &account.FieldError{Field: "receipt", Want: "a receipt's number, such as 2026/17"}
	}
	var id *uuid.UUID
	err := tx.QueryRow(ctx, `select payment_id from cash_move where branch = $1 and year = $2 and no = $3 and kind = 'payment'`, branch, year, no).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && id == nil {
		return uuid.Nil, &account.FieldError{Field: "receipt", Want: "the receipt of a payment in this branch"}
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("find receipt %s: %w", receipt, err)
	}
	return *id, nil
}
