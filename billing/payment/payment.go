package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/points"
	"tollhouse/billing/tenant"
)

// Purpose is what money is for.
type Purpose string

// Purposes.
const (
	PurposeBill  Purpose = "bill"  // pays open items
	PurposeTopUp Purpose = "topup" // goes to the prepaid main balance
)

// Method is how money came.
type Method string

// Methods.
const (
	Card Method = "card"
	Bank Method = "bank"
	Cash Method = "cash"
	// Debit is a direct debit that was collected, Online what a redirect
	// provider took.
	Debit  Method = "debit"
	Online Method = "online"
)

// place is the account in which money lies that came by a method.
func (m Method) place() (ledger.Kind, error) {
	switch m {
	case Card, Online:
		return ledger.ProviderClearing, nil
	case Bank, Debit:
		return ledger.Bank, nil
	case Cash:
		return ledger.Cash, nil
	case Goodwill:
		return ledger.Promotion, nil
	case Voucher:
		return ledger.Vouchers, nil
	}
	return "", fmt.Errorf("%w: method %q", ErrPurpose, m)
}

// Payment is money that was received.
type Payment struct {
	ID         uuid.UUID
	AccountID  uuid.UUID
	IntentID   *uuid.UUID // of a card payment
	Purpose    Purpose
	Method     Method
	Amount     money.Amount
	Unapplied  money.Amount // of it, not used for any open item
	Refunded   money.Amount // of it, given back or on its way
	TakenBack  money.Amount // of it, by the payer's bank
	Moved      money.Amount // of it, to another account
	Origin     *uuid.UUID   // the payment that its money was moved from
	Reference  string
	ReceivedAt time.Time
	By         string
	BucketID   *uuid.UUID // of a top-up
}

// Refundable is what can still be given back.
func (p Payment) Refundable() money.Amount {
	return money.New(p.Amount.Decimal().Sub(p.Refunded.Decimal()).Sub(p.TakenBack.Decimal()).Sub(p.Moved.Decimal()), p.Amount.Currency())
}

// NewPayment is bank or cash money as somebody took it.
type NewPayment struct {
	ID         uuid.UUID // of the command: a repeat changes nothing; Nil takes a new one
	AccountID  uuid.UUID
	Purpose    Purpose
	Method     Method
	Amount     money.Amount
	BillID     uuid.UUID   // is paid first: a bill, or an OpenItem's Names(); Nil: the oldest due is
	Bills      []uuid.UUID // are paid after it, in this order
	Reference  string      // as on the bank statement or the receipt
	ReceivedAt time.Time   // business time; zero: now
	By         string      // who took it
	intent     *uuid.UUID
	origin     *uuid.UUID
	sold       money.Decimal // of a voucher: the tax that its sale was taxed with
}

// named lists what is to be paid first.
func (n NewPayment) named() []uuid.UUID {
	if n.BillID == uuid.Nil {
		return n.Bills
	}
	return append([]uuid.UUID{n.BillID}, n.Bills...)
}

// Record books bank or cash money and applies it. Money for an account without
// anything to pay is kept as credit. ErrAmount, ErrPurpose and ErrBill refuse
// what can't be booked, ErrKeyReused an id that belongs to another payment.
func Record(ctx context.Context, tx tenant.Tx, n NewPayment) (Payment, error) {
	if n.Method == Card || n.Method == Online || n.Method == Goodwill || n.Method == Voucher {
		return Payment{}, fmt.Errorf("%w: card payments come from intents, goodwill from GiveCredit, vouchers from their PIN", ErrPurpose)
	}
	p, err := lockPayer(ctx, tx, n.AccountID)
	if err != nil {
		return Payment{}, fmt.Errorf("record payment: %w", err)
	}
	named, err := namedItems(ctx, tx, n.AccountID, n.named())
	if err != nil {
		return Payment{}, fmt.Errorf("record payment: %w", err)
	}
	return p.record(ctx, tx, n, named)
}

