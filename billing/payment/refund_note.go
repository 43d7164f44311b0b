package payment

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// CreditNote and Deposit are the methods of what a credit note gives and of a
// deposit that is applied: kept like payments, as nobody paid them.
const (
	CreditNote Method = "credit_note"
	Deposit    Method = "deposit"
)

// NoteRefund asks for what a credit note, or a deposit that was given back, has
// left as credit to go back to whoever paid.
type NoteRefund struct {
	Key    string // of the command: a repeat changes nothing; empty: none
	ID     uuid.UUID
	Amount money.Amount
	Reason string
	By     string
}

// RefundNote pays a note's credit back by the methods by which its bill was
// paid, the latest payment first: the note takes the payment's place on the
// bill, and what that frees of the payment is refunded. Where a refund fails
// the money becomes credit again, and the note stands.
//
// RefundError refuses more than the note has left, or than was paid by a
// method that takes money back.
func RefundNote(ctx context.Context, tx tenant.Tx, n NoteRefund) ([]Refund, error) {
	note, p, err := lockPayment(ctx, tx, n.ID)
	if err != nil {
		return nil, fmt.Errorf("refund note: %w", err)
	}
	if note.Method != CreditNote && note.Method != Deposit {
		return nil, fmt.Errorf("refund note: %w: it is no note", ErrPurpose)
	}
	if known, err := p.refundsUnder(ctx, tx, n.Key); err != nil || len(known) > 0 {
		return known, err
	}
	if err := p.accepts(n.Amount, PurposeBill); err != nil {
		return nil, fmt.Errorf("refund note: %w", err)
	}
	if n.Amount.Decimal().Cmp(note.Unapplied.Decimal()) > 0 {
		return nil, &RefundError{n.Amount, note.Unapplied}
	}
	paid, err := p.whatPaid(ctx, tx, n.ID)
	if err != nil {
		return nil, err
	}
	left := n.Amount.Decimal()
	var refunded []Refund
	for _, source := range paid {
		part := smaller(left, source.left)
		if part.Sign() <= 0 {
			break
		}
		left = left.Sub(part)
		if err := p.takePlace(ctx, tx, n.ID, source, part); err != nil {
			return nil, err
		}
		key := n.Key
		if key != "" {
			key = fmt.Sprintf("%s:%d", n.Key, len(refunded)+1)
		}
		r, err := RequestRefund(ctx, tx, NewRefund{Key: key, PaymentID: source.payment, Amount: p.amount(part), Reason: n.Reason, By: n.By})
		if err != nil {
			return nil, err
		}
		refunded = append(refunded, r)
	}
	if left.Sign() > 0 {
		return nil, &RefundError{n.Amount, p.amount(n.Amount.Decimal().Sub(left))}
	}
	return refunded, nil
}

// refundsUnder finds what an earlier command of the same key refunded.
func (p payer) refundsUnder(ctx context.Context, tx tenant.Tx, key string) ([]Refund, error) {
	if key == "" {
		return nil, nil
	}
	return refunds(ctx, tx, selectRefund+`where starts_with(r.idempotency_key, $1) and p.account_id = $2 order by r.created_at, r.id`, key+":", p.id)
}

// placed is an allocation to an open item of a note's bill.
type placed struct {
	payment, item, id uuid.UUID
	left, writtenOff  money.Decimal
}

// whatPaid lists what paid the bill that a note corrects, or the deposit that
// is given back, by a method that takes money back, the latest first. It locks
// their open items.
func (p payer) whatPaid(ctx context.Context, tx tenant.Tx, noteID uuid.UUID) ([]placed, error) {
	const items = `select o.id from open_item o where o.account_id = $2
		and (o.bill_id = (select n.corrects from bill n where n.id = $1) or o.deposit_id = (select d.id from deposit d join payment g on g.reference = d.number and g.method = 'deposit' where g.id = $1))`
	if _, err := tx.Exec(ctx, `select id from open_item where id in (`+items+`) order by id for no key update`, noteID, p.id); err != nil {
		return nil, fmt.Errorf("lock open items: %w", err)
	}
	rows, err := tx.Query(ctx, `
		select a.payment_id, a.open_item_id, a.id, least(a.amount - a.reversed, p.amount - p.refunded - p.charged_back - p.moved), a.written_off
		  from payment_allocation a join payment p on p.id = a.payment_id
		 where a.open_item_id in (`+items+`) and a.amount > a.reversed and p.method not in ('credit_note', 'deposit', 'goodwill', 'voucher')
		 order by a.at desc, a.id desc`, noteID, p.id)
	if err != nil {
		return nil, fmt.Errorf("read what paid: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (a placed, err error) {
		err = row.Scan(&a.payment, &a.item, &a.id, &a.left, &a.writtenOff)
		return a, err
	})
}

// takePlace lets the note pay what a payment has paid, so that the payment is
// free to go back. What is open does not change, nor does the ledger.
func (p payer) takePlace(ctx context.Context, tx tenant.Tx, noteID uuid.UUID, from placed, part money.Decimal) error {
	var batch pgx.Batch
	batch.Queue(`update payment_allocation set reversed = reversed + $2, written_off = 0 where id = $1`, from.id, part)
	batch.Queue(`update payment set unapplied = unapplied + $2 where id = $1`, from.payment, part)
	batch.Queue(`update payment set unapplied = unapplied - $2 where id = $1`, noteID, part)
	batch.Queue(`insert into payment_allocation (id, payment_id, open_item_id, amount, written_off, at) values ($1, $2, $3, $4, $5, $6)`,
		uuid.Must(uuid.NewV7()), noteID, from.item, part, from.writtenOff, tx.At)
	return sendOneRowEach(ctx, tx, &batch, "let a note pay")
}

// GiveBackDeposit gives what is held of a deposit back by the method that paid
// it. Its interest stays credit, and so does what cannot go back that way.
func GiveBackDeposit(ctx context.Context, tx tenant.Tx, r bill.DepositReturn, reason string) (bill.Returned, []Refund, error) {
	r.ToDebt = false
	if r.ID == uuid.Nil {
		r.ID = uuid.Must(uuid.NewV7())
	}
	back, err := bill.ReturnDeposit(ctx, tx, r)
	if err != nil {
		return back, nil, err
	}
	order := NoteRefund{Key: "deposit:" + r.ID.String(), ID: r.ID, Amount: back.Amount, Reason: reason, By: r.By}
	refunded, err := RefundNote(ctx, tx, order)
	return back, refunded, err
}

// Rest is what becomes of a note's money beyond what was due on its bill.
type Rest string

// The ways.
const (
	RestCredit Rest = "credit" // stays the customer's, used on the next open item
	RestDebts  Rest = "debts"  // pays what else is owed, the oldest due first
	RestRefund Rest = "refund" // goes back by the methods that paid
)

// CreditBill writes a credit note and sees to the rest of its money. Nothing is
// left where all of it was due on the bill.
func CreditBill(ctx context.Context, tx tenant.Tx, n bill.NewCredit, rest Rest) (bill.Note, []Refund, error) {
	note, err := bill.Credit(ctx, tx, n)
	if err != nil || note.Credit.Sign() <= 0 {
		return note, nil, err
	}
	switch rest {
	case RestDebts:
		err = ApplyCredit(ctx, tx, note.AccountID)
	case RestRefund:
		refunded, err := RefundNote(ctx, tx, NoteRefund{Key: "note:" + note.ID.String(), ID: note.ID, Amount: note.Credit, Reason: note.Reason, By: n.By})
		return note, refunded, err
	}
	return note, nil, err
}
