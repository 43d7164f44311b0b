package ledger

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/money"
)

// EventKind says what happened.
type EventKind string

// What moves money or units.
const (
	Usage       EventKind = "usage"
	Fee         EventKind = "fee"
	TopUp       EventKind = "topup"
	Adjustment  EventKind = "adjustment"
	Grant       EventKind = "grant"
	Expiry      EventKind = "expiry"
	Bill        EventKind = "bill"
	Statement   EventKind = "statement"
	Recognition EventKind = "recognition"
	Payment     EventKind = "payment"
	Allocation  EventKind = "allocation"
	Refund      EventKind = "refund"
	Import      EventKind = "import"     // taken over from another billing system, or undone
	Correction  EventKind = "correction" // a charge set right, or taken back
	Move        EventKind = "transfer"   // between subscribers
	Conversion  EventKind = "conversion" // from one currency to another
	Voucher     EventKind = "voucher"    // vouchers sold
	Points      EventKind = "points"     // earned or burnt
	Share       EventKind = "share"      // a partner's part of a charge
	CreditNote  EventKind = "credit_note"
	DebitNote   EventKind = "debit_note"
	Void        EventKind = "void"      // of a bill
	Writing     EventKind = "write_off" // of debt, or taken back
	Deposited   EventKind = "deposit"   // asked for, applied or given back
	TakenBack   EventKind = "dispute"   // a payer's bank takes a card payment back, or gives in
	Return      EventKind = "return"    // a debit or transfer that a bank returned
	Payout      EventKind = "payout"    // a provider pays out what it took for us
	CashMove    EventKind = "cash"      // a drawer counted, or cash brought to the bank
	BankEntry   EventKind = "bank"      // a bank's charge, or money it booked that is nobody's
)

// Event is why transfers are made. ID names the charge, bill, payment or
// bucket that they belong to; At is the instant they count for.
type Event struct {
	Kind        EventKind
	ID          uuid.UUID
	At          time.Time
	LegalEntity uuid.UUID
	Branch      uuid.UUID
}

// Transfer moves Amount, above zero and with at most nine decimals, from
// Credit to Debit. AccountID is the billing account concerned, or uuid.Nil.
type Transfer struct {
	Debit     Account
	Credit    Account
	Amount    money.Decimal
	Unit      money.Unit
	AccountID uuid.UUID
}

// Posting is an event with its transfers.
type Posting struct {
	Event     Event
	Transfers []Transfer
}

// Errors of this package.
var (
	// ErrTransfer is wrapped by the refusal of a transfer that cannot be: a
	// bug of the caller.
	ErrTransfer = errors.New("invalid transfer")
	// ErrOverdrawn means that a total would fall below what it may be.
	ErrOverdrawn = errors.New("balance would fall below zero")
	// ErrUnknownAccount means that a transfer names a bucket, billing account
	// or subscription that does not exist.
	ErrUnknownAccount = errors.New("unknown customer account")
)

func (e Event) check() error {
	if e.Kind == "" || e.ID == uuid.Nil || e.At.IsZero() || e.LegalEntity == uuid.Nil || e.Branch == uuid.Nil {
		return fmt.Errorf("%w: event %s %s is incomplete", ErrTransfer, e.Kind, e.ID)
	}
	return nil
}

func (t *Transfer) check() error {
	switch {
	case !t.Debit.valid():
		return fmt.Errorf("%w: debit account %s %s", ErrTransfer, t.Debit.Kind, t.Debit.ID)
	case !t.Credit.valid():
		return fmt.Errorf("%w: credit account %s %s", ErrTransfer, t.Credit.Kind, t.Credit.ID)
	case t.Debit == t.Credit:
		return fmt.Errorf("%w: %s on both sides", ErrTransfer, t.Debit.Kind)
	case t.Amount.Sign() <= 0 || !t.Amount.Round(money.Scale, money.Down).Equal(t.Amount):
		return fmt.Errorf("%w: amount %s", ErrTransfer, t.Amount)
	case t.Debit.Kind.countsUnits() != t.Credit.Kind.countsUnits(),
		t.Debit.Kind.countsUnits() == t.Unit.IsCurrency(),
		!t.Unit.Valid():
		return fmt.Errorf("%w: unit %q between %s and %s", ErrTransfer, t.Unit, t.Debit.Kind, t.Credit.Kind)
	}
	return nil
}