// record books money for a locked account.
func (p payer) record(ctx context.Context, tx tenant.Tx, n NewPayment, named []uuid.UUID) (Payment, error) {
	if n.ID == uuid.Nil {
		n.ID = uuid.Must(uuid.NewV7())
	} else if known, found, err := repeated(ctx, tx, n); found || err != nil {
		return known, err
	}
	if err := p.accepts(n.Amount, n.Purpose); err != nil {
		return Payment{}, err
	}
	place, err := n.Method.place()
	if err != nil {
		return Payment{}, err
	}
	if n.ReceivedAt.IsZero() {
		n.ReceivedAt = tx.At
	}
	if n.Purpose == PurposeTopUp {
		return p.recordTopUp(ctx, tx, n, place)
	}
	if err := bill.Recover(ctx, tx, named, n.Amount); err != nil { // written off, and paid after all
		return Payment{}, err
	}
	items, by, err := lockOpenItems(ctx, tx, p, named)
	if err != nil {
		return Payment{}, err
	}
	shares, err := allocate([]purse{{n.ID, n.Amount.Decimal()}}, items, by)
	if err != nil {
		return Payment{}, err
	}
	applied, writtenOff := sumShares(shares)
	unapplied := n.Amount.Decimal().Sub(applied)
	if err := p.insert(ctx, tx, n, unapplied, nil); err != nil {
		return Payment{}, err
	}
	if err := writeShares(ctx, tx, shares); err != nil {
		return Payment{}, err
	}
	if err := p.bookReceipt(ctx, tx, p.event(tx, n.Method.receipt(), n.ID), place, applied, unapplied); err != nil {
		return Payment{}, fmt.Errorf("record payment %s: %w", n.ID, err)
	}
	if err := ledger.PostMany(ctx, tx, []ledger.Posting{p.writeOff(tx, n.ID, writtenOff)}); err != nil {
		return Payment{}, fmt.Errorf("record payment %s: %w", n.ID, err)
	}
	if err := p.earn(ctx, tx, n, points.BillPaid, p.amount(applied)); err != nil {
		return Payment{}, err
	}
	made := p.newPayment(n, unapplied, nil)
	if err := p.tellReceipt(ctx, tx, made); err != nil {
		return Payment{}, err
	}
	return made, p.changed(ctx, tx)
}

// recordTopUp gives the money to the prepaid balance; balance books it under
// the payment's id.
func (p payer) recordTopUp(ctx context.Context, tx tenant.Tx, n NewPayment, place ledger.Kind) (Payment, error) {
	top := balance.TopUp{ID: n.ID, AccountID: p.id, Amount: n.Amount, From: place, Tax: n.sold, TaxTo: ledger.Vouchers}
	if n.Method != Voucher && n.Method != Goodwill {
		var err error
		if top.Tax, err = p.soldTax(ctx, tx, n.Amount); err != nil {
			return Payment{}, fmt.Errorf("record top-up %s: %w", n.ID, err)
		}
		top.TaxTo = ledger.Tax
	}
	bucket, err := balance.Add(ctx, tx, top)
	if err != nil {
		return Payment{}, fmt.Errorf("record top-up %s: %w", n.ID, err)
	}
	if err := p.insert(ctx, tx, n, money.Decimal{}, &bucket.ID); err != nil {
		return Payment{}, err
	}
	if err := p.earn(ctx, tx, n, points.TopUp, n.Amount); err != nil {
		return Payment{}, err
	}
	made := p.newPayment(n, money.Decimal{}, &bucket.ID)
	if err := p.tellReceipt(ctx, tx, made); err != nil {
		return Payment{}, err
	}
	return made, p.changed(ctx, tx)
}

// earn gives the bonus points that money earns; what the operator gave earns none.
func (p payer) earn(ctx context.Context, tx tenant.Tx, n NewPayment, source points.Source, amount money.Amount) error {
	if n.Method == Goodwill || amount.Sign() <= 0 {
		return nil
	}
	if err := points.Paid(ctx, tx, source, p.id, n.ID, amount); err != nil {
		return fmt.Errorf("points of payment %s: %w", n.ID, err)
	}
	return nil
}

