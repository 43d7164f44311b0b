package payment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/agenda"
	"tollhouse/billing/bill"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Refund is money on its way back.
type Refund struct {
	ID          uuid.UUID
	PaymentID   uuid.UUID
	Amount      money.Amount
	Reason      string
	State       RefundState
	ProviderRef string
	By          string
	CreatedAt   time.Time
}

// NewRefund asks for part or all of a payment back.
type NewRefund struct {
	Key       string // of the command: a repeat changes nothing; empty: none
	PaymentID uuid.UUID
	Amount    money.Amount
	Reason    string
	By        string
}

// RequestRefund books a refund: the unapplied part goes first, then the latest
// allocations are reversed, and their open items are open again with the due
// dates they had. Card money is asked for from the provider by an agenda item
// (Till.SendRefund); bank and cash money counts as handed out.
//
// RefundError refuses more than is left of the payment or, of a top-up, more
// than is left on the balance.
func RequestRefund(ctx context.Context, tx tenant.Tx, n NewRefund) (Refund, error) {
	if strings.TrimSpace(n.Reason) == "" {
		return Refund{}, ErrReason
	}
	paid, p, err := lockPayment(ctx, tx, n.PaymentID)
	if err != nil {
		return Refund{}, fmt.Errorf("refund: %w", err)
	}
	if known, found, err := repeatedRefund(ctx, tx, n); found || err != nil {
		return known, err
	}
	if err := p.accepts(n.Amount, paid.Purpose); err != nil {
		return Refund{}, fmt.Errorf("refund: %w", err)
	}
	if paid.Method == Voucher {
		return Refund{}, fmt.Errorf("refund: %w: whoever sold the voucher has its money", ErrPurpose)
	}
	if left := paid.Refundable(); n.Amount.Decimal().Cmp(left.Decimal()) > 0 {
		return Refund{}, &RefundError{n.Amount, left}
	}
	r := Refund{
		ID: uuid.Must(uuid.NewV7()), PaymentID: paid.ID, Amount: n.Amount, Reason: n.Reason,
		State: RefundSucceeded, By: n.By, CreatedAt: tx.At,
	}
	if paid.Method == Card || paid.Method == Online {
		r.State = RefundRequested
		if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.Refund, Ref: r.ID, DueAt: tx.At}); err != nil {
			return Refund{}, fmt.Errorf("refund: %w", err)
		}
	}
	if err := p.takeBack(ctx, tx, paid, r); err != nil {
		return Refund{}, fmt.Errorf("refund payment %s: %w", paid.ID, err)
	}
	if err := insertRefund(ctx, tx, r, n.Key); err != nil {
		return Refund{}, err
	}
	if err := r.record(ctx, tx, paid); err != nil {
		return Refund{}, err
	}
	return r, p.changed(ctx, tx)
}

// lockPayment locks the account, then reads its payment: no writer of a
// payment works without the account.
func lockPayment(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Payment, payer, error) {
	found, err := Get(ctx, tx, id)
	if err != nil {
		return Payment{}, payer{}, err
	}
	p, err := lockPayer(ctx, tx, found.AccountID)
	if err != nil {
		return Payment{}, payer{}, err
	}
	paid, err := Get(ctx, tx, id)
	return paid, p, err
}

func (p payer) takeBack(ctx context.Context, tx tenant.Tx, paid Payment, r Refund) error {
	place, err := paid.Method.place()
	if err != nil {
		return err
	}
	amount := r.Amount.Decimal()
	if paid.Purpose == PurposeTopUp {
		if err := p.takeFromBucket(ctx, tx, paid, r, place); err != nil {
			return err
		}
		return changePayment(ctx, tx, paid.ID, money.Decimal{}, amount)
	}
	credit := smaller(paid.Unapplied.Decimal(), amount)
	applied, err := p.reverse(ctx, tx, paid.ID, amount.Sub(credit))
	if err != nil {
		return err
	}
	if err := changePayment(ctx, tx, paid.ID, credit.Neg(), amount); err != nil {
		return err
	}
	return p.bookReturn(ctx, tx, p.event(tx, ledger.Refund, r.ID), place, credit, applied)
}

// takeFromBucket takes a top-up back from the balance, as far as it is still
// there: a refund never makes a customer owe.
func (p payer) takeFromBucket(ctx context.Context, tx tenant.Tx, paid Payment, r Refund, place ledger.Kind) error {
	var value money.Decimal
	err := tx.QueryRow(ctx, `select value from bucket where id = $1 for no key update`, paid.BucketID).Scan(&value)
	if err != nil {
		return fmt.Errorf("lock balance: %w", err)
	}
	if value.Cmp(r.Amount.Decimal()) < 0 {
		left := p.amount(value)
		if value.Sign() < 0 {
			left = money.Zero(p.currency)
		}
		return &RefundError{r.Amount, left}
	}
	untaxed, err := p.untax(ctx, tx, *paid.BucketID, r.Amount.Decimal())
	if err != nil {
		return err
	}
	return ledger.Post(ctx, tx, p.event(tx, ledger.Refund, r.ID),
		append(p.move(ledger.Of(ledger.Prepaid, *paid.BucketID), ledger.General(place), r.Amount.Decimal()), p.taxBack(*paid.BucketID, untaxed)...))
}

// reversible is what is still applied by one allocation.
type reversible struct {
	id, item         uuid.UUID
	left, writtenOff money.Decimal
}

// reversal is what was taken out of one allocation. It is kept with a dispute,
// so that exactly this can be restored.
type reversal struct {
	Allocation uuid.UUID     `json:"allocation"`
	Item       uuid.UUID     `json:"item"`
	Amount     money.Decimal `json:"amount"`
	WrittenOff money.Decimal `json:"written_off,omitzero"`
}

func sumReversals(applied []reversal) (paid, writtenOff money.Decimal) {
	for _, r := range applied {
		paid, writtenOff = paid.Add(r.Amount), writtenOff.Add(r.WrittenOff)
	}
	return paid, writtenOff
}

// reverse takes an amount out of a payment's allocations, the latest first.
// What was written off with one is owed again as soon as a part of it is. The
// items keep their due dates.
func (p payer) reverse(ctx context.Context, tx tenant.Tx, paymentID uuid.UUID, amount money.Decimal) (reversed []reversal, err error) {
	if amount.IsZero() {
		return nil, nil
	}
	applied, err := lockAllocations(ctx, tx, paymentID)
	if err != nil {
		return nil, err
	}
	var batch pgx.Batch
	for _, a := range applied {
		part := smaller(a.left, amount)
		if part.Sign() <= 0 {
			break
		}
		amount = amount.Sub(part)
		reversed = append(reversed, reversal{a.id, a.item, part, a.writtenOff})
		batch.Queue(`update payment_allocation set reversed = reversed + $2, written_off = 0 where id = $1`, a.id, part)
		batch.Queue(`update open_item set open = open + $2, `+bill.KeepPast(3)+` where id = $1`, a.item, part.Add(a.writtenOff), tx.At)
	}
	if !amount.IsZero() { // the sums of doc.go are broken
		return nil, fmt.Errorf("payment %s has %s less applied than booked", paymentID, amount)
	}
	return reversed, sendOneRowEach(ctx, tx, &batch, "reverse allocations")
}

// lockAllocations locks the open items of a payment in id order and returns
// its allocations, the latest first.
func lockAllocations(ctx context.Context, tx tenant.Tx, paymentID uuid.UUID) ([]reversible, error) {
	if _, err := tx.Exec(ctx, `select id from open_item
		where id in (select open_item_id from payment_allocation where payment_id = $1)
		order by id for no key update`, paymentID); err != nil {
		return nil, fmt.Errorf("lock open items: %w", err)
	}
	rows, err := tx.Query(ctx, `select id, open_item_id, amount - reversed, written_off from payment_allocation
		where payment_id = $1 and amount > reversed order by at desc, id desc`, paymentID)
	if err != nil {
		return nil, fmt.Errorf("read allocations: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r reversible, err error) {
		err = row.Scan(&r.id, &r.item, &r.left, &r.writtenOff)
		return r, err
	})
}

// changePayment moves what is unapplied and what is refunded of a payment.
func changePayment(ctx context.Context, tx tenant.Tx, id uuid.UUID, unapplied, refunded money.Decimal) error {
	tag, err := tx.Exec(ctx, `update payment set unapplied = unapplied + $2, refunded = refunded + $3 where id = $1`, id, unapplied, refunded)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return fmt.Errorf("change payment: %w", err)
	}
	return nil
}

// finish takes over how far the provider has come. What it could not send
// back becomes credit again, or balance, and pays what is owed meanwhile.
func (r *Refund) finish(ctx context.Context, tx tenant.Tx, paid Payment, p payer, answer ProviderRefund) error {
	moved := refundMayMove(r.State, answer.State) // an older answer changes nothing
	if !moved && (answer.Ref == "" || answer.Ref == r.ProviderRef) {
		return nil
	}
	if moved {
		if err := r.moveTo(answer.State); err != nil {
			return err
		}
	}
	if answer.Ref != "" {
		r.ProviderRef = answer.Ref
	}
	if _, err := tx.Exec(ctx, `update refund set state = $2, provider_ref = $3 where id = $1`, r.ID, r.State, r.ProviderRef); err != nil {
		return fmt.Errorf("finish refund %s: %w", r.ID, err)
	}
	if !moved {
		return nil
	}
	if err := r.record(ctx, tx, paid); err != nil || r.State != RefundFailed {
		return err
	}
	if err := p.keepAfterAll(ctx, tx, paid, *r); err != nil {
		return err
	}
	return p.changed(ctx, tx)
}