func (p payer) newPayment(n NewPayment, unapplied money.Decimal, bucket *uuid.UUID) Payment {
	return Payment{
		ID: n.ID, AccountID: p.id, IntentID: n.intent, Purpose: n.Purpose, Method: n.Method, Amount: n.Amount,
		Unapplied: p.amount(unapplied), Refunded: p.amount(money.Decimal{}), TakenBack: p.amount(money.Decimal{}), Moved: p.amount(money.Decimal{}), Origin: n.origin, Reference: n.Reference,
		ReceivedAt: n.ReceivedAt, By: n.By, BucketID: bucket,
	}
}

// repeated finds the payment of a repeated command.
func repeated(ctx context.Context, tx tenant.Tx, n NewPayment) (known Payment, found bool, err error) {
	known, err = Get(ctx, tx, n.ID)
	if errors.Is(err, ErrNotFound) {
		return Payment{}, false, nil
	}
	if err != nil {
		return Payment{}, false, err
	}
	same := known.AccountID == n.AccountID && known.Purpose == n.Purpose && known.Method == n.Method &&
		known.Amount.Currency() == n.Amount.Currency() && known.Amount.Decimal().Equal(n.Amount.Decimal())
	if !same {
		return Payment{}, false, fmt.Errorf("%w: payment %s", ErrKeyReused, n.ID)
	}
	return known, true, nil
}

func (p payer) insert(ctx context.Context, tx tenant.Tx, n NewPayment, unapplied money.Decimal, bucket *uuid.UUID) error {
	_, err := tx.Exec(ctx, `
		insert into payment (id, account_id, intent_id, purpose, method, amount, unapplied, currency, reference,
		                     received_at, created_by, bucket_id, legal_entity, branch, origin_id)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		n.ID, p.id, n.intent, n.Purpose, n.Method, n.Amount.Decimal(), unapplied, p.currency, n.Reference,
		n.ReceivedAt, n.By, bucket, p.legalEntity, p.branch, n.origin)
	if err != nil {
		return fmt.Errorf("record payment %s: %w", n.ID, err)
	}
	return p.recordReceipt(ctx, tx, n, unapplied)
}

const paymentColumns = `id, account_id, intent_id, purpose, method, amount, unapplied, refunded, currency,
	reference, received_at, created_by, bucket_id, charged_back, moved, origin_id`

func scanPayment(row pgx.CollectableRow) (Payment, error) {
	var p Payment
	var amount, unapplied, refunded, takenBack, moved money.Decimal
	var currency money.Currency
	err := row.Scan(&p.ID, &p.AccountID, &p.IntentID, &p.Purpose, &p.Method, &amount, &unapplied, &refunded, &currency,
		&p.Reference, &p.ReceivedAt, &p.By, &p.BucketID, &takenBack, &moved, &p.Origin)
	p.TakenBack, p.Moved = money.New(takenBack, currency), money.New(moved, currency)
	p.Amount, p.Unapplied, p.Refunded = money.New(amount, currency), money.New(unapplied, currency), money.New(refunded, currency)
	p.ReceivedAt = p.ReceivedAt.UTC()
	return p, err
}

// Get reads a payment; ErrNotFound if there is none.
func Get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Payment, error) {
	return onePayment(ctx, tx, `select `+paymentColumns+` from payment where id = $1`, id)
}

// ofIntent reads the payment that an intent became.
func ofIntent(ctx context.Context, tx tenant.Tx, intentID uuid.UUID) (Payment, error) {
	return onePayment(ctx, tx, `select `+paymentColumns+` from payment where intent_id = $1`, intentID)
}

func onePayment(ctx context.Context, tx tenant.Tx, query string, id uuid.UUID) (Payment, error) {
	rows, err := tx.Query(ctx, query, id)
	if err != nil {
		return Payment{}, fmt.Errorf("read payment %s: %w", id, err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, scanPayment)
	if errors.Is(err, pgx.ErrNoRows) {
		return Payment{}, fmt.Errorf("payment %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Payment{}, fmt.Errorf("read payment %s: %w", id, err)
	}
	return p, nil
}