func (p payer) keepAfterAll(ctx context.Context, tx tenant.Tx, paid Payment, r Refund) error {
	place, err := paid.Method.place()
	if err != nil {
		return err
	}
	amount, to, unapplied := r.Amount.Decimal(), p.creditAccount(), r.Amount.Decimal()
	if paid.Purpose == PurposeTopUp {
		to, unapplied = ledger.Of(ledger.Prepaid, *paid.BucketID), money.Decimal{}
	}
	if err := changePayment(ctx, tx, paid.ID, unapplied, amount.Neg()); err != nil {
		return err
	}
	transfers := p.move(ledger.General(place), to, amount)
	if paid.Purpose == PurposeTopUp {
		taxed, err := p.soldTax(ctx, tx, r.Amount)
		if err != nil {
			return err
		}
		if taxed.Sign() > 0 {
			transfers = append(transfers, p.move(ledger.Of(ledger.TaxAhead, *paid.BucketID), ledger.General(ledger.Tax), taxed)...)
		}
	}
	if err := ledger.Post(ctx, tx, p.event(tx, ledger.Refund, r.ID), transfers); err != nil {
		return fmt.Errorf("keep failed refund %s: %w", r.ID, err)
	}
	return p.applyCredit(ctx, tx)
}

func insertRefund(ctx context.Context, tx tenant.Tx, r Refund, key string) error {
	if key == "" {
		key = "refund:" + r.ID.String()
	}
	_, err := tx.Exec(ctx, `
		insert into refund (id, payment_id, amount, reason, state, idempotency_key, created_by, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`,
		r.ID, r.PaymentID, r.Amount.Decimal(), r.Reason, r.State, key, r.By, r.CreatedAt)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == uniqueViolation { // by a refund of another account
		return fmt.Errorf("%w: %q", ErrKeyReused, key)
	}
	if err != nil {
		return fmt.Errorf("keep refund: %w", err)
	}
	return nil
}

const selectRefund = `select r.id, r.payment_id, r.amount, p.currency, r.reason, r.state, r.provider_ref, r.created_by, r.created_at
	from refund r join payment p on p.id = r.payment_id `

func scanRefund(row pgx.CollectableRow) (Refund, error) {
	var r Refund
	var amount money.Decimal
	var currency money.Currency
	err := row.Scan(&r.ID, &r.PaymentID, &amount, &currency, &r.Reason, &r.State, &r.ProviderRef, &r.By, &r.CreatedAt)
	r.Amount, r.CreatedAt = money.New(amount, currency), r.CreatedAt.UTC()
	return r, err
}

// GetRefund reads a refund; ErrNotFound if there is none.
func GetRefund(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Refund, error) {
	found, err := refunds(ctx, tx, selectRefund+`where r.id = $1`, id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("refund %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Refund{}, err
	}
	return found[0], nil
}

// Refunds lists the refunds of a payment in order of time.
func Refunds(ctx context.Context, tx tenant.Tx, paymentID uuid.UUID) ([]Refund, error) {
	return refunds(ctx, tx, selectRefund+`where r.payment_id = $1 order by r.created_at, r.id`, paymentID)
}

func refunds(ctx context.Context, tx tenant.Tx, query string, keys ...any) ([]Refund, error) {
	rows, err := tx.Query(ctx, query, keys...)
	if err != nil {
		return nil, fmt.Errorf("read refunds: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanRefund)
	if err != nil {
		return nil, fmt.Errorf("read refunds: %w", err)
	}
	return found, nil
}

// repeatedRefund finds the refund of a repeated command.
func repeatedRefund(ctx context.Context, tx tenant.Tx, n NewRefund) (known Refund, found bool, err error) {
	if n.Key == "" {
		return Refund{}, false, nil
	}
	same, err := refunds(ctx, tx, selectRefund+`where r.idempotency_key = $1`, n.Key)
	if err != nil || len(same) == 0 {
		return Refund{}, false, err
	}
	known = same[0]
	if known.PaymentID != n.PaymentID || !known.Amount.Decimal().Equal(n.Amount.Decimal()) || known.Amount.Currency() != n.Amount.Currency() {
		return Refund{}, false, fmt.Errorf("%w: refund %s", ErrKeyReused, known.ID)
	}
	return known, true, nil
}

// lockRefund locks the refund's account and reads refund and payment.
func lockRefund(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Refund, Payment, payer, error) {
	found, err := GetRefund(ctx, tx, id)
	if err != nil {
		return Refund{}, Payment{}, payer{}, err
	}
	paid, p, err := lockPayment(ctx, tx, found.PaymentID)
	if err != nil {
		return Refund{}, Payment{}, payer{}, err
	}
	r, err := GetRefund(ctx, tx, id)
	return r, paid, p, err
}
